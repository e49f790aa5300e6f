#!/usr/bin/env node
// rollcall: what an operator types. Only here is the environment read, a signal heard, and the process ended.
import { run } from './program.js';

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopped.signal.aborted) process.exit(130); // asked twice
    stopped.abort();
  });
}
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stopped.signal,
});
