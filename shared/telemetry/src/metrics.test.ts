import { createMetrics } from './metrics.js';

describe('createMetrics', () => {
  it('has exactly these names', async () => {
    const { registry } = createMetrics({ process: false });
    expect((await registry.getMetricsAsJSON()).map(({ name }) => name).sort()).toEqual([
      'rollcall_accept_to_apply_seconds',
      'rollcall_accepted_total',
      'rollcall_applied_total',
      'rollcall_apply_duration_seconds',
      'rollcall_audit_differences_total',
      'rollcall_conflicts_total',
      'rollcall_dead_letters',
      'rollcall_dropped_total',
      'rollcall_history_length',
      'rollcall_http_request_duration_seconds',
      'rollcall_oldest_pending_age_seconds',
      'rollcall_pending',
      'rollcall_reaccepted_total',
      'rollcall_settled_total',
      'rollcall_sign_in_failures_total',
      'rollcall_sweeps_total',
      'rollcall_token_expires_within',
      'rollcall_token_reminders_total',
      'rollcall_webhooks_total',
    ]);
  });

  it('keeps two processes in one test apart, and shows leavers’ lag before the first leaver', async () => {
    const [one, other] = [createMetrics({ process: false }), createMetrics({ process: false })];
    one.accepted.inc({ type: 'User', operation: 'create' });
    expect(await one.registry.metrics()).toContain('rollcall_accepted_total{type="User",operation="create"} 1');
    expect(await other.registry.metrics()).not.toContain('operation="create"');
    expect(await one.registry.metrics()).toContain('rollcall_accept_to_apply_seconds_count{urgent="true"} 0');
  });

  it('adds the process’s own', async () => {
    expect(await createMetrics().registry.metrics()).toContain('process_resident_memory_bytes');
  });
});
