import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '@rollcall/config';
import type { TransientError } from '@rollcall/directory';
import { Consumer, DEAD_LETTER_QUEUE, Ringer } from '@rollcall/queue';
import {
  Committer,
  Continuity,
  Evictor,
  IndexLoader,
  Memberships,
  MemoryGauge,
  MongoLink,
  makeKeys,
  markerTtl_s,
  Reader,
  RedisLink,
  tellContinuity,
  tellEvicted,
} from '@rollcall/store';
import { type Log, type Metrics, type Service, tracing } from '@rollcall/telemetry';
import { DeploymentSecret, isGuessable, Records, RulesKeeper, resourceTypesFrom, sharedLimit } from '@rollcall/tenancy';
import { Queue } from 'bullmq';
import { Accounts } from './accounts/accounts.js';
import { Jobs } from './accounts/jobs.js';
import { makeApply } from './apply.js';
import { caretaker } from './caretaker.js';
import { chronicle } from './chronicle.js';
import { makeDeadLetters } from './dead-letter.js';
import { StandingLease } from './lease.js';
import { Loop } from './loop.js';
import { makeApplyMembers } from './members.js';
import { separateRoute } from './ops/admin/account-separate.js';
import { accountRoutes } from './ops/admin/accounts.js';
import { extensionRoutes } from './ops/admin/extensions.js';
import { importRoutes } from './ops/admin/imports.js';
import { mappingRoutes } from './ops/admin/mappings.js';
import { profileRoutes } from './ops/admin/profiles.js';
import { sourceRoutes } from './ops/admin/source.js';
import { deadLetterBoard, makeOnce, operatorsOf, opsServer, storeRoutes } from './ops/index.js';
import { Preparation } from './prepare.js';
import { makeProcess } from './process.js';
import { makeRemap } from './remap.js';
import { reminders } from './reminders.js';
import { survey } from './survey.js';
import { auditor, sweeper } from './sweep.js';
import { webhooks } from './webhooks.js';

export interface Surroundings {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly tracesEndpoint: string | undefined;
  readonly newToken: () => string;
  readonly random: () => number;
}

/** The worker's services, in the order in which they start: each may rest on those before it. */
export function assemble(config: Config, { log, metrics, tracesEndpoint, newToken, random }: Surroundings): Service[] {
  // A batch is many operations: a slow MongoDB must not be taken for one that is away.
  const timeout_ms = Math.max(config.MONGO_TIMEOUT_MS, BATCH_TIME_MS);
  const interval_ms = config.SWEEP_INTERVAL_MS;
  const settings = { settledTtl_s: config.SETTLED_TTL_S, fillAgeMax_ms: config.FILL_AGE_MAX_MS };
  const prefix = `{${config.ROLLCALL_KEY_PREFIX}}`;
  const noted = (part: string) => seldom(log, part);
  const now = () => new Date();

  const redis = new RedisLink({ url: config.REDIS_URL, commandTimeout_ms: COMMAND_TIMEOUT_MS, onError: noted('redis') });
  const mongo = new MongoLink({
    uri: config.MONGODB_URI,
    timeout_ms: config.MONGO_TIMEOUT_MS,
    historyDays: config.HISTORY_DAYS,
    onError: noted('mongodb'),
  });
  const keys = makeKeys(config.ROLLCALL_KEY_PREFIX, config.PARTITIONS);
  const continuity = new Continuity(redis, mongo, keys, {
    ...settings,
    durability: config.DURABILITY,
    newToken,
    onEvent: tellContinuity(log),
  });
  const loader = new IndexLoader(continuity, {
    onError: (error, tenant) => log.warn({ error, tenant }, 'index not loaded yet'),
    onLoaded: (tenant, entries) => log.info({ tenant, entries }, 'index loaded'),
  });
  const gauge = new MemoryGauge(redis);
  const evictor = new Evictor(redis, keys, gauge, {
    ...{ newToken, onEvicted: tellEvicted(log) },
    markerTtl_s: markerTtl_s(config.FILL_AGE_MAX_MS),
  });
  const reader = new Reader(continuity, loader, { ...settings, mayFill: gauge.mayFill });
  const committer = new Committer(continuity, { backlogMax: config.BACKLOG_MAX, backlogBytesMax: config.BACKLOG_BYTES_MAX });
  const records = new Records(redis, mongo, keys);
  const rules = new RulesKeeper(records, resourceTypesFrom(config.EXTENSIONS_FILE));
  const [queueError, consumerError] = [noted('queue'), noted('consumer')];
  const ringer = new Ringer({
    redisUrl: config.REDIS_URL,
    prefix,
    attempts: config.ATTEMPTS_MAX,
    timeout_ms: RING_TIMEOUT_MS,
    onError: (error, doorbell) => (doorbell ? log.warn({ error, ...doorbell }, 'not rung: the sweeper will') : queueError(error)),
  });

  const stores = { redis, mongo, keys, log, metrics, ...settings };
  const preparation = new Preparation({ redis, mongo, partitions: config.PARTITIONS, durability: config.DURABILITY, log });
  const lease = new StandingLease(redis, keys.sweeperLease(), config.LEASE_MS);
  const memberships = new Memberships(reader, settings);
  const deadLetters = makeDeadLetters({ ...stores, reader, memberships, committer, ringer });
  const stopped = new AbortController();

  const remap = makeRemap({
    ...{ redis, mongo, keys, reader, memberships, ringer, rules, metrics, log, now },
    deadline_ms: config.REQUEST_DEADLINE_MS,
    // What frees the backlog must not wait for it.
    committer: new Committer(continuity, { backlogMax: Number.MAX_SAFE_INTEGER, backlogBytesMax: Number.MAX_SAFE_INTEGER }),
  });
  const consumer = new Consumer({
    redisUrl: config.REDIS_URL,
    prefix,
    concurrency: config.WORKER_CONCURRENCY,
    backoff: { base_ms: BACKOFF_BASE_MS, max_ms: config.BACKOFF_MS_MAX },
    random,
    process: makeProcess({
      ...{ ...stores, gauge },
      reader,
      memberships,
      committer,
      ringer,
      apply: makeApply({ redis, mongo, keys, timeout_ms, types: (tenant) => rules.typesNow(tenant) }),
      applyMembers: makeApplyMembers({ redis, mongo, keys, timeout_ms, fillAgeMax_ms: config.FILL_AGE_MAX_MS }),
      remap,
      batchMax: config.BATCH_MAX,
      lease_ms: config.LEASE_MS,
      gather_ms: config.GATHER_MS,
      triesMax: config.ATTEMPTS_MAX,
    }),
    untilBack: async ({ away }: TransientError) => {
      log.warn({ away }, 'paused');
      do {
        // First a pause: a connection that was just lost may not know it yet.
        await sleep(BACK_POLL_MS * (0.5 + random()), undefined, { signal: stopped.signal }).catch(() => undefined);
      } while (!stopped.signal.aborted && (away === 'mongodb' ? mongo : redis).availability.away);
      log.info({ away }, 'back');
    },
    onError: (error, doorbell) => (doorbell ? log.warn({ error, ...doorbell }, 'to be done again') : consumerError(error)),
  });

  const deadLetterQueue = new Queue(DEAD_LETTER_QUEUE, {
    prefix,
    connection: { url: config.REDIS_URL, maxRetriesPerRequest: 1, connectTimeout: 1_000 },
    skipWaitingForReady: true,
  });
  deadLetterQueue.on('error', noted('dead-letter queue'));
  const board = deadLetterBoard({
    queue: deadLetterQueue,
    connection: { url: config.REDIS_URL, maxRetriesPerRequest: null },
    redrive: (item) => deadLetters.redrive({ items: [item] }),
    log,
  });
  if (config.ROLLCALL_OPERATOR_TOKEN !== undefined && isGuessable(config.ROLLCALL_OPERATOR_TOKEN))
    log.warn(
      { event: 'operator.token.guessable' },
      'ROLLCALL_OPERATOR_TOKEN may be guessed: make a random one, as `openssl rand -base64 32` does',
    );
  const admin = { redis, mongo, keys, records, now };
  const accounts = new Accounts({
    ...{ reader, committer, ringer, metrics, mongo, now },
    deadline_ms: config.REQUEST_DEADLINE_MS,
    memberships,
    rules,
    secret: new DeploymentSecret(mongo),
  });
  const jobs = new Jobs({ mongo, accounts, now, log });
  const ops = opsServer({
    host: config.OPS_HOST,
    port: config.OPS_PORT,
    log,
    metrics,
    queues: [ringer.queue, deadLetterQueue],
    health: async () => ({
      redis: redis.availability.away ? 'away' : 'up',
      mongodb: mongo.availability.away ? 'away' : 'up',
      indexes: preparation.done ? 'made' : 'not yet',
      consumer: consumer.paused ? 'paused' : 'running',
      sweeper: lease.held,
    }),
    ready: () => preparation.done,
    deadLetters,
    tenants: async () => (await survey(stores)).tenants,
    routes: [
      ...storeRoutes({ ...admin, accounts, reader, durability: config.DURABILITY }),
      ...accountRoutes({ ...admin, accounts }),
      separateRoute({ ...admin, accounts }),
      ...profileRoutes({ ...admin, accounts }),
      ...mappingRoutes({ ...admin, accounts, jobs, typesOf: rules.typesOf }),
      ...importRoutes({ ...admin, jobs }),
      ...extensionRoutes({ ...admin, accounts }),
      ...sourceRoutes({ ...admin, accounts }),
    ],
    once: makeOnce(mongo, () => new Date()),
    operators: operatorsOf(mongo),
    operatorToken: config.ROLLCALL_OPERATOR_TOKEN,
    limit: sharedLimit({ redis, key: keys.signInFailures(), max: config.SIGN_IN_FAILURES_MAX }),
    connectionsMax: config.CONNECTIONS_MAX,
    trustProxy: config.TRUST_PROXY,
  });

  const shared = { ...stores, reader, memberships, committer, ringer, records, lease, interval_ms };
  return [
    tracing({ service: 'rollcall-worker', endpoint: tracesEndpoint, log }),
    closing('dead-letter queue', () => deadLetterQueue.close()),
    ringer,
    ops, // before the servers are there, so that it can be asked what is waited for
    redis,
    gauge,
    evictor,
    mongo,
    preparation,
    loader,
    lease,
    board,
    consumer,
    closing('pauses', async () => stopped.abort()), // before the consumer, which waits for them
    chronicle({ ...stores, lease, timeout_ms, interval_ms }),
    sweeper({ ...shared, deadLetters, mirror: (letters) => board.mirror(letters), age_ms: config.SWEEP_AGE_MS }),
    auditor(shared),
    new Loop('jobs', log, interval_ms, () => jobs.work(), 0),
    caretaker({ ...stores, records, lease, interval_ms, now }),
    reminders({ ...stores, lease, now, interval_ms: config.TOKEN_CHECK_INTERVAL_MS }),
    webhooks({ ...stores, lease, now, random, interval_ms }),
  ];
}

/** Notes a part's faults; a connection that keeps failing in the same way is said once in a while. */
function seldom(log: Log, part: string): (error: unknown) => void {
  let last = { message: '', at_ms: Number.NEGATIVE_INFINITY };
  return (error) => {
    const message = error instanceof Error ? error.message : '';
    if (message === last.message && performance.now() - last.at_ms < SAID_AGAIN_MS) return;
    last = { message, at_ms: performance.now() };
    log.warn({ error, part }, 'connection');
  };
}

const closing = (name: string, stop: () => Promise<unknown>): Service => ({
  name,
  start: async () => undefined,
  stop: async () => void (await stop()),
});

const BATCH_TIME_MS = 10_000;
const COMMAND_TIMEOUT_MS = 5_000;
const RING_TIMEOUT_MS = 1_000;
const BACKOFF_BASE_MS = 100;
const BACK_POLL_MS = 200;
const SAID_AGAIN_MS = 30_000;
