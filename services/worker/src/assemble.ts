import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '@rollcall/config';
import type { TransientError } from '@rollcall/directory';
import { Consumer, DEAD_LETTER_QUEUE, Ringer } from '@rollcall/queue';
import {
  addressOf,
  Committer,
  Continuity,
  Evictor,
  IndexLoader,
  Memberships,
  MemoryGauge,
  MongoLink,
  makeKeys,
  makeMeasureStores,
  markerTtl_s,
  Outages,
  onRedis,
  Reader,
  RedisLink,
  readBacklog,
  tellContinuity,
  tellEvicted,
} from '@rollcall/store';
import { type Log, type Service, tracing, type WorkerMetrics } from '@rollcall/telemetry';
import { appendTrail, DeploymentSecret, Records, RulesKeeper, resourceTypesFrom, sharedLimit } from '@rollcall/tenancy';
import { Queue } from 'bullmq';
import { Accounts } from './accounts/accounts.js';
import { Jobs } from './accounts/jobs.js';
import { makeApply } from './apply.js';
import { readAttention } from './attention.js';
import { caretaker } from './caretaker.js';
import { chronicle } from './chronicle.js';
import { makeDeadLetters } from './dead-letter.js';
import { StandingLease } from './lease.js';
import { Loop } from './loop.js';
import { makeApplyMembers } from './members.js';
import { accountRoutes, showAnew } from './ops/admin/accounts.js';
import { extensionRoutes } from './ops/admin/extensions.js';
import { importRoutes } from './ops/admin/imports.js';
import { mappingRoutes } from './ops/admin/mappings.js';
import { profileRoutes } from './ops/admin/profiles.js';
import { sourceRoutes } from './ops/admin/source.js';
import { deadLetterBoard, makeOnce, operatorsOf, opsServer, sessionsOf, storeRoutes } from './ops/index.js';
import { Preparation } from './prepare.js';
import { makeProcess } from './process.js';
import { makeRemap } from './remap.js';
import { reminders } from './reminders.js';
import { auditor, sweeper } from './sweep.js';
import { WebhookTargets } from './webhook-targets.js';
import { webhooks } from './webhooks.js';

export interface Surroundings {
  readonly log: Log;
  readonly metrics: WorkerMetrics;
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
  const now = () => new Date();

  const redis = new RedisLink({
    url: config.REDIS_URL,
    commandTimeout_ms: COMMAND_TIMEOUT_MS,
    onError: (error) => outages.connectionFailed('redis', 'link', error),
  });
  const mongo = new MongoLink({
    uri: config.MONGODB_URI,
    timeout_ms: config.MONGO_TIMEOUT_MS,
    historyDays: config.HISTORY_DAYS,
    onError: (error) => outages.connectionFailed('mongodb', 'link', error),
  });
  const outages = new Outages({
    log,
    stores: { redis: redis.availability, mongodb: mongo.availability },
    addresses: { redis: addressOf(config.REDIS_URL), mongodb: addressOf(config.MONGODB_URI) },
    consequences: {
      redis: 'nothing is applied until it is back, and nothing that was accepted is lost',
      mongodb: 'accepted changes wait in Redis until it is back',
    },
  });
  const keys = makeKeys(config.ROLLCALL_KEY_PREFIX, config.PARTITIONS);
  const continuity = new Continuity(redis, mongo, keys, {
    ...settings,
    durability: config.DURABILITY,
    newToken,
    onEvent: tellContinuity(log),
  });
  const loader = new IndexLoader(continuity, {
    onError: (error, tenant) =>
      outages.note(error, { event: 'index.load.failed', tenant }, 'the index of a tenant could not be loaded yet'),
    onLoaded: (tenant, entries) => log.info({ event: 'index.loaded', tenant, entries }, 'the index of a tenant was loaded'),
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
  const ringer = new Ringer({
    redisUrl: config.REDIS_URL,
    prefix,
    attempts: config.ATTEMPTS_MAX,
    timeout_ms: RING_TIMEOUT_MS,
    onError: (error, doorbell) => outages.ringFailed(error, doorbell),
  });

  const pausedByOperator = () => ringer.pausedByOperator();

  const stores = { redis, mongo, keys, log, outages, metrics, ...settings };
  const preparation = new Preparation({ redis, mongo, partitions: config.PARTITIONS, durability: config.DURABILITY, log, outages });
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
      log.debug({ event: 'consumer.paused', by: away }, `no job is taken while ${away} is away`);
      do {
        // First a pause: a connection that was just lost may not know it yet.
        await sleep(BACK_POLL_MS * (0.5 + random()), undefined, { signal: stopped.signal }).catch(() => undefined);
      } while (!stopped.signal.aborted && (away === 'mongodb' ? mongo : redis).availability.away);
      log.debug({ event: 'consumer.resumed', by: away }, `jobs are taken again: ${away} is back`);
    },
    onError: (error, doorbell) =>
      doorbell
        ? outages.note(error, { event: 'apply.job.failed', ...doorbell }, 'a job of the queue failed and is done again')
        : outages.connectionFailed('redis', 'consumer', error),
  });

  const deadLetterQueue = new Queue(DEAD_LETTER_QUEUE, {
    prefix,
    connection: { url: config.REDIS_URL, maxRetriesPerRequest: 1, connectTimeout: 1_000 },
    skipWaitingForReady: true,
  });
  deadLetterQueue.on('error', (error) => outages.connectionFailed('redis', 'dead-letter queue', error));
  const board = deadLetterBoard({
    queue: deadLetterQueue,
    connection: { url: config.REDIS_URL, maxRetriesPerRequest: null },
    redrive: (item) => deadLetters.redrive({ items: [item] }),
    log,
    onError: (error) => outages.connectionFailed('redis', 'dead-letter board', error),
  });
  const admin = { redis, mongo, keys, records, now };
  const secret = new DeploymentSecret(mongo);
  const webhookTargets = new WebhookTargets(config.WEBHOOK_PRIVATE_ADDRESSES);
  const accounts = new Accounts({
    ...{ reader, committer, ringer, metrics, mongo, now },
    deadline_ms: config.REQUEST_DEADLINE_MS,
    memberships,
    rules,
    secret,
  });
  const jobs = new Jobs({ mongo, accounts, now, log });
  const attention = () => readAttention({ redis, mongo, keys, accounts, pausedByOperator });
  const ops = opsServer({
    host: config.OPS_HOST,
    port: config.OPS_PORT,
    log,
    metrics,
    onError: (error, requestId) =>
      outages.note(error, { event: 'ops.request.failed', requestId }, 'a request to the operations port failed'),
    queues: [ringer.queue, deadLetterQueue],
    watchedQueues: [ringer.leavers],
    onPause: ({ action, queue, operator, requestId }) => {
      const target = { kind: 'queue', id: queue ?? 'all' };
      const about = { event: `queue.${action}`, queue: target.id, by: operator.id, requestId };
      log.warn(
        about,
        action === 'paused' ? 'an operator paused a queue on Bull Board: only leavers are applied' : 'an operator resumed a queue',
      );
      const actor = { id: operator.id, name: operator.name, requestId };
      appendTrail(mongo, { actor, at: now(), action: `queue.${action}`, target }).catch((error: unknown) =>
        outages.note(
          error,
          { ...about, event: 'audit.write.failed' },
          'the audit trail does not have it that a queue was paused or resumed',
        ),
      );
    },
    health: async () => ({
      redis: redis.availability.away ? 'away' : 'up',
      mongodb: mongo.availability.away ? 'away' : 'up',
      indexes: preparation.done ? 'made' : 'not yet',
      consumer: await consumerState(),
      sweeper: lease.held,
    }),
    ready: () => preparation.done,
    deadLetters,
    tenants: () => readBacklog(stores),
    attention,
    routes: [
      ...storeRoutes({
        ...{ ...admin, accounts, reader, webhookTargets, durability: config.DURABILITY },
        pausedByOperator,
        typesOf: (tenant) => rules.typesNow(tenant),
        attention,
      }),
      ...accountRoutes({ ...admin, accounts }),
      ...profileRoutes({ ...admin, accounts }),
      ...mappingRoutes({ ...admin, accounts, jobs, typesOf: rules.typesOf }),
      ...importRoutes({ ...admin, jobs, bytesMax: config.IMPORT_BYTES_MAX }),
      ...extensionRoutes({ ...admin, accounts }),
      ...sourceRoutes({ ...admin, accounts }),
    ],
    once: makeOnce(mongo, now, showAnew(accounts)),
    operators: operatorsOf(mongo),
    sessions: sessionsOf(redis, keys, secret),
    operatorToken: config.ROLLCALL_OPERATOR_TOKEN,
    limit: sharedLimit({ redis, key: keys.signInFailures(), max: config.SIGN_IN_FAILURES_MAX }),
    connectionsMax: config.CONNECTIONS_MAX,
    trustProxy: config.TRUST_PROXY,
    publicUrl: config.OPS_PUBLIC_URL,
  });

  metrics.registry.before(makeMeasureStores({ redis, mongo, keys, pausedByOperator }, metrics));
  metrics.registry.before(async () => {
    for (const by of ['redis', 'mongodb'] as const) metrics.consumerPaused.set({ by }, consumer.pausedBy === by ? 1 : 0);
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
    sweeper({ ...shared, deadLetters, mirror: (letters) => onRedis(board.mirror(letters)), age_ms: config.SWEEP_AGE_MS }),
    auditor(shared),
    new Loop('jobs', outages, interval_ms, () => jobs.work(), 0),
    caretaker({ ...stores, records, lease, interval_ms, now }),
    reminders({ ...stores, lease, now, interval_ms: config.TOKEN_CHECK_INTERVAL_MS }),
    webhooks({ ...stores, lease, now, random, interval_ms, targets: webhookTargets }),
  ];

  async function consumerState(): Promise<string> {
    if (consumer.pausedBy) return `paused: ${consumer.pausedBy} is away`;
    return (await pausedByOperator()) ? 'paused by an operator' : 'running';
  }
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
