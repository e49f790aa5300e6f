import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  findServers,
  freePort,
  type GuardedProcess,
  type MongoServer,
  type RedisServer,
  spawnService,
  startMongo,
  startRedis,
} from '@rollcall/servers';
import { newToken } from '@rollcall/tenancy';
import { Redis } from 'ioredis';
import { createConnection, type mongo } from 'mongoose';
import { Client } from './client.js';
import { newCorner, until } from './environment.js';
import { makeTenants } from './tenants.js';

export interface ClusterOptions {
  /** How many ingest processes; default 1. */
  readonly ingests?: number;
  /** How many worker processes; default 1. With 0 there is one, not started. */
  readonly workers?: 0 | 1 | 2;
  /** Servers that the test may stop, freeze and empty; else those that all tests share. */
  readonly ownServers?: boolean;
  readonly tenants?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Fault points by process, see @rollcall/telemetry's `fault`. */
  readonly faults?: { readonly ingest?: object; readonly worker?: object };
}

/** One process of ours, that a test may end and start again on the same ports. */
export interface Service {
  readonly url: string;
  pid(): number | undefined;
  start(more?: Readonly<Record<string, string>>): Promise<void>;
  /** SIGTERM, and waits. */
  stop(): Promise<void>;
  /** SIGKILL, and waits. */
  kill(): Promise<void>;
  /** Resolves when it has ended by itself. */
  ended(): Promise<unknown>;
  log(): Promise<string>;
}

/** The whole of rollcall, as real processes on real servers. */
export interface Cluster extends AsyncDisposable {
  readonly ingests: readonly Service[];
  /** The first, whose operations port is asked. */
  readonly worker: Service;
  readonly workers: readonly Service[];
  readonly ingestMetricsUrl: string;
  readonly operatorToken: string;
  readonly prefix: string;
  readonly redisServer: RedisServer | undefined;
  readonly mongoServer: MongoServer | undefined;
  readonly redis: Redis;
  readonly db: mongo.Db;
  /** A client of a tenant, at the first ingest or another. */
  client(tenant: string, ingest?: number): Client;
  token(tenant: string): string;
  /** Waits until nothing is pending and the streams are empty. */
  quiet(within_ms?: number): Promise<void>;
  pending(): Promise<number>;
  historyLength(): Promise<number>;
}

const root = path.resolve(__dirname, '../..');
const entry = (service: string, file = 'main.js') => path.join(root, 'services', service, 'dist', file);

/** Starts everything; what was started is ended again if the rest can't be. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const opened: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const one of opened.splice(0).reverse()) await one();
  };
  return start(options, opened, close).catch(async (error) => {
    await close();
    throw error;
  });
}

async function start(options: ClusterOptions, opened: (() => Promise<unknown>)[], close: () => Promise<void>): Promise<Cluster> {
  const dir = await mkdtemp(path.join(tmpdir(), 'rollcall-cluster-'));
  if (!process.env.KEEP) opened.push(() => rm(dir, { recursive: true, force: true }));
  const owned: { redis?: RedisServer; mongo?: MongoServer } = {};
  if (options.ownServers) {
    const { REDIS_URL: _, MONGODB_URI: __, ...env } = process.env;
    const sources = await findServers({ env });
    [owned.redis, owned.mongo] = await Promise.all([
      startRedis({ source: sources.redis, dir: path.join(dir, 'redis') }),
      startMongo({ source: sources.mongo, dir: path.join(dir, 'mongo') }),
    ]);
    opened.push(() => Promise.all([owned.redis?.kill(), owned.mongo?.kill()]));
  }
  const corner = newCorner({
    ...(owned.redis ? { redisUrl: owned.redis.url } : {}),
    ...(owned.mongo ? { mongoUri: owned.mongo.uri } : {}),
  });
  const operatorToken = `op_${randomBytes(24).toString('hex')}`;
  const base = {
    PATH: process.env.PATH ?? '',
    NODE_ENV: 'test',
    REDIS_URL: corner.redisUrl,
    MONGODB_URI: corner.mongoUri,
    ROLLCALL_KEY_PREFIX: corner.prefix,
    ROLLCALL_OPERATOR_TOKEN: operatorToken,
    PARTITIONS: '8',
    MONGO_TIMEOUT_MS: '1000',
    ...options.env,
  };
  const tokens = new Map<string, string>();
  for (const tenant of options.tenants ?? ['acme', 'globex']) tokens.set(tenant, newToken());
  const [[tenant, token] = [], ...others] = tokens;
  if (tenant && token) await seed({ ...base, ROLLCALL_SEED_TENANT: tenant, ROLLCALL_SEED_TOKEN: token }, path.join(dir, 'seed.log'));
  if (others.length > 0) await makeTenants(corner, Number(base.PARTITIONS), new Map(others));

  const services: Service[] = [];
  const armed = (faults: object | undefined): Record<string, string> => (faults ? { ROLLCALL_FAULTS: JSON.stringify(faults) } : {});
  const ingests: Service[] = [];
  let ingestMetricsUrl = '';
  for (let n = 0; n < (options.ingests ?? 1); n += 1) {
    const port = await freePort();
    const metrics = await freePort();
    ingestMetricsUrl ||= `http://127.0.0.1:${metrics}`;
    const env = {
      ...base,
      INGEST_PORT: String(port),
      INGEST_METRICS_PORT: String(metrics),
      OPS_PORT: '0',
      ...armed(options.faults?.ingest),
    };
    ingests.push(service(`ingest-${n}`, entry('ingest'), `http://127.0.0.1:${port}`, env, dir));
  }
  const workers: Service[] = [];
  for (let n = 0; n < Math.max(1, options.workers ?? 1); n += 1) {
    const opsPort = await freePort();
    const env = { ...base, OPS_PORT: String(opsPort), INGEST_PORT: '0', INGEST_METRICS_PORT: '0', ...armed(options.faults?.worker) };
    workers.push(service(`worker-${n}`, entry('worker'), `http://127.0.0.1:${opsPort}`, env, dir));
  }
  const worker = workers[0]!;
  services.push(...ingests, ...workers);

  const redis = new Redis(corner.redisUrl, { maxRetriesPerRequest: null });
  redis.on('error', () => undefined); // tests stop it
  const connection = await createConnection(corner.mongoUri, { serverSelectionTimeoutMS: 30_000 }).asPromise();
  opened.push(async () => {
    if (!owned.redis) {
      const keys = await redis.keys(`*${corner.prefix}*`);
      if (keys.length > 0) await redis.unlink(...keys);
    }
    redis.disconnect();
    if (!owned.mongo) await connection.db?.dropDatabase();
    await connection.close(true);
  });
  opened.push(() => Promise.all(services.map((one) => one.kill())));
  await Promise.all([...ingests, ...(options.workers === 0 ? [] : workers)].map((one) => one.start()));

  const sum = async (pattern: string, count: (key: string) => Promise<number>) => {
    const keys = await redis.keys(`${corner.prefix}:{p*}:${pattern}`);
    return (await Promise.all(keys.map(count))).reduce((a, b) => a + b, 0);
  };
  // The partition's own set counts tenants; the tenants' sets count resources.
  const pending = () => sum('*:pending', (key) => redis.zcard(key));
  const historyLength = () => sum('history', (key) => redis.xlen(key));
  return {
    ...{ ingests, worker, workers, ingestMetricsUrl, operatorToken, prefix: corner.prefix, redis, pending, historyLength },
    redisServer: owned.redis,
    mongoServer: owned.mongo,
    db: connection.db!,
    token: (tenant) => tokens.get(tenant)!,
    client: (tenant, ingest = 0) => new Client(`${ingests[ingest]!.url}/scim/v2`, tokens.get(tenant)!),
    async quiet(within_ms = 30_000) {
      await until(
        'quiet (pending, history)',
        async () => [await pending(), await historyLength()],
        ([a, b]) => a === 0 && b === 0,
        within_ms,
      );
    },
    [Symbol.asyncDispose]: close,
  };
}

function service(name: string, file: string, url: string, env: Record<string, string>, dir: string): Service {
  const log = path.join(dir, `${name}.log`);
  let running: GuardedProcess | undefined;
  return {
    url,
    pid: () => running?.pid,
    async start(more = {}) {
      if (running) throw new Error(`${name} is running: another one would be forgotten, and outlive the tests`);
      const started = await spawnService({ name, entry: file, env: { ...env, ...more }, cwd: root, log });
      running = started;
      let exit: unknown;
      void started.exited.then((ended) => {
        exit = ended;
        if (running === started) running = undefined;
      });
      await until(
        `${name} to be ready`,
        async () =>
          exit ??
          (await fetch(`${url}/readyz`).then(
            ({ status }) => status,
            () => 0,
          )),
        (seen) => seen === 200 || typeof seen === 'object',
        30_000,
      );
      if (exit) throw new Error(`${name} ended: ${JSON.stringify(exit)}\n${await readFile(log, 'utf8')}`);
    },
    async stop() {
      await running?.stop({ deadline_ms: 30_000 });
      running = undefined;
    },
    async kill() {
      await running?.kill();
      running = undefined;
    },
    ended: async () => running?.exited,
    log: () => readFile(log, 'utf8').catch(() => ''),
  };
}

async function seed(env: Record<string, string>, log: string): Promise<void> {
  const running = await spawnService({ name: 'seed', entry: entry('worker', 'seed.js'), env, cwd: root, log });
  const { code } = await running.exited;
  if (code !== 0) throw new Error(`seed failed:\n${await readFile(log, 'utf8')}`);
}
