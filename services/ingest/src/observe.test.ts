import { createLog, createMetrics } from '@rollcall/telemetry';
import type { Fault, ScimResponse } from './exchange.js';
import { observed } from './observe.js';
import { request } from './testing.js';

/** The one line of a request with these headers. */
async function lineOf(
  headers: Readonly<Record<string, string>>,
  response: ScimResponse = { status: 200, about: { tenant: 'acme' } },
): Promise<{ text: string; line: Record<string, unknown> }> {
  const lines: string[] = [];
  const answer = observed({
    resolve: () => ({ route: '/Users', answer: async () => response }),
    log: createLog({ service: 'test', destination: { write: (line) => void lines.push(line) } }),
    metrics: createMetrics({ process: false }),
  });
  await answer(request('GET /scim/v2/Users', { headers }));
  expect(lines).toHaveLength(1);
  return { text: lines[0]!, line: JSON.parse(lines[0]!) as Record<string, unknown> };
}

describe('the log line of a request', () => {
  it('tells which identity provider it is from, and nothing else of what a client calls itself', async () => {
    const { text, line } = await lineOf({ 'user-agent': 'Okta SCIM Client 1.0.0 (ada)' });
    expect(line).toMatchObject({ event: 'http.request', message: 'request', tenant: 'acme', status: 200, flavor: 'okta' });
    expect(text).not.toMatch(/SCIM Client|ada/);
  });

  it('has no flavor for a client that is not known', async () => {
    const { text, line } = await lineOf({ 'user-agent': 'curl/8.5.0' });
    expect(line).not.toHaveProperty('flavor');
    expect(text).not.toContain('curl');
  });

  // A refusal left no reason in the log, and a failure stood there as information.
  it.each([
    [200, 'info'],
    [404, 'info'],
    [429, 'info'],
    [501, 'info'],
    [500, 'error'],
    [503, 'warn'],
  ])('of a %d is at level %s, with its reason, resource and tenant', async (status, level) => {
    const fault = { reason: 'because', scimType: 'invalidValue', error: new Error('for "ada"') };
    const { text, line } = await lineOf({}, { status, about: { tenant: 'acme', id: 'u1' }, fault });
    expect(line).toMatchObject({ level, status, tenant: 'acme', id: 'u1', reason: 'because', scimType: 'invalidValue' });
    expect(text).not.toContain('ada');
  });
});

describe('the metrics of a request', () => {
  const measured = async (route: string, status: number, fault?: Fault) => {
    const metrics = createMetrics({ process: false, of: 'ingest' });
    const answer = observed({
      resolve: () => ({ route, answer: async () => ({ status, ...(fault ? { fault } : {}) }) }),
      log: createLog({ service: 'test', level: 'silent' }),
      metrics,
    });
    await answer(request('GET /scim/v2/Users'));
    const samples = (await metrics.registry.metrics()).split('\n');
    return samples.filter((line) => /^rollcall_(http_request_duration_seconds_count|refusals_total)/.test(line) && !line.endsWith(' 0'));
  };

  it.each(['/healthz', '/readyz'])('do not count the probe %s', async (route) => {
    expect(await measured(route, 503)).toEqual([]);
  });

  it('count a refusal by status and scimType', async () => {
    expect(await measured('/Users/{id}', 409, { reason: 'uniqueness', scimType: 'uniqueness' })).toEqual([
      'rollcall_http_request_duration_seconds_count{method="GET",route="/Users/{id}",status="409"} 1',
      'rollcall_refusals_total{status="409",scim_type="uniqueness"} 1',
    ]);
    expect(await measured('/Users', 200)).toEqual([
      'rollcall_http_request_duration_seconds_count{method="GET",route="/Users",status="200"} 1',
    ]);
  });
});
