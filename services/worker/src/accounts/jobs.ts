// Work on many accounts, in the background, by whichever worker takes it up; it goes on where it was, whoever dies.
import { randomUUID } from 'node:crypto';
import { TransientError } from '@rollcall/directory';
import { ScimError, withoutValues } from '@rollcall/scim';
import { type MongoLink, onMongo, type StoredJob, type StoredLine } from '@rollcall/store';
import { fault, type Log } from '@rollcall/telemetry';
import type { Accounts } from './accounts.js';
import { accountOfRow } from './import-row.js';
import { told } from './told.js';

export interface JobsDeps {
  readonly mongo: MongoLink;
  readonly accounts: Accounts;
  readonly now: () => Date;
  readonly log: Log;
}

export class Jobs {
  constructor(readonly deps: JobsDeps) {}

  /** Keeps the lines of an import, read as they come: nobody works on them until it begins. @throws what `lines` throws; nothing is then kept */
  async receive(tenant: string, lines: AsyncIterable<StoredLine>): Promise<Received> {
    const id = randomUUID();
    const { mongo, now } = this.deps;
    let total = 0;
    try {
      for await (const part of parts(lines, LINES_PER_PART)) {
        const first = total + 1;
        await onMongo(mongo.collection('jobLines').insertOne({ _id: `${id}/${first}`, tenant, job: id, at: now(), first, lines: part }));
        total += part.length;
      }
    } catch (error) {
      await this.#forget(id).catch(() => undefined);
      throw error;
    }
    return { id, tenant, total };
  }

  /** Begins an import with the lines that were received. */
  async beginImport({ id, tenant, total }: Received, by: string): Promise<StoredJob> {
    return this.#begin({ _id: id, tenant, kind: 'import', by, total, next: 1 });
  }

  /** Lets go of lines with which no import is to begin. What can't be done now is done by time. */
  async discard({ id }: Received): Promise<void> {
    await this.#forget(id).catch(() => undefined);
  }

  /** Begins to bring all accounts under the tenant's present mappings. */
  async beginMappings(tenant: string, by: string): Promise<StoredJob> {
    // As far as MongoDB knows by now; at its end it is as many as there were.
    const total = await onMongo(this.deps.mongo.collection('accounts').countDocuments({ tenant, 'account.purged': { $ne: true } }));
    return this.#begin({ _id: randomUUID(), tenant, kind: 'mappings', by, total, next: -1 });
  }

  async find(tenant: string, kind: StoredJob['kind'], id: string): Promise<StoredJob | undefined> {
    return (await onMongo(this.deps.mongo.collection('jobs').findOne({ _id: id, tenant, kind }))) ?? undefined;
  }

  /** Works on one part of one job. @returns whether there was anything to do */
  async work(): Promise<boolean> {
    const { mongo, now } = this.deps;
    const jobs = mongo.collection('jobs');
    const job = await onMongo(
      jobs.findOneAndUpdate(
        { status: 'running', leaseUntil: { $lt: now() } },
        { $set: { leaseUntil: new Date(now().getTime() + LEASE_MS) } },
        { sort: { createdAt: 1 }, returnDocument: 'after' },
      ),
    );
    if (!job) return false;
    const done = job.kind === 'import' ? await this.#importPart(job) : await this.#mappingsPart(job);
    const failures = done.failures.slice(0, Math.max(0, FAILURES_MAX - job.failures.length));
    const finished = done.finished ? { status: 'done' as const, finishedAt: now(), total: job.done + done.done } : {};
    const { matchedCount } = await onMongo(
      jobs.updateOne(
        { _id: job._id, leaseUntil: job.leaseUntil, next: job.next },
        {
          $set: { next: done.next, leaseUntil: new Date(0), ...finished },
          $inc: { done: done.done, failed: done.failures.length },
          ...(failures.length > 0 ? { $push: { failures: { $each: failures } } } : {}),
        },
      ),
    );
    // Whoever took it up meanwhile, as this took too long, counts for itself, and needs the lines.
    if (done.finished && matchedCount > 0) await this.#forget(job._id);
    return true;
  }

  async #begin(job: Pick<StoredJob, '_id' | 'tenant' | 'kind' | 'by' | 'total' | 'next'>): Promise<StoredJob> {
    const stored: StoredJob = {
      ...job,
      status: 'running',
      createdAt: this.deps.now(),
      done: 0,
      failed: 0,
      failures: [],
      leaseUntil: new Date(0),
    };
    await onMongo(this.deps.mongo.collection('jobs').insertOne(stored));
    return stored;
  }

  /** Each line is whole or not at all, and its number is its request key: a line that was done before finds itself. */
  async #forget(job: string): Promise<void> {
    await onMongo(this.deps.mongo.collection('jobLines').deleteMany({ job }));
  }

  async #importPart(job: StoredJob): Promise<Part> {
    const { mongo, accounts, now } = this.deps;
    const part = await onMongo(mongo.collection('jobLines').findOne({ job: job._id, first: { $gte: job.next } }, { sort: { first: 1 } }));
    if (!part) return { next: job.next, done: 0, failures: [], finished: true };
    const failures: StoredJob['failures'] = [];
    const types = await accounts.types(job.tenant);
    for (const [i, { line, cells, fault: wrong }] of part.lines.entries()) {
      const number = part.first + i;
      await fault('before line');
      const key = `import/${job._id}/${number}`;
      const asked = { by: job.by, requestId: key, requestKey: key, newId: idOfLine(job._id, number), now: now() };
      const reason = await this.#said(job, line, Object.values(cells), async () => {
        if (wrong !== undefined) throw ScimError.of('invalidSyntax', wrong);
        const account = accountOfRow(cells, types);
        await accounts.make(job.tenant, { ...account, origin: 'import' }, asked);
      });
      if (reason !== undefined) failures.push({ line, reason });
    }
    const next = part.first + part.lines.length;
    return { next, done: part.lines.length, failures, finished: next > job.total };
  }

  async #mappingsPart(job: StoredJob): Promise<Part> {
    const { accounts, now } = this.deps;
    const page = await accounts.list(job.tenant, { after: job.next, limit: ACCOUNTS_PER_PART });
    const failures: StoredJob['failures'] = [];
    for (const [i, { id }] of page.items.entries()) {
      const asked = { by: job.by, requestId: `mappings/${job._id}`, now: now() };
      const line = job.done + i + 1;
      const reason = await this.#said(job, line, [], () => accounts.run(job.tenant, { kind: 'remap', type: 'User', id }, asked));
      if (reason !== undefined) failures.push({ line, reason });
    }
    return { next: page.after ?? job.next, done: page.items.length, failures, finished: page.after === undefined };
  }

  /**
   * What was refused, in words that hold no value: reasons are kept longer than a person who is purged. The line's number tells which value.
   * What is only away for now is thrown on: the part is done again later.
   */
  async #said(job: StoredJob, line: number, cells: readonly string[], work: () => Promise<unknown>): Promise<string | undefined> {
    try {
      await work();
      return undefined;
    } catch (error) {
      if (error instanceof ScimError) return withoutCells(told(error), cells);
      if (error instanceof TransientError) throw error;
      // A fault of ours must not hold up the other lines, and other jobs, for good.
      this.deps.log.error({ event: 'job.line.failed', error, tenant: job.tenant, job: job._id, line }, 'a line of a job failed');
      return 'it failed, for a reason that is in the log of the worker';
    }
  }
}

/**
 * A reason without the values of its line: those in quotes, and those that it has as they are. Values that are shorter, or stand inside a word, are kept:
 * a cell `Name` says nothing of `userName`.
 */
function withoutCells(reason: string, cells: readonly string[]): string {
  const values = cells.map((cell) => cell.trim()).filter(({ length }) => length >= CELL_KNOWN_MIN);
  return values.reduce((text, value) => text.replaceAll(wholeWords(value), '…'), withoutValues(reason));
}

const wholeWords = (value: string): RegExp =>
  new RegExp(`(?<![\\p{L}\\p{N}])${value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}])`, 'gu');

/** An import whose lines are kept, and which has not begun. */
export interface Received {
  readonly id: string;
  readonly tenant: string;
  readonly total: number;
}

interface Part {
  readonly next: number;
  readonly done: number;
  readonly failures: StoredJob['failures'];
  readonly finished: boolean;
}

async function* parts<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let part: T[] = [];
  for await (const item of items) {
    part.push(item);
    if (part.length < size) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** The same line makes the same id, however often it is tried: a UUID whose random part is the job's, and the line's number among them. */
function idOfLine(job: string, number: number): string {
  const part = ((Number.parseInt(job.slice(24, 32), 16) ^ number) >>> 0).toString(16).padStart(8, '0');
  return `${job.slice(0, 24)}${part}${job.slice(32)}`;
}

const LINES_PER_PART = 100;
const ACCOUNTS_PER_PART = 100;
const FAILURES_MAX = 1_000;
const CELL_KNOWN_MIN = 4;
/** How long a killed worker's job stands still. A part that takes longer is done twice over, and each line finds itself. */
const LEASE_MS = 15_000;
