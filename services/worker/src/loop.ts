import { TransientError } from '@rollcall/directory';
import type { Log, Service } from '@rollcall/telemetry';

/** Does something again and again, one after the other, with a pause between. What goes wrong is logged, and done again. */
export class Loop implements Service {
  #running: Promise<void> | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;

  constructor(
    readonly name: string,
    readonly log: Log,
    readonly interval_ms: number,
    readonly once: (stopped: () => boolean) => Promise<void>,
  ) {}

  async start(): Promise<void> {
    if (this.#running) return;
    this.#stopped = false;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    await this.#running;
    this.#running = undefined;
  }

  async #run(): Promise<void> {
    let failing = false;
    while (!this.#stopped) {
      try {
        await this.once(() => this.#stopped);
        failing = false;
      } catch (error) {
        // Something that is away is away for all of a process: it is said once.
        if (!(error instanceof TransientError)) this.log.error({ error, part: this.name }, 'failed, will be done again');
        else if (!failing) this.log.warn({ error, part: this.name }, 'waits');
        failing = true;
      }
      await this.#pause();
    }
  }

  #pause(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.interval_ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
