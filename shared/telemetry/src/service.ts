// A process is a stack of services.
import { type Log, silentLog } from './log.js';

/** `start` resolves once the service works, `stop` once nothing of it is left. Either may be called twice, and `stop` without `start`. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Runs what it is given one after the other, so that a stop finds what an unfinished start has made.
 * @example const inTurn = oneAtATime(); … start: () => inTurn(async () => …), stop: () => inTurn(async () => …)
 */
export function oneAtATime(): (next: () => Promise<void>) => Promise<void> {
  let work: Promise<void> = Promise.resolve();
  return (next) => {
    work = work.then(next, next);
    return work;
  };
}

export interface StackOptions {
  readonly log?: Log;
  /** How long each service may take to stop. */
  readonly stopTimeout_ms: number;
}

/** Starts services in order and stops them last opened first. */
export class Stack implements Service {
  readonly name = 'stack';
  readonly #log: Log;
  readonly #stopTimeout_ms: number;
  readonly #open: Service[] = [];
  #stopping: Promise<void> | undefined;
  /** Rises with each stop, so that a start notices one that came in between. */
  #stops = 0;

  constructor({ log = silentLog(), stopTimeout_ms }: StackOptions) {
    this.#log = log;
    this.#stopTimeout_ms = stopTimeout_ms;
  }

  /**
   * Starts one after the other. Where one fails, all that were opened, the half-started one too, are stopped before this rejects with its error.
   * A stop that comes meanwhile ends the start: nothing further is opened, and this rejects.
   */
  async start(...services: Service[]): Promise<void> {
    if (this.#stopping !== undefined) await this.#stopping.catch(() => undefined); // told to whoever stopped
    const stops = this.#stops;
    for (const service of services) {
      this.#open.push(service); // before start, so that a half-started service is stopped too
      try {
        await service.start();
        if (stops !== this.#stops) throw new Error(`stopped while ${service.name} was starting`);
      } catch (error) {
        if (!this.#open.includes(service)) this.#open.push(service); // a stop that came too early for it is said again
        await this.stop().catch((fault: unknown) => this.#log.error({ error: fault }, 'stopping after a failed start'));
        throw error;
      }
      this.#log.debug({ part: service.name }, 'started');
    }
  }

  /**
   * Stops everything, last opened first, each under a deadline; one that fails or hangs keeps none of the others open.
   * Called again meanwhile, it waits for the same stop; afterwards it does nothing.
   * @throws AggregateError of all that went wrong.
   */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll().finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    this.#stops += 1;
    const faults: unknown[] = [];
    for (let service = this.#open.pop(); service !== undefined; service = this.#open.pop()) {
      try {
        await within(this.#stopTimeout_ms, service);
        this.#log.debug({ part: service.name }, 'stopped');
      } catch (cause) {
        faults.push(new Error(`${service.name}: ${cause instanceof Error ? cause.message : 'did not stop'}`, { cause }));
      }
    }
    if (faults.length > 0) throw new AggregateError(faults, `${faults.length} of the services did not stop cleanly`);
  }
}

async function within(limit_ms: number, service: Service): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not stop within ${limit_ms} ms`)), limit_ms);
  });
  try {
    await Promise.race([service.stop(), late]);
  } finally {
    clearTimeout(timer);
  }
}
