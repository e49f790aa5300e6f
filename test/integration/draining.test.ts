import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { userBody } from '../support/users.js';

jest.setTimeout(120_000);

describe('DRAIN_DELAY_MS', () => {
  const DELAY_MS = 8_000;
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme'], env: { DRAIN_DELAY_MS: String(DELAY_MS) } });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  // A rolling update refused connections: ingest stopped listening before the load balancer had heard of it.
  it('lets new connections in after SIGTERM while /readyz says draining, then ends in order', async () => {
    const [ingest] = cluster.ingests;
    const ended = ingest!.stop();
    const asked = performance.now();
    const statusOf = () => fetch(`${ingest!.url}/readyz`, { headers: { Connection: 'close' } }).then(({ status }) => status);
    await until('/readyz to say draining', statusOf, (status) => status === 503);
    // One connection each, as a load balancer that has not heard of it yet opens them.
    const statuses: number[] = [];
    for (let n = 0; n < 10; n++) {
      const answer = await fetch(`${ingest!.url}/scim/v2/Users`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${cluster.token('acme')}`, 'Content-Type': 'application/scim+json', Connection: 'close' },
        body: JSON.stringify(userBody(`late-${n}`)),
      });
      statuses.push(answer.status);
      await answer.arrayBuffer();
    }
    expect(statuses).toEqual(Array(10).fill(201));
    await ended;
    expect(performance.now() - asked).toBeGreaterThanOrEqual(DELAY_MS - 100);
    await expect(fetch(`${ingest!.url}/readyz`)).rejects.toThrow();
    expect(await ingest!.log()).toContain('"event":"process.stopped"');
  });
});
