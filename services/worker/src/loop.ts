import { TransientError } from '@rollcall/directory';
import { type Log, oneAtATime, type Service } from '@rollcall/telemetry';

/** Does something again and again, one after the other, with a pause between: a short one after a round that found something to do. What goes wrong is logged, and done again. */
export class Loop implements Service {
  #running: Promise<void> | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;
  readonly #inTurn = oneAtATime();

  constructor(
    readonly name: string,
    readonly log: Log,
    readonly interval_ms: number,
    readonly once: (stopped: () => boolean) => Promise<unknown>,
    readonly busyInterval_ms = interval_ms,
  ) {}

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#running) return;
      this.#stopped = false;
      this.#running = this.#run();
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#stopped = true;
      this.#wake();
      await this.#running;
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    let failing = false;
    while (!this.#stopped) {
      let busy = false;
      try {
        busy = (await this.once(() => this.#stopped)) === true;
        failing = false;
      } catch (error) {
        // Something that is away is away for all of a process: it is said once.
        if (!(error instanceof TransientError)) this.log.error({ error, part: this.name }, 'failed, will be done again');
        else if (!failing) this.log.warn({ error, part: this.name }, 'waits');
        failing = true;
      }
      await this.#pause(busy ? this.busyInterval_ms : this.interval_ms);
    }
  }

  #pause(pause_ms: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, pause_ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
