// Every metric, by name. No label holds a tenant, an id or a path: ten thousand tenants would make ten thousand series of each.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
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
  readonly signInFailures: Counter;
  readonly sweeps: Counter;
  readonly auditDifferences: Counter;
  readonly tokenExpiries: Gauge<'within_days'>;
  readonly tokenReminders: Counter<'days'>;
  readonly webhooks: Counter<'outcome'>;
}

export interface MetricsOptions {
  /** Memory, CPU, event loop and collector of the process itself. They hold timers, so tests leave them out. */
  readonly process?: boolean;
}

/** The metrics of one process, in a registry of their own. */
export function createMetrics({ process = true }: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  const registers = [registry];
  if (process) collectDefaultMetrics({ register: registry });

  const counter = <T extends string = never>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Counter<T>({ name: `rollcall_${name}`, help, labelNames, registers });
  const gauge = (name: string, help: string) => new Gauge({ name: `rollcall_${name}`, help, registers });
  const histogram = <T extends string = never>(name: string, help: string, buckets: number[], labelNames: readonly T[] = []) =>
    new Histogram<T>({ name: `rollcall_${name}`, help, buckets, labelNames, registers });

  const metrics: Metrics = {
    registry,
    accepted: counter('accepted_total', 'Writes accepted, so that the client was or may be told so.', ['type', 'operation']),
    applied: counter('applied_total', 'Resources tried on MongoDB. outcome: written, superseded, transient, permanent.', [
      'type',
      'outcome',
    ]),
    settled: counter('settled_total', 'Resources applied and marked so in Redis.', ['type']),
    conflicts: counter('conflicts_total', 'Commits whose premises had changed and that were decided again.', ['operation']),
    identityJudgements: counter(
      'identity_judgements_total',
      'People who came and met an account. outcome: adopted, revived, revived_other_external_id, separated (a new account beside it), asked (409), kept_out (403).',
      ['outcome'],
    ),
    reaccepted: counter('reaccepted_total', 'Resources accepted again by ourselves. reason: audit, stamp, epoch, discard.', ['reason']),
    dropped: counter('dropped_total', 'Pending copies dropped as MongoDB was as new. reason: epoch, superseded.', ['reason']),
    deadLetters: gauge('dead_letters', 'Resources that MongoDB refused for good, held for an operator.'),
    pending: gauge('pending', 'Resources accepted and not settled.'),
    oldestPendingAge: gauge('oldest_pending_age_seconds', 'Age of the oldest pending resource of all tenants.'),
    historyLength: gauge('history_length', 'Lines of history in Redis that are not yet in MongoDB.'),
    applyDuration: histogram('apply_duration_seconds', 'One batch: from collecting to settled.', DURATIONS_S),
    acceptToApply: histogram('accept_to_apply_seconds', 'From accepted to applied. urgent: leavers.', LAGS_S, ['urgent']),
    httpRequestDuration: histogram('http_request_duration_seconds', 'HTTP requests, by route as declared.', DURATIONS_S, [
      'method',
      'route',
      'status',
    ]),
    signInFailures: counter('sign_in_failures_total', 'Requests with a token that is none of ours.'),
    sweeps: counter('sweeps_total', 'Rounds of the sweeper.'),
    auditDifferences: counter('audit_differences_total', 'Resources that differed between Redis and MongoDB.'),
    tokenExpiries: new Gauge({
      name: 'rollcall_token_expires_within',
      help: 'Tokens and client secrets in use that end within so many days. within_days 0: they have ended, in the last 30 days.',
      labelNames: ['within_days'],
      registers,
    }),
    tokenReminders: counter('token_reminders_total', 'Reminders of tokens that end, by days left; 0: it has ended.', ['days']),
    webhooks: counter('webhooks_total', 'Posts to webhooks of tenants. outcome: delivered, refused (tried again), given_up.', ['outcome']),
  };
  for (const urgent of ['true', 'false']) metrics.acceptToApply.zero({ urgent }); // an alarm needs a series before the first leaver
  return metrics;
}

const DURATIONS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const LAGS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 1_800, 7_200]; // 1 s: our aim for leavers; 300 s: IPSIE's limit
