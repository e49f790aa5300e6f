import { Queue } from 'bullmq';
import { applyJob, type Doorbell, isOfResource } from './doorbell.js';

export interface RingerOptions {
  readonly redisUrl: string;
  /** Namespace of the queues' keys, a hash tag: all of a queue's keys lie on one slot. */
  readonly prefix: string;
  readonly attempts: number;
  /** How long a ring may take before it is given up, ms. The sweeper rings again for what was given up. */
  readonly timeout_ms: number;
  readonly onError: (error: Error, doorbell?: Doorbell) => void;
}

/** Rings doorbells. A ring never fails a request: what is lost is rung again by the sweeper. */
export class Ringer {
  readonly name = 'ringer';
  readonly queue: Queue;
  readonly #ringing = new Set<Promise<void>>();
  #count = 0;

  constructor(readonly options: RingerOptions) {
    this.queue = new Queue(applyJob.queue, {
      prefix: options.prefix,
      connection: { url: options.redisUrl, enableOfflineQueue: false, maxRetriesPerRequest: 1, connectTimeout: 1_000 },
    });
    this.queue.on('error', (error) => options.onError(error));
  }

  async start(): Promise<void> {}

  /** Waits for the rings under way, then closes. */
  async stop(): Promise<void> {
    await Promise.all(this.#ringing);
    await this.queue.close();
  }

  /**
   * Rings, without making anybody wait: the promise is for tests and for a stop.
   * @param rangAt tells one ring from another of the same tenant: the version that rang, or a word
   * @param wait_ms how long nobody is to hear it yet
   */
  ring(doorbell: Doorbell, rangAt: number | string, wait_ms = 0): Promise<void> {
    const ring = this.#add(doorbell, rangAt, wait_ms).catch((error: Error) => this.options.onError(error, doorbell));
    this.#ringing.add(ring);
    return ring.finally(() => this.#ringing.delete(ring));
  }

  async #add(doorbell: Doorbell, rangAt: number | string, wait_ms: number): Promise<void> {
    const job = this.queue.add(applyJob.queue, doorbell, {
      ...applyJob.options(this.options.attempts),
      jobId: applyJob.id(doorbell, rangAt),
      // Leavers go first: the next job that a worker takes.
      ...(isOfResource(doorbell) ? { lifo: true } : {}),
      ...(wait_ms > 0 ? { delay: wait_ms } : {}),
    });
    this.#count += 1;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('ringing took too long')), this.options.timeout_ms);
    });
    try {
      await Promise.race([job, late]);
    } finally {
      clearTimeout(timer);
      job.catch(() => undefined);
    }
  }

  /** How often was rung, for the metrics. */
  get rung(): number {
    return this.#count;
  }
}
