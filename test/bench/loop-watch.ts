// Preloaded into a process that is measured (`--import`), never part of it: says how long its event loop was held since it was last asked.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const LOOK_MS = 1;

/** Time on the CPU of the thread that has the event loop, ms: what others on this machine do holds nobody here. Elsewhere than on Linux, the time of day. */
function spent_ms(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ', 1)[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

let worst_ms = 0;
let before_ms = spent_ms();
setInterval(() => {
  const now_ms = spent_ms();
  worst_ms = Math.max(worst_ms, now_ms - before_ms);
  before_ms = now_ms;
}, LOOK_MS).unref();
createServer((_, response) => {
  // What held the loop until now is noted by the next look.
  setTimeout(() => {
    response.end(String(worst_ms));
    worst_ms = 0;
  }, 2 * LOOK_MS);
})
  .listen(Number(process.env.LOOP_WATCH_PORT), '127.0.0.1')
  .unref();
