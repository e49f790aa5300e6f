// Dead letters as Bull Board shows them: the failed jobs of a queue of their own, whose Retry button redrives.
import { type Log, oneAtATime, type Service, scrub } from '@rollcall/telemetry';
import { type ConnectionOptions, type Job, type Queue, UnrecoverableError, Worker } from 'bullmq';
import type { DeadLetter } from './dead-letter.js';

export const DEAD_LETTER_QUEUE = 'dead-letter';
/** How many are shown. All are in the index, which is the record; `GET /admin/v1/dead-letters` pages through it. */
export const MIRRORED_MAX = 1_000;

export interface DeadLetterBoardDeps {
  /** The queue that Bull Board shows, by this name; its prefix is the worker's too. */
  readonly queue: Queue;
  /** For a connection of the worker's own, as it blocks. */
  readonly connection: ConnectionOptions;
  /** Moves the dead letter back to what is pending, and rings. */
  redrive(item: { tenant: string; id: string }): Promise<unknown>;
  readonly log: Log;
  /** Told of errors of its connection, which reconnects by itself. */
  readonly onError: (error: Error) => void;
}

export interface DeadLetterBoard extends Service {
  /** Makes the failed jobs show these dead letters (the first MIRRORED_MAX, in a stable order) and no others. The sweeper calls it. */
  mirror(deadLetters: readonly DeadLetter[]): Promise<{ added: number; removed: number }>;
}

interface Mirrored {
  readonly tenant: string;
  readonly type: string;
  readonly id: string;
  readonly version: number;
  readonly code?: number | string | undefined;
  readonly tries: number;
  readonly requestId: string;
  readonly cause: string;
  readonly rules?: readonly string[] | undefined;
}

/**
 * A mirrored job fails by itself on its first run, with the dead letter's cause as its reason. Retry puts it back to wait, and its second run
 * redrives; then it is gone. So Bull Board needs no hook, and a click on any replica is served by any worker.
 */
export function deadLetterBoard({ queue, connection, redrive, log, onError }: DeadLetterBoardDeps): DeadLetterBoard {
  const inTurn = oneAtATime();
  let worker: Worker<Mirrored> | undefined;

  return {
    name: 'dead-letter board',
    start: () =>
      inTurn(async () => {
        worker ??= new Worker<Mirrored>(queue.name, showOrRedrive(redrive, log), {
          connection,
          prefix: queue.opts.prefix ?? 'bull',
          concurrency: 8,
          maxStalledCount: 20, // showing and redriving may both be repeated
          removeOnComplete: { count: 0 },
        }).on('error', onError);
      }),
    stop: () =>
      inTurn(async () => {
        // By force, as BullMQ's other way waits for Redis, for ever if need be. What was in hand stalls, and is done again.
        await worker?.close(true);
        worker = undefined;
      }),
    mirror: (deadLetters) => mirror(queue, deadLetters.slice(0, MIRRORED_MAX)),
  };
}

/** Told apart by `attemptsMade`, which Retry leaves alone: 0 has never failed, so it is only to be shown. */
const showOrRedrive =
  (redrive: DeadLetterBoardDeps['redrive'], log: Log) =>
  async ({ attemptsMade, data: { tenant, id, version, requestId, cause, rules = [] } }: Job<Mirrored>): Promise<void> => {
    const why = [cause, ...(rules.length === 0 ? [] : [rules.join('; ')])].join(': ');
    if (attemptsMade === 0) throw new UnrecoverableError(why);
    try {
      await redrive({ tenant, id });
    } catch (error) {
      log.error(
        { event: 'dead_letter.redrive.failed', error, tenant, id, version, requestId },
        'a dead letter could not be redriven from Bull Board',
      );
      throw new UnrecoverableError(`not redriven (${error instanceof Error ? error.name : 'thrown'}); ${why}`);
    }
    log.info({ event: 'dead_letter.redriven', tenant, id, version, requestId }, 'a dead letter was redriven from Bull Board');
  };

async function mirror(queue: Queue, deadLetters: readonly DeadLetter[]): Promise<{ added: number; removed: number }> {
  const wanted = new Map(deadLetters.map((letter) => [jobIdOf(letter), letter]));
  const [failed, underway] = await Promise.all([queue.getRanges(['failed'], 0, -1), queue.getRanges(['wait', 'active', 'delayed'], 0, -1)]);
  const shown = new Set([...failed, ...underway]);
  const missing = [...wanted].filter(([jobId]) => !shown.has(jobId));
  const gone = failed.filter((jobId) => !wanted.has(jobId)); // what is under way ends, or fails, by itself
  if (missing.length > 0) await queue.addBulk(missing.map(([jobId, letter]) => jobOf(jobId, letter)));
  const removed = await Promise.all(gone.map((jobId) => queue.remove(jobId)));
  return { added: missing.length, removed: removed.filter((count) => count > 0).length };
}

/** Each death is a job of its own: were the id the version's alone, a job that is just being redriven would swallow the next. */
const jobIdOf = ({ tenant, id, version, failedAt }: DeadLetter): string => `${tenant}_${id}_v${version}_${Date.parse(failedAt)}`;

function jobOf(jobId: string, { tenant, type, id, version, code, tries, requestId, cause, rules, failedAt }: DeadLetter) {
  const data: Mirrored = { tenant, type, id, version, code, tries, requestId, cause: scrub(cause), rules };
  const options = { jobId, attempts: 1, removeOnComplete: true, removeOnFail: false, stackTraceLimit: 0, timestamp: Date.parse(failedAt) };
  return { name: 'dead letter', data, opts: options };
}
