import { createLog, createMetrics } from '@rollcall/telemetry';
import { observed } from './observe.js';
import { request } from './testing.js';

/** The one line of a request with these headers. */
async function lineOf(headers: Readonly<Record<string, string>>): Promise<{ text: string; line: Record<string, unknown> }> {
  const lines: string[] = [];
  const answer = observed({
    resolve: () => ({ route: '/Users', answer: async () => ({ status: 200, about: { tenant: 'acme' } }) }),
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
    expect(line).toMatchObject({ message: 'request', tenant: 'acme', status: 200, flavor: 'okta' });
    expect(text).not.toMatch(/SCIM Client|ada/);
  });

  it('has no flavor for a client that is not known', async () => {
    const { text, line } = await lineOf({ 'user-agent': 'curl/8.5.0' });
    expect(line).not.toHaveProperty('flavor');
    expect(text).not.toContain('curl');
  });
});
