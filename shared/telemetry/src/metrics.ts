// Every metric, by name. No label holds a tenant, an id or a path: ten thousand tenants would make ten thousand series of each.
import { version as nodeVersion } from 'node:process';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  /** Gives the text that is scraped; what `registry.before` was given is measured first. */
  readonly registry: MeasuringRegistry;
  readonly accepted: Counter<'type' | 'operation'>;
  readonly applied: Counter<'type' | 'outcome'>;
  readonly settled: Counter<'type'>;
  readonly conflicts: Counter<'operation'>;
  readonly identityJudgements: Counter<'outcome'>;
  readonly reaccepted: Counter<'reason'>;
  readonly dropped: Counter<'reason'>;
  readonly deadLetters: Gauge;
  readonly pending: Gauge;
  readonly oldestPendingAge: Gauge;
  readonly historyLength: Gauge;
  readonly applyDuration: Histogram;
  readonly acceptToApply: Histogram<'urgent'>;
  readonly httpRequestDuration: Histogram<'method' | 'route' | 'status'>;
  readonly refusals: Counter<'status' | 'scim_type'>;
  readonly signInFailures: Counter<'reason'>;
  readonly sweeps: Counter;
  readonly auditDifferences: Counter;
  readonly tokenExpiries: Gauge<'within_days'>;
  readonly tokenReminders: Counter<'days'>;
  readonly webhooks: Counter<'outcome'>;
  readonly storeUp: Gauge<'store'>;
  readonly redisMemoryUsed: Gauge;
  readonly consumerPaused: Gauge<'by'>;
}

/** What one of the two processes measures, so what it exports: a zero that was never measured would silence an alarm. */
export type IngestMetrics = Omit<
  Metrics,
  | 'applied'
  | 'settled'
  | 'reaccepted'
  | 'dropped'
  | 'applyDuration'
  | 'acceptToApply'
  | 'sweeps'
  | 'auditDifferences'
  | 'tokenExpiries'
  | 'tokenReminders'
  | 'webhooks'
>;
export type WorkerMetrics = Omit<Metrics, 'httpRequestDuration' | 'identityJudgements' | 'refusals'>;

/** A registry that measures just before it is scraped, so that no value is older than its scrape. */
export class MeasuringRegistry extends Registry {
  readonly #measures: (() => Promise<void>)[] = [];

  /** `measure` must end by itself, and soon: the scrape waits for it. */
  before(measure: () => Promise<void>): void {
    this.#measures.push(measure);
  }

  override async metrics(): Promise<string> {
    await Promise.all(this.#measures.map((measure) => measure()));
    return super.metrics();
  }
}

export interface MetricsOptions {
  /** Memory, CPU, event loop and collector of the process itself. They hold timers, so tests leave them out. */
  readonly process?: boolean;
  /** The process that measures; all metrics of both if left out, as tests want it. */
  readonly of?: 'ingest' | 'worker';
  /** Of rollcall. */
  readonly version?: string;
}

/**
 * The metrics of one process, in a registry of their own.
 * @example createMetrics({ of: 'worker', version: '0.1.0' }).sweeps.inc()
 */
export function createMetrics(options: MetricsOptions & { readonly of: 'ingest' }): IngestMetrics;
export function createMetrics(options: MetricsOptions & { readonly of: 'worker' }): WorkerMetrics;
export function createMetrics(options?: MetricsOptions): Metrics;
export function createMetrics({ process = true, of, version = 'unknown' }: MetricsOptions = {}): Metrics {
  const registry = new MeasuringRegistry();
  if (process) collectDefaultMetrics({ register: registry });
  const both = makers([registry]);
  const ingest = makers(of === 'worker' ? [] : [registry]);
  const worker = makers(of === 'ingest' ? [] : [registry]);

  const metrics: Metrics = {
    registry,
    accepted: both.counter('accepted_total', 'Writes that were accepted.', ['type', 'operation']),
    applied: worker.counter(
      'applied_total',
      'Resources that were applied to MongoDB. outcome: written, superseded, transient, permanent.',
      ['type', 'outcome'],
    ),
    settled: worker.counter('settled_total', 'Resources that were applied to MongoDB and marked so in Redis.', ['type']),
    conflicts: both.counter('write_conflicts_total', 'Writes that were decided again because the resource changed meanwhile.', [
      'operation',
    ]),
    identityJudgements: ingest.counter(
      'identity_judgements_total',
      'People who came and met an account. outcome: adopted, revived, revived_other_external_id, separated (a new account beside it), asked (409), kept_out (403).',
      ['outcome'],
    ),
    reaccepted: worker.counter(
      'reaccepted_total',
      'Resources that rollcall accepted again to repair a difference between the stores. reason: audit, stamp, epoch, discard.',
      ['reason'],
    ),
    dropped: worker.counter(
      'dropped_copies_total',
      'Pending copies that were dropped because MongoDB had the same or a newer version. reason: epoch, superseded.',
      ['reason'],
    ),
    deadLetters: both.gauge('dead_letters', 'Resources that MongoDB refused for good, of all tenants. They wait for an operator.'),
    pending: both.gauge('pending_resources', 'Resources that are accepted and not yet applied to MongoDB, of all tenants.'),
    oldestPendingAge: both.gauge(
      'oldest_pending_age_seconds',
      'Age of the oldest pending resource of all tenants; 0 if nothing is pending.',
    ),
    historyLength: both.gauge('history_backlog_lines', 'Lines of the history that are in Redis and not yet in MongoDB.'),
    applyDuration: worker.histogram(
      'apply_duration_seconds',
      'Duration of one batch, from reading Redis until it is marked as applied.',
      DURATIONS_S,
    ),
    acceptToApply: worker.histogram(
      'accept_to_apply_seconds',
      'Time from accepting a change until it is applied to MongoDB. urgent: deactivations and deletions.',
      LAGS_S,
      ['urgent'],
    ),
    httpRequestDuration: ingest.histogram(
      'http_request_duration_seconds',
      'Duration of SCIM and OAuth requests, by route as declared.',
      DURATIONS_S,
      ['method', 'route', 'status'],
    ),
    refusals: ingest.counter('refusals_total', 'Requests that were answered with 4xx or 5xx, by status and scimType (RFC 7644, table 9).', [
      'status',
      'scim_type',
    ]),
    signInFailures: both.counter('sign_in_failures_total', 'Requests with a token, secret or password that is not valid.', ['reason']),
    sweeps: worker.counter('sweeps_total', 'Rounds of the sweeper of the worker that holds its lease.'),
    auditDifferences: worker.counter('store_differences_total', 'Resources that differed between Redis and MongoDB.'),
    tokenExpiries: worker.gauge(
      'tokens_expiring',
      'Tokens and client secrets in use that expire within so many days. within_days 0: expired in the last 30 days.',
      ['within_days'],
    ),
    tokenReminders: worker.counter('token_reminders_total', 'Reminders of tokens that expire, by days left; 0: expired.', ['days']),
    webhooks: worker.counter('webhooks_total', 'Posts to webhooks of tenants. outcome: delivered, refused (tried again), given_up.', [
      'outcome',
    ]),
    storeUp: both.gauge('store_up', '1 if this process reaches the store (redis, mongodb), 0 if not; as in /readyz.', ['store']),
    redisMemoryUsed: both.gauge('redis_memory_used_ratio', 'Share of its memory limit that Redis uses, 0 to 1.'),
    consumerPaused: both.gauge('consumer_paused', '1 while changes are not applied. by: operator (Bull Board), redis, mongodb (away).', [
      'by',
    ]),
  };
  both.gauge('build_info', 'Version of rollcall, and of Node.', ['version', 'node']).set({ version, node: nodeVersion }, 1);
  // A gauge that was never measured is not exported: a zero would silence its alarm.
  for (const gauge of [metrics.deadLetters, metrics.pending, metrics.oldestPendingAge, metrics.historyLength, metrics.redisMemoryUsed])
    gauge.remove();
  // A counter that is born at 1 has not increased: what alarms ask for is there from the start.
  for (const urgent of ['true', 'false']) metrics.acceptToApply.zero({ urgent });
  for (const status of ['429', '500', '503']) metrics.refusals.inc({ status, scim_type: '' }, 0);
  for (const reason of ['audit', 'stamp', 'epoch']) metrics.reaccepted.inc({ reason }, 0);
  for (const reason of ['token_unknown', 'secret_unknown', 'too_many_sign_ins']) metrics.signInFailures.inc({ reason }, 0);
  return metrics;
}

/** Makes metrics in registries; without one, they are kept out of what is scraped. */
function makers(registers: Registry[]) {
  return {
    counter: <T extends string = never>(name: string, help: string, labelNames: readonly T[] = []) =>
      new Counter<T>({ name: `rollcall_${name}`, help, labelNames, registers }),
    gauge: <T extends string = never>(name: string, help: string, labelNames: readonly T[] = []) =>
      new Gauge<T>({ name: `rollcall_${name}`, help, labelNames, registers }),
    histogram: <T extends string = never>(name: string, help: string, buckets: number[], labelNames: readonly T[] = []) =>
      new Histogram<T>({ name: `rollcall_${name}`, help, buckets, labelNames, registers }),
  };
}

const DURATIONS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LAGS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1_800, 7_200]; // 1 s: our aim for leavers; 300 s: IPSIE's limit
