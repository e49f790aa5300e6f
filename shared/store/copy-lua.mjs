// The Lua scripts are source files beside their wrappers; tsc leaves them behind, so the build carries them over.
import { cpSync } from 'node:fs';

cpSync(new URL('./src/', import.meta.url), new URL('./dist/', import.meta.url), {
  recursive: true,
  filter: (source) => !/\.\w+$/.test(source) || source.endsWith('.lua'),
});
