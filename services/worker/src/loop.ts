import type { Outages } from '@rollcall/store';
import { oneAtATime, type Service } from '@rollcall/telemetry';

/** Repeats a round of work with a pause between rounds: a short one after a round that found something to do. A round that fails is reported, and done again. */
export class Loop implements Service {
  #running: Promise<void> | undefined;
  #stopped = false;
  #wake: () => void = () => undefined;
  readonly #inTurn = oneAtATime();

  constructor(
    readonly name: string,
    readonly outages: Pick<Outages, 'note'>,
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
    while (!this.#stopped) {
      let busy = false;
      try {
        busy = (await this.once(() => this.#stopped)) === true;
      } catch (error) {
        this.outages.note(error, { event: 'loop.failed', part: this.name }, `a round of the ${this.name} failed and is done again`);
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
