#!/usr/bin/env node
// The entry of worker. It imports nothing before it has looked at Node's version: an old Node could not even read the rest.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 20 || (major === 20 && minor >= 19)) await import('./run.js');
else {
  process.stderr.write(`Node ${process.versions.node} is too old: install Node 20.19 or newer.\n`);
  process.exitCode = 1;
}

export {};
