// All that is measured: both servers, both services, both baselines, each a process of its own, on data in a temporary folder.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServers, freePort, type GuardedProcess, spawnService, startMongo, startRedis } from '@rollcall/servers';
import { makeKeys, type StoredMembership, type StoredResource, type TenantKeys } from '@rollcall/store';
import { Redis } from 'ioredis';
import mongoose from 'mongoose';
import type { ProcessName } from './usage.js';

/** A customer, and what speaks for it. */
export interface Tenant {
  readonly name: string;
  readonly token: string;
  readonly keys: TenantKeys;
}

export interface World extends AsyncDisposable {
  /** Token of the tenant that most rows write to. */
  readonly token: string;
  readonly ports: { readonly ingest: number; readonly echo: number; readonly mongoose: number };
  /** What it runs on, in one line. */
  readonly about: string;
  pidOf(name: Exclude<ProcessName, 'baseline'> | 'echo' | 'mongoose'): number | undefined;
  /** A further ingest, whose event loop is watched; started when it is first asked for. */
  watchedIngest(): Promise<WatchedIngest>;
  /** Makes another tenant. */
  tenant(name: string): Promise<Tenant>;
  /** How many resources, of all tenants, are accepted and not settled. */
  pending(): Promise<number>;
  /** How many of the first tenant's resources MongoDB has. */
  applied(): Promise<number>;
  /** Whether the index of a tenant is loaded whole. */
  complete(tenant: Tenant): Promise<boolean>;
  /** What is to be there before anything is measured is written here, past the service. */
  collection<Name extends keyof Seeded>(name: Name): mongoose.mongo.Collection<Seeded[Name]>;
}

export interface WatchedIngest {
  /** Its SCIM base URL. */
  readonly url: string;
  /** For how long its event loop was held at once, at most, since this was last asked. */
  held_ms(): Promise<number>;
}

interface Seeded {
  readonly accounts: StoredResource;
  readonly groups: StoredResource;
  readonly memberships: StoredMembership;
}

const TENANT = 'bench';
const PREFIX = 'rollcall';
const PARTITIONS = 64;
const TMPFS = 0x01021994;
const READY_MS_MAX = 30_000;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const entry = {
  seed: path.join(root, 'services/worker/dist/seed.js'),
  worker: path.join(root, 'services/worker/dist/main.js'),
  ingest: path.join(root, 'services/ingest/dist/main.js'),
  echo: fileURLToPath(new URL('baselines/echo.js', import.meta.url)),
  mongoose: fileURLToPath(new URL('baselines/mongoose.js', import.meta.url)),
};

const LOOP_WATCH = new URL('loop-watch.js', import.meta.url).href;

export async function startWorld(env: NodeJS.ProcessEnv): Promise<World> {
  /** What is to be ended, in the order in which it was started. */
  const open: (() => unknown)[] = [];
  const close = async () => {
    for (let end = open.pop(); end !== undefined; end = open.pop()) await Promise.resolve(end()).catch((error) => console.error(error));
  };
  try {
    const dir = mkdtempSync(path.join(tmpdir(), 'rollcall-bench-'));
    open.push(() => rmSync(dir, { recursive: true, force: true }));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close().then(() => process.exit(1)));
    const sources = await findServers({ env, progress: (message) => console.error(message) });
    const mongo = await startMongo({ source: sources.mongo, dir: path.join(dir, 'mongodb') });
    open.push(() => mongo[Symbol.asyncDispose]());
    const redis = await startRedis({ source: sources.redis, dir: path.join(dir, 'redis') });
    open.push(() => redis[Symbol.asyncDispose]());

    const [ingest, ops, metrics, echo, plain] = [await freePort(), await freePort(), await freePort(), await freePort(), await freePort()];
    const logLevel = env.LOG_LEVEL ?? 'info';
    const ofRollcall = {
      ...{ PATH: env.PATH, NODE_ENV: 'production', LOG_LEVEL: logLevel, REDIS_URL: redis.url, MONGODB_URI: mongo.uri },
      ...{ ROLLCALL_KEY_PREFIX: PREFIX, PARTITIONS: String(PARTITIONS) },
      ...{ INGEST_PORT: String(ingest), OPS_PORT: String(ops), INGEST_METRICS_PORT: String(metrics) },
    };
    const started = new Map<string, GuardedProcess>();
    const start = async (
      name: keyof typeof entry,
      childEnv: NodeJS.ProcessEnv,
      { as = name as string, execArgv = [] as string[] } = {},
    ) => {
      const log = path.join(dir, `${as}.log`);
      const child = await spawnService({ name: as, entry: entry[name], execArgv, env: childEnv, log });
      open.push(() => child.stop({ deadline_ms: 10_000 }));
      started.set(as, child);
      const lines = () => readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n');
      return { child, lines };
    };

    const makeTenant = async (name: string): Promise<Tenant> => {
      const token = `rc_${randomBytes(32).toString('base64url')}`;
      const seed = await start('seed', { ...ofRollcall, ROLLCALL_SEED_TENANT: name, ROLLCALL_SEED_TOKEN: token });
      const { code } = await seed.child.exited;
      if (code !== 0) throw new Error(`the tenant ${name} could not be made:\n${seed.lines()}`);
      const tenant = { name, token, keys: makeKeys(PREFIX, PARTITIONS).tenant(name) };
      tenants.push(tenant);
      return tenant;
    };
    const tenants: Tenant[] = [];
    const { token } = await makeTenant(TENANT);
    const plainUri = new URL(mongo.uri);
    plainUri.pathname = '/plain';
    const baselineEnv = { PATH: env.PATH, NODE_ENV: 'production' };
    const services = [
      { url: `http://127.0.0.1:${ops}/readyz`, ...(await start('worker', ofRollcall)) },
      { url: `http://127.0.0.1:${ingest}/readyz`, ...(await start('ingest', ofRollcall)) },
      { url: `http://127.0.0.1:${echo}/`, ...(await start('echo', { ...baselineEnv, PORT: String(echo) })) },
      {
        url: `http://127.0.0.1:${plain}/`,
        ...(await start('mongoose', { ...baselineEnv, PORT: String(plain), MONGODB_URI: plainUri.href })),
      },
    ];
    await Promise.all(services.map(({ url, child, lines }) => untilReady(url, child, lines)));

    let watched: Promise<WatchedIngest> | undefined;
    const startWatched = async (): Promise<WatchedIngest> => {
      const [port, internal, watch] = [await freePort(), await freePort(), await freePort()];
      const childEnv = { ...ofRollcall, INGEST_PORT: String(port), INGEST_METRICS_PORT: String(internal), LOOP_WATCH_PORT: String(watch) };
      const { child, lines } = await start('ingest', childEnv, { as: 'watched ingest', execArgv: ['--import', LOOP_WATCH] });
      await untilReady(`http://127.0.0.1:${port}/readyz`, child, lines);
      const held_ms = async () => Number(await (await fetch(`http://127.0.0.1:${watch}/`)).text());
      return { url: `http://127.0.0.1:${port}/scim/v2`, held_ms };
    };

    const client = new Redis(redis.url);
    open.push(() => client.disconnect());
    const connection = await mongoose.createConnection(mongo.uri).asPromise();
    open.push(() => connection.close());
    const versions = [redis, mongo].map(({ server }) => `${server.product} ${server.version}`).join(', ');
    const disk = statfsSync(dir).type === TMPFS ? 'in memory (tmpfs: a sync costs nothing here)' : 'on disk';
    return {
      token,
      ports: { ingest, echo, mongoose: plain },
      about: `${versions}, data ${disk}, LOG_LEVEL=${logLevel}`,
      pidOf: (name) => (name === 'redis' ? redis.pid : name === 'mongod' ? mongo.pid : started.get(name)?.pid),
      watchedIngest: () => {
        watched ??= startWatched();
        return watched;
      },
      tenant: makeTenant,
      pending: async () => {
        const counts = await Promise.all(tenants.map(({ keys }) => client.zcard(keys.pending())));
        return counts.reduce((sum, count) => sum + count, 0);
      },
      applied: () => connection.collection('accounts').countDocuments({ tenant: TENANT }),
      complete: async ({ keys }) => (await client.hget(keys.head(), 'complete')) === '1',
      collection: <Name extends keyof Seeded>(name: Name) => connection.getClient().db('rollcall').collection<Seeded[Name]>(name),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Waits until a process answers at all, or, where it has a /readyz, with 200. */
async function untilReady(url: string, child: GuardedProcess, lines: () => string): Promise<void> {
  const end = performance.now() + READY_MS_MAX;
  let ended = false;
  void child.exited.then(() => {
    ended = true;
  });
  for (;;) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
    await answer?.arrayBuffer().catch(() => undefined);
    if (answer !== undefined && (answer.status === 200 || !url.endsWith('/readyz'))) return;
    if (ended || performance.now() > end) throw new Error(`${child.name} ${ended ? 'ended' : 'is not ready'}; its last lines:\n${lines()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
