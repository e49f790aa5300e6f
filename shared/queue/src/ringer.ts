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
  /** Doorbells of tenants. */
  readonly queue: Queue;
  /** Doorbells of resources that cannot wait. */
  readonly leavers: Queue;
  readonly #ringing = new Set<Promise<void>>();
  #count = 0;

  constructor(readonly options: RingerOptions) {
    const open = (name: string) =>
      new Queue(name, {
        prefix: options.prefix,
        connection: { url: options.redisUrl, enableOfflineQueue: false, maxRetriesPerRequest: 1, connectTimeout: 1_000 },
      }).on('error', (error) => options.onError(error));
    this.queue = open(applyJob.queue);
    this.leavers = open(applyJob.leaversQueue);
  }

  /**
   * Whether an operator has paused the queue `apply` on Bull Board; undefined if Redis does not say so in time. Leavers are applied all the same:
   * the board cannot pause their queue.
   */
  async pausedByOperator(): Promise<boolean | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), this.options.timeout_ms);
    });
    try {
      return await Promise.race([this.queue.isPaused().catch(() => undefined), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async start(): Promise<void> {}

  /** Waits for the rings under way, then closes. */
  async stop(): Promise<void> {
    await Promise.all(this.#ringing);
    await Promise.all([this.queue.close(), this.leavers.close()]);
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
    const queue = isOfResource(doorbell) ? this.leavers : this.queue;
    const job = queue.add(queue.name, doorbell, {
      ...applyJob.options(this.options.attempts),
      jobId: applyJob.id(doorbell, rangAt),
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
