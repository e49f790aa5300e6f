import { PermanentError, TransientError } from '@rollcall/directory';
import { DelayedError, type Job, UnrecoverableError, Worker } from 'bullmq';
import { cappedBackoff } from './backoff.js';
import { applyJob, type Doorbell, type Outcome } from './doorbell.js';

export interface ConsumerOptions {
  readonly redisUrl: string;
  readonly prefix: string;
  readonly concurrency: number;
  readonly backoff: { readonly base_ms: number; readonly max_ms: number };
  readonly random: () => number;
  /** Answers one doorbell; it has never heard of BullMQ. */
  readonly process: (doorbell: Doorbell, job: { readonly id: string; readonly attempt: number }) => Promise<Outcome>;
  /** Something that every job needs is away: no job is taken until this resolves. */
  readonly untilBack: (error: TransientError) => Promise<void>;
  readonly onError: (error: Error, doorbell?: Doorbell) => void;
}

/**
 * The rim to BullMQ: parses the data, and maps errors. Transient: again later, at no attempt, and the consumer pauses while what it needs is away.
 * Permanent: never again. All else: the next attempt.
 */
export class Consumer {
  readonly name = 'consumer';
  /** Of both queues: leavers pass the doorbells of tenants, and a pause of their queue. */
  readonly #workers: readonly Worker[];
  #pausing: Promise<void> | undefined;
  #pausedBy: TransientError['away'];
  #stopped = false;

  constructor(readonly options: ConsumerOptions) {
    this.#workers = [applyJob.leaversQueue, applyJob.queue].map((queue) =>
      new Worker(queue, (job, token) => this.#run(job, token), {
        autorun: false,
        prefix: options.prefix,
        connection: { url: options.redisUrl, maxRetriesPerRequest: null },
        concurrency: options.concurrency,
        lockDuration: 10_000,
        stalledInterval: 5_000,
        // With idempotent doorbells a stalled job is no evidence of poison.
        maxStalledCount: 20,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
        settings: { backoffStrategy: (attempt) => cappedBackoff(attempt, options.random(), options.backoff) },
      }).on('error', (error) => options.onError(error)),
    );
  }

  /** What is away, while no job is taken because of it. */
  get pausedBy(): TransientError['away'] {
    return this.#pausedBy;
  }

  async start(): Promise<void> {
    for (const worker of this.#workers) worker.run().catch((error: Error) => this.options.onError(error));
  }

  /** Takes no more jobs, and waits for those in hand. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }

  async #run(job: Job, token: string | undefined): Promise<Outcome> {
    const parsed = applyJob.data.safeParse(job.data);
    if (!parsed.success) throw new UnrecoverableError('not a doorbell');
    try {
      return await this.options.process(parsed.data, { id: job.id ?? '', attempt: job.attemptsMade + 1 });
    } catch (error) {
      if (error instanceof TransientError) {
        this.options.onError(error, parsed.data);
        if (error.away) this.#pause(error);
        const wait_ms = cappedBackoff(job.attemptsStarted, this.options.random(), this.options.backoff);
        await job.moveToDelayed(Date.now() + wait_ms, token);
        throw new DelayedError();
      }
      this.options.onError(error as Error, parsed.data);
      if (error instanceof PermanentError) throw new UnrecoverableError(error.message);
      throw error;
    }
  }

  /** Stops taking jobs until what is away is back. */
  #pause(error: TransientError): void {
    this.#pausedBy ??= error.away;
    this.#pausing ??= (async () => {
      try {
        await Promise.all(this.#workers.map((worker) => worker.pause(true)));
        await this.options.untilBack(error);
      } finally {
        if (!this.#stopped) for (const worker of this.#workers) worker.resume();
        this.#pausing = undefined;
        this.#pausedBy = undefined;
      }
    })().catch((cause: Error) => this.options.onError(cause));
  }
}
