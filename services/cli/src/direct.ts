// What the stores themselves say, without a worker: for `--direct`.
import type { Config } from '@rollcall/config';
import type { JsonObject } from './api.js';
import { CliError, type Context, EXIT, messageOf } from './command.js';

/** One line of `rollcall doctor`. */
export type Finding = JsonObject & { readonly check: string; readonly ok: boolean; readonly is: string; readonly fix?: string };

/** What Redis says about work that waits. */
export interface Waiting {
  readonly tenants: readonly {
    readonly tenant: string;
    readonly pending: number;
    readonly oldestPending_ms: number;
    readonly dead: number;
  }[];
  /** Whether a worker holds the sweeper's lease, which each running one tries to get. */
  readonly hasWorker: boolean;
}

/** The settings that lead to the stores. @throws CliError where neither URL is set, or one is wrong */
export async function storeSettings({ env }: Pick<Context, 'env'>): Promise<Config> {
  const { REDIS_URL, MONGODB_URI, DURABILITY, ROLLCALL_KEY_PREFIX, PARTITIONS } = env;
  if (!REDIS_URL && !MONGODB_URI) throw new CliError('set REDIS_URL and MONGODB_URI to what the services have', EXIT.usage);
  const { loadConfig } = await import('@rollcall/config'); // loaded only for --direct, like the drivers
  try {
    return loadConfig({ REDIS_URL, MONGODB_URI, DURABILITY, ROLLCALL_KEY_PREFIX, PARTITIONS });
  } catch (error) {
    throw new CliError(messageOf(error), EXIT.usage, { cause: error });
  }
}

/**
 * Work that waits, read from Redis.
 * @throws whatever the driver throws while Redis does not answer within `WAIT_MS`
 */
export async function readWaiting(config: Config): Promise<Waiting> {
  const { makeKeys, readBacklog } = await import('@rollcall/store');
  const keys = makeKeys(config.ROLLCALL_KEY_PREFIX, config.PARTITIONS);
  return withRedis(config.REDIS_URL, async (redis) => {
    const now_us = async () => {
      const [s, us] = await redis.time();
      return Number(s) * 1_000_000 + Number(us);
    };
    const [tenants, leases] = await Promise.all([readBacklog({ redis: { redis, now_us }, keys }), redis.exists(keys.sweeperLease())]);
    return { tenants, hasWorker: leases > 0 };
  });
}

/** Undecided people by tenant, as they were noted, read from MongoDB. @throws whatever the driver throws while MongoDB is away */
async function readUndecided(config: Config): Promise<ReadonlyMap<string, number>> {
  return withMongo(config.MONGODB_URI, async (db) => {
    const counts = await db
      .collection('undecided')
      .aggregate([{ $match: { reason: { $nin: ['revived', 'separated'] } } }, { $group: { _id: '$tenant', count: { $sum: 1 } } }], {
        maxTimeMS: WAIT_MS,
      })
      .toArray();
    return new Map(counts.map(({ _id, count }) => [String(_id), Number(count)]));
  });
}

/** What `GET /admin/v1/status` answers, as far as the stores tell. @param only this tenant */
export async function readDirect(context: Context, only?: string): Promise<JsonObject> {
  const config = await storeSettings(context);
  const { REDIS_URL, MONGODB_URI } = context.env;
  const [waiting, undecided] = await Promise.all([
    REDIS_URL ? readWaiting(config).catch(() => undefined) : undefined,
    MONGODB_URI ? readUndecided(config).catch(() => undefined) : undefined,
  ]);
  const names = new Set([...(waiting?.tenants ?? []).map(({ tenant }) => tenant), ...(undecided?.keys() ?? [])]);
  const tenants = [...names]
    .filter((tenant) => only === undefined || tenant === only)
    .map((tenant) => {
      const found = waiting?.tenants.find((each) => each.tenant === tenant);
      return {
        tenant,
        pending: waiting ? (found?.pending ?? 0) : null,
        oldestPendingMs: waiting ? (found?.oldestPending_ms ?? 0) : null,
        deadLetters: waiting ? (found?.dead ?? 0) : null,
        undecided: undecided ? (undecided.get(tenant) ?? 0) : null,
      };
    });
  return {
    ...(REDIS_URL ? { redis: { status: waiting ? 'up' : 'away' } } : {}),
    ...(MONGODB_URI ? { mongodb: { status: undecided ? 'up' : 'away' } } : {}),
    ...(waiting ? { worker: { status: waiting.hasWorker ? 'up' : 'away' } } : {}),
    tenants,
    unknown: [...(waiting ? [] : ['pending', 'deadLetters']), ...(undecided ? [] : ['undecided'])],
  };
}

/** Connects, runs, and disconnects. @throws whatever the driver throws */
export async function withRedis<T>(url: string, run: (redis: import('ioredis').Redis) => Promise<T>): Promise<T> {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: WAIT_MS,
    commandTimeout: WAIT_MS,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
  });
  redis.on('error', () => undefined); // the rejected command says it
  try {
    // A server that is frozen accepts the connection, and is silent.
    await within(redis.connect());
    return await within(run(redis));
  } finally {
    redis.disconnect();
  }
}

/** Connects, runs, and disconnects. @throws whatever the driver throws, or Error after `WAIT_MS` */
export async function withMongo<T>(uri: string, run: (db: import('@rollcall/store').mongo.Db) => Promise<T>): Promise<T> {
  const [{ createConnection }, { databaseOf }] = await Promise.all([import('mongoose'), import('@rollcall/config')]);
  const connection = createConnection();
  try {
    await within(
      connection.openUri(uri, {
        serverSelectionTimeoutMS: WAIT_MS,
        connectTimeoutMS: WAIT_MS,
        socketTimeoutMS: WAIT_MS,
        autoIndex: false,
        autoCreate: false,
        dbName: databaseOf(uri),
      }),
    );
    return await within(run(connection.db!));
  } finally {
    await within(connection.close(true)).catch(() => undefined);
  }
}

/** @throws Error where it takes longer than `WAIT_MS` */
async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${WAIT_MS} ms`)), WAIT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** How long a store may take to answer. */
export const WAIT_MS = 3_000;
