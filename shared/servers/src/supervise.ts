import { messageOf } from './errors.js';
import type { Exit, StopOptions } from './guard.js';

/** What can be kept alive: it starts, it ends, and it can be started again. */
export interface Supervised {
  readonly name: string;
  readonly pid: number | undefined;
  /** Why its end was asked for, where it is to be started again: `after a change`. */
  readonly endsBecause?: string | undefined;
  start(): Promise<void>;
  stop(options?: Partial<StopOptions>): Promise<void>;
  exited(): Promise<Exit>;
}

export interface SuperviseOptions {
  readonly log: (message: string) => void;
  /** After each new start: `pid` is another one now. */
  readonly onRestart: () => void;
  /** After each end that nobody asked for; `life_ms` is how long it had worked. */
  readonly onEnd?: ((exit: Exit, life_ms: number) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface Clock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface Supervision {
  /** Ends it for good. */
  stop(options?: Partial<StopOptions>): Promise<void>;
  /** From now on it is not started again; it is not ended either. */
  release(): void;
}

export const BACKOFF_FIRST_MS = 100;
export const BACKOFF_MAX_MS = 2_000;
export const LIFE_MIN_MS = 5_000;

/** Starts `server` (which runs) again whenever it dies: after 0.1 s, then doubled to 2 s, and from 0.1 s again once it has lived for 5 s. */
export function supervise(server: Supervised, { log, onRestart, onEnd, clock = realClock }: SuperviseOptions): Supervision {
  const released = new AbortController();
  const loop = keepAlive();
  return {
    release: () => released.abort(),
    async stop(options) {
      released.abort();
      await server.stop(options);
      await loop;
      await server.stop(options); // it may have been starting just then
    },
  };

  async function keepAlive(): Promise<void> {
    let backoff_ms = BACKOFF_FIRST_MS;
    for (;;) {
      const born = clock.now();
      const pid = server.pid;
      const exit = await server.exited();
      if (released.signal.aborted) return;
      const life_ms = clock.now() - born;
      const because = server.endsBecause;
      if (life_ms >= LIFE_MIN_MS || because !== undefined) backoff_ms = BACKOFF_FIRST_MS;
      onEnd?.(exit, life_ms);
      if (because === undefined)
        log(`${server.name}${pid === undefined ? '' : ` (pid ${pid})`} ended (${describe(exit)}); it is started again`);
      for (let running = false; !running; ) {
        await clock.sleep(backoff_ms, released.signal);
        if (released.signal.aborted) return;
        backoff_ms = Math.min(backoff_ms * 2, BACKOFF_MAX_MS);
        try {
          await server.start();
          running = true;
        } catch (error) {
          if (released.signal.aborted) return;
          log(`${server.name} could not be started again: ${messageOf(error)}`);
        }
      }
      const now = server.pid === undefined ? '' : ` as pid ${server.pid}`;
      log(because === undefined ? `${server.name} runs again${now}` : `${server.name} restarted ${because}${now}`);
      onRestart();
    }
  }
}

export const describe = ({ code, signal }: Exit): string => signal ?? (code === null ? 'for a reason unknown' : `exit code ${code}`);

const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal.addEventListener(
        'abort',
        () => {
          clearTimeout(timer);
          resolve();
        },
        { once: true },
      );
    }),
};
