import { createMetrics } from './metrics.js';

const namesOf = async (of?: 'ingest' | 'worker') => {
  const { registry } = of === 'ingest' ? createMetrics({ process: false, of }) : createMetrics({ process: false, ...(of ? { of } : {}) });
  return (await registry.getMetricsAsJSON()).map(({ name }) => name.replace('rollcall_', '')).sort();
};

const COMMON = [
  'accepted_total',
  'build_info',
  'consumer_paused',
  'dead_letters',
  'history_backlog_lines',
  'oldest_pending_age_seconds',
  'pending_resources',
  'redis_memory_used_ratio',
  'sign_in_failures_total',
  'store_up',
  'write_conflicts_total',
];
const INGEST = ['http_request_duration_seconds', 'identity_judgements_total', 'refusals_total'];
const WORKER = [
  'accept_to_apply_seconds',
  'applied_total',
  'apply_duration_seconds',
  'dropped_copies_total',
  'reaccepted_total',
  'settled_total',
  'store_differences_total',
  'sweeps_total',
  'token_reminders_total',
  'tokens_expiring',
  'webhooks_total',
];

describe('createMetrics', () => {
  // ingest had exported the worker's gauges as zeros, so that their alarms were silent when the worker was dead.
  it('exports of each process only what it measures', async () => {
    expect(await namesOf('ingest')).toEqual([...COMMON, ...INGEST].sort());
    expect(await namesOf('worker')).toEqual([...COMMON, ...WORKER].sort());
    expect(await namesOf()).toEqual([...COMMON, ...INGEST, ...WORKER].sort());
  });

  it('exports no value of a gauge before it is measured, nor after it was forgotten', async () => {
    const { registry, pending } = createMetrics({ process: false });
    const samples = async () => (await registry.metrics()).split('\n').filter((line) => line.startsWith('rollcall_pending_resources '));
    expect(await samples()).toEqual([]);
    pending.set(3);
    expect(await samples()).toEqual(['rollcall_pending_resources 3']);
    pending.remove();
    expect(await samples()).toEqual([]);
  });

  it('measures just before it is scraped', async () => {
    const { registry, pending } = createMetrics({ process: false });
    let measured = 0;
    registry.before(async () => {
      measured += 1;
      pending.set(measured);
    });
    expect(await registry.metrics()).toContain('rollcall_pending_resources 1');
    expect(await registry.metrics()).toContain('rollcall_pending_resources 2');
  });

  it('keeps two processes in one test apart, and shows leavers’ lag before the first leaver', async () => {
    const [one, other] = [createMetrics({ process: false }), createMetrics({ process: false })];
    one.accepted.inc({ type: 'User', operation: 'create' });
    expect(await one.registry.metrics()).toContain('rollcall_accepted_total{type="User",operation="create"} 1');
    expect(await other.registry.metrics()).not.toContain('operation="create"');
    expect(await one.registry.metrics()).toContain('rollcall_accept_to_apply_seconds_count{urgent="true"} 0');
  });

  // A counter that is born at 1 has not increased, as Prometheus sees it.
  it('has what alarms count from the start, at zero', async () => {
    const text = await createMetrics({ process: false }).registry.metrics();
    for (const status of [429, 500, 503]) expect(text).toContain(`rollcall_refusals_total{status="${status}",scim_type=""} 0`);
    for (const reason of ['audit', 'stamp', 'epoch']) expect(text).toContain(`rollcall_reaccepted_total{reason="${reason}"} 0`);
  });

  it('adds the process’s own, and says which version it is', async () => {
    const text = await createMetrics({ of: 'worker', version: '0.1.0' }).registry.metrics();
    expect(text).toContain('process_resident_memory_bytes');
    expect(text).toContain(`rollcall_build_info{version="0.1.0",node="${process.version}"} 1`);
  });
});
