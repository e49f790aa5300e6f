// Puts the service together: which part gets what.
import { randomFillSync, randomUUID } from 'node:crypto';
import type { Config } from '@rollcall/config';
import { tracesEndpoint } from '@rollcall/config';
import { TransientError } from '@rollcall/directory';
import { Ringer } from '@rollcall/queue';
import {
  Answers,
  addressOf,
  Committer,
  Continuity,
  checkServer,
  Evictor,
  IndexLoader,
  Lister,
  Memberships,
  MemoryGauge,
  MongoLink,
  makeKeys,
  makeMeasureStores,
  markerTtl_s,
  Outages,
  Reader,
  RedisLink,
  redisError,
  type TenantView,
  tellContinuity,
  tellEvicted,
  tellServer,
} from '@rollcall/store';
import { fault, type IngestMetrics, type Log, type Service, tracing } from '@rollcall/telemetry';
import {
  DeploymentSecret,
  ensurePartitions,
  newToken,
  noteActivity,
  Records,
  RulesKeeper,
  resourceTypesFrom,
  sharedLimit,
} from '@rollcall/tenancy';
import { ActivityNotes } from './authenticate/activity.js';
import { admit, makeAuthenticate } from './authenticate/authenticate.js';
import { CommandQueue } from './command-queue.js';
import { makeCursors } from './cursor.js';
import { pause } from './deadline.js';
import { makeExecute } from './handlers/execute.js';
import type { Health } from './handlers/health.js';
import { makeTell } from './handlers/tell.js';
import { type HttpServer, httpServer } from './http.js';
import { metricsServer } from './metrics-server.js';
import { makeTokenEndpoint } from './oauth/token.js';
import { observed } from './observe.js';
import { RecordsKeeper } from './records-keeper.js';
import { makeShow } from './respond/show.js';
import { makeRoutes } from './routes.js';
import { Slots } from './slots.js';
import { uuid7Maker } from './uuid7.js';

export interface IngestOptions {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: IngestMetrics;
  /** Something that no retry mends: the process must not go on. */
  readonly onFatal: (reason: string) => void;
}

export interface Ingest {
  /** In the order in which they start. */
  readonly services: readonly Service[];
  readonly http: HttpServer;
}

export function makeIngest({ config, log, metrics, onFatal }: IngestOptions): Ingest {
  const deployment = resourceTypesFrom(config.EXTENSIONS_FILE);
  const redis = new RedisLink({
    url: config.REDIS_URL,
    // A frozen server is told of within the deadline.
    commandTimeout_ms: Math.max(50, Math.floor(config.REQUEST_DEADLINE_MS * 0.9)),
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
      redis: 'every request is answered 503 until it is back',
      mongodb: 'lists, and what Redis does not hold, are answered 503 until it is back',
    },
  });
  const keys = makeKeys(config.ROLLCALL_KEY_PREFIX, config.PARTITIONS);
  const cache = { settledTtl_s: config.SETTLED_TTL_S, fillAgeMax_ms: config.FILL_AGE_MAX_MS };
  const continuity = new Continuity(redis, mongo, keys, {
    ...cache,
    durability: config.DURABILITY,
    newToken: randomUUID,
    onEvent: tellContinuity(log),
  });
  const indexes = { loaded: 0, failed: 0 };
  const loader = new IndexLoader(continuity, {
    onError: (error, tenant) => {
      indexes.failed += 1;
      outages.note(error, { event: 'index.load.failed', tenant }, 'the index of a tenant could not be loaded yet');
    },
    onLoaded: (tenant, entries) => {
      indexes.loaded += 1;
      log.info({ event: 'index.loaded', tenant, entries }, 'the index of a tenant was loaded');
    },
  });
  const gauge = new MemoryGauge(redis);
  const evictor = new Evictor(redis, keys, gauge, {
    ...{ newToken: randomUUID, onEvicted: tellEvicted(log) },
    markerTtl_s: markerTtl_s(config.FILL_AGE_MAX_MS),
  });
  const reader = new Reader(continuity, loader, { ...cache, mayFill: gauge.mayFill });
  const memberships = new Memberships(reader, cache);
  const lister = new Lister(reader, {
    overlayMax: config.OVERLAY_MAX,
    overlayWait_ms: OVERLAY_WAIT_MS,
    queryTime_ms: config.MONGO_TIMEOUT_MS,
  });
  const committer = new Committer(continuity, { backlogMax: config.BACKLOG_MAX, backlogBytesMax: config.BACKLOG_BYTES_MAX });
  const ringer = new Ringer({
    redisUrl: config.REDIS_URL,
    prefix: `{${config.ROLLCALL_KEY_PREFIX}}`,
    attempts: config.ATTEMPTS_MAX,
    timeout_ms: RING_TIMEOUT_MS,
    onError: (error, doorbell) => outages.ringFailed(error, doorbell),
  });
  const records = new Records(redis, mongo, keys);
  const rules = new RulesKeeper(records, deployment);
  const keeper = new RecordsKeeper({ link: redis, records, outages, random: Math.random });
  const server = new ServerCheck({ redis, mongo, config, log, outages, onFatal });

  const activity = new ActivityNotes({ note: (heard) => noteActivity(mongo, heard), now_ms: Date.now, log });
  const limit = sharedLimit({ redis, key: keys.signInFailures(), max: config.SIGN_IN_FAILURES_MAX });
  const token = makeTokenEndpoint({
    ...{ records, limit, activity, now_ms: Date.now },
    given: sharedLimit({ redis, key: keys.accessTokensGiven(), max: ACCESS_TOKENS_MAX }),
    onFailure: (reason) => metrics.signInFailures.inc({ reason }),
    newToken: () => newToken('rca'),
    deadline_ms: config.REQUEST_DEADLINE_MS,
  });
  const authenticate = makeAuthenticate({
    ...{ records, activity, limit },
    onFailure: (reason) => metrics.signInFailures.inc({ reason }),
    tokenCacheMax: config.TOKEN_CACHE_MAX,
    deadline_ms: config.REQUEST_DEADLINE_MS,
    now_ms: Date.now,
  });
  const execute = makeExecute({
    ...{ reader, memberships, committer, ringer, metrics, fault, memory: evictor },
    rules,
    queue: new CommandQueue(),
    tell: makeTell({ log, notes: activity, metrics }),
    readmit: async (tenant) => {
      const record = await records.tenant(tenant);
      if (record) admit(record);
    },
    newId: uuid7Maker(Date.now, randomFillSync),
    now: () => new Date(),
    random: Math.random,
    deadline_ms: config.REQUEST_DEADLINE_MS,
    resourceBytesMax: config.BODY_BYTES_MAX,
  });
  const began = performance.now();
  let wasReady = false;
  const health: Health = {
    ready() {
      // MongoDB is waited for only a moment: with it away we serve what Redis has.
      wasReady ||= server.checked && (keeper.rewritten || performance.now() - began > READY_WITHOUT_MONGODB_MS);
      return wasReady;
    },
    draining: () => http.draining,
    async details() {
      return {
        redis: redis.availability.away ? 'away' : 'up',
        mongodb: mongo.availability.away ? 'away' : 'up',
        records: keeper.rewritten ? 'in Redis' : 'not yet in Redis',
        indexes: { ...indexes },
        redisMemoryUsed: Math.round(gauge.used * 1_000) / 1_000,
      };
    },
  };
  const page = { count: config.PAGE_COUNT, max: config.PAGE_MAX };
  const secret = new DeploymentSecret(mongo);
  const cursors = makeCursors({ secret: () => secret.get(), now_ms: Date.now, ttl_s: config.CURSOR_TTL_S });
  const showsIndirect = async ({ tenant, settings }: TenantView) => (await rules.of(tenant, settings))?.rules.userGroups === 'all';
  const slots = (of: string, perTenantMax: number) => new Slots({ of, perTenantMax, wait_ms: config.REQUEST_DEADLINE_MS });
  const resolve = makeRoutes({
    token,
    ...{ authenticate, execute, reader, lister, memberships, page, cursors, health, log },
    types: ({ tenant, settings }) => rules.types(tenant, settings),
    answers: new Answers(reader, { ttl_s: ANSWERS_TTL_S }),
    bulk: { operationsMax: BULK_OPERATIONS_MAX, payloadBytesMax: config.BODY_BYTES_MAX, begin_ms: config.REQUEST_TIMEOUT_MS * 2 },
    listSlots: slots('lists and searches', config.TENANT_LISTS_MAX),
    bulkSlots: slots('Bulk requests', config.TENANT_BULKS_MAX),
    ...{ showsIndirect, show: makeShow({ memberships, rules, showsIndirect }) },
    deadline_ms: config.REQUEST_DEADLINE_MS,
  });
  const http = httpServer({
    host: config.INGEST_HOST,
    port: config.INGEST_PORT,
    trustProxy: config.TRUST_PROXY,
    publicUrl: config.PUBLIC_URL,
    bodyBytesMax: config.BODY_BYTES_MAX,
    connectionsMax: config.CONNECTIONS_MAX,
    requestTimeout_ms: config.REQUEST_TIMEOUT_MS,
    stopTimeout_ms: Math.max(config.STOP_TIMEOUT_MS - 1_000, config.REQUEST_TIMEOUT_MS),
    log,
    answer: observed({ resolve: activity.watching(resolve), log, metrics }),
  });
  const metricsPort = metricsServer({
    host: config.INGEST_HOST,
    port: config.INGEST_METRICS_PORT,
    registry: metrics.registry,
    health,
    log,
  });
  metrics.registry.before(makeMeasureStores({ redis, mongo, keys, pausedByOperator: () => ringer.pausedByOperator() }, metrics));
  return {
    http,
    services: [
      tracing({ service: 'rollcall-ingest', endpoint: tracesEndpoint(config), log }),
      server,
      mongo,
      activity,
      keeper,
      inBackground(redis),
      server.look,
      gauge,
      evictor,
      loader,
      ringer,
      metricsPort,
      http,
    ],
  };
}

/** Starts without waiting for what it connects to: we listen at once, and /readyz tells. */
const inBackground = (service: Service): Service => ({
  name: service.name,
  start: async () => void service.start(),
  stop: () => service.stop(),
});

interface ServerCheckParts {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly config: Config;
  readonly log: Log;
  readonly outages: Outages;
  readonly onFatal: (reason: string) => void;
}

/** Holds the real servers against what is promised, at every run of Redis. */
class ServerCheck implements Service {
  readonly name = 'server-check';
  readonly #parts: ServerCheckParts;
  #checked = false;
  #stopped = false;

  constructor(parts: ServerCheckParts) {
    this.#parts = parts;
    parts.redis.onRun(() => void this.#redis());
  }

  /** The first look at Redis, before this process listens: a server that would lose data is told of first. One that is away is not waited for long. */
  readonly look: Service = {
    name: 'first look at Redis',
    start: async () => {
      const until_ms = performance.now() + FIRST_LOOK_MS;
      while (!this.#checked && !this.#stopped && performance.now() < until_ms && this.#parts.redis.availability.awaySince === undefined)
        await pause(LOOK_AGAIN_MS);
    },
    stop: async () => undefined,
  };

  /** Redis has answered, and may be written to. */
  get checked(): boolean {
    return this.#checked;
  }

  async start(): Promise<void> {
    this.#stopped = false;
    void this.#partitions();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
  }

  async #redis(): Promise<void> {
    const { redis, config, log, outages, onFatal } = this.#parts;
    try {
      const findings = await checkServer(redis.redis, config.DURABILITY);
      const fatal = findings.find((finding) => finding.fatal);
      if (fatal)
        return onFatal(`Redis has ${fatal.setting} ${fatal.is}, which loses accepted data: set it to ${fatal.should}, then start again`);
      tellServer(log, findings, config.DURABILITY);
      this.#checked = true;
    } catch (error) {
      const message = 'the settings of Redis could not be checked; they are checked again at the next connection';
      outages.note(redisError(error), { event: 'redis.check.failed' }, message);
    }
  }

  /** The number of partitions is fixed for good; asked as soon as MongoDB is there. */
  async #partitions(): Promise<void> {
    const { mongo, config, onFatal } = this.#parts;
    while (!this.#stopped) {
      try {
        return await ensurePartitions(mongo, config.PARTITIONS);
      } catch (error) {
        if (!(error instanceof TransientError)) return onFatal((error as Error).message);
        await pause(PARTITIONS_RETRY_MS);
      }
    }
  }
}

/** Access tokens of one client in a minute. */
const ACCESS_TOKENS_MAX = 60;
const BULK_OPERATIONS_MAX = 1_000;
/** How long a bulk request is known again under its Idempotency-Key. */
const ANSWERS_TTL_S = 86_400;
const OVERLAY_WAIT_MS = 2_000;
const RING_TIMEOUT_MS = 1_000;
const READY_WITHOUT_MONGODB_MS = 3_000;
const PARTITIONS_RETRY_MS = 250;
const FIRST_LOOK_MS = 2_000;
const LOOK_AGAIN_MS = 10;
