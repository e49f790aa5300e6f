// Writes docs/configuration.md, made of the schema; `--print` shows it instead. Build first: `npx tsc -b shared/config`.
import { writeFileSync } from 'node:fs';
import { settingsPage } from './dist/index.js';

if (process.argv.includes('--print')) process.stdout.write(settingsPage());
else writeFileSync(new URL('../../docs/configuration.md', import.meta.url), settingsPage());
