#!/usr/bin/env node
// Stands here, executable, before anything is built: npm links it at install, when there is no dist yet.
import '../dist/main.js';
