import { TransientError } from '@rollcall/directory';
import { checkServer, type MongoLink, type Outages, type RedisLink, tellServer } from '@rollcall/store';
import type { Log, Service } from '@rollcall/telemetry';
import { ensurePartitions } from '@rollcall/tenancy';

export interface PrepareDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly partitions: number;
  readonly durability: 'always' | 'everysec';
  readonly log: Log;
  readonly outages: Pick<Outages, 'note'>;
}

/** The servers are there, but not as they must be. The message says what to mend. */
export class UnfitError extends Error {
  override readonly name = 'UnfitError';
}

/** Waits until both servers are there, for as long as it takes, and makes what must be made once: MongoDB's indexes, the number of partitions. */
export class Preparation implements Service {
  readonly name = 'preparation';
  #done = false;
  #stopped = false;
  #wake: () => void = () => undefined;

  constructor(readonly deps: PrepareDeps) {}

  /** Whether it was done once. */
  get done(): boolean {
    return this.#done;
  }

  /** @throws UnfitError, or what the makers throw, where waiting does not help */
  async start(): Promise<void> {
    while (!this.#stopped && !this.#done) {
      try {
        await prepare(this.deps);
        this.#done = true;
        return;
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        this.deps.outages.note(error, { event: 'preparation.waits' }, 'the worker waits for Redis and MongoDB');
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, AGAIN_MS);
          this.#wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
  }
}

/** @throws TransientError while one of them is away */
export async function prepare({ redis, mongo, partitions, durability, log }: Omit<PrepareDeps, 'outages'>): Promise<void> {
  const findings = await checkServer(redis.redis, durability);
  const fatal = findings.filter((finding) => finding.fatal).map(({ setting, is, should }) => `${setting} is ${is}: set it to ${should}`);
  if (fatal.length > 0) throw new UnfitError(`Redis would lose what was accepted: ${fatal.join('; ')}`);
  tellServer(log, findings, durability);

  if (!(await mongo.ping())) throw new TransientError('MongoDB is away, or has no primary', { away: 'mongodb' });
  const hello = await mongo.connection.db!.command({ hello: 1 });
  if (hello.setName === undefined && hello.msg !== 'isdbgrid') {
    throw new UnfitError('MONGODB_URI: this MongoDB is no replica set; start it with --replSet and initiate it, a single node is enough');
  }
  await mongo.makeIndexes();
  await ensurePartitions(mongo, partitions);
}

const AGAIN_MS = 100;
