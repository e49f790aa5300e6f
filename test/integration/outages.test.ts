import { startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { userBody } from '../support/users.js';

jest.setTimeout(120_000);

const readyz = async (url: string) => (await (await fetch(`${url}/readyz`)).json()) as { status: string; redis: string; mongodb: string };

// A frozen Redis was "up" in /readyz for as long as one looked, while every request was answered 503.
it.each(['redis', 'mongodb'] as const)('%s frozen: both /readyz say away within 3 s, and up again by themselves', async (store) => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  await okta.create(userBody('ada'));
  await cluster.quiet();
  const server = store === 'redis' ? cluster.redisServer! : cluster.mongoServer!;
  const urls = [cluster.ingestMetricsUrl, cluster.worker.url];
  const states = () => Promise.all(urls.map(async (url) => (await readyz(url))[store]));
  expect(await states()).toEqual(['up', 'up']);

  const began = performance.now();
  await server.freeze();
  await until('both to say away', states, (seen) => seen.every((state) => state === 'away'));
  expect(performance.now() - began).toBeLessThan(KNOWN_WITHIN_MS);

  // The request path knows it, too: a list had waited 10 s for a frozen MongoDB.
  const list = await okta.list();
  expect(list.status).toBe(503);
  expect(list.took_ms).toBeLessThan(500);

  await server.thaw();
  await until('both to say up', states, (seen) => seen.every((state) => state === 'up'));
  expect((await okta.list()).status).toBe(200);
  expect((await okta.create(userBody('bob'))).status).toBe(201);
  await cluster.quiet();
});

// A list that was under way when MongoDB froze was answered after 10 s: its time-out, and once more for the driver's own retry.
it('a list that is under way when MongoDB freezes is 503 as soon as MongoDB is known to be away', async () => {
  const env = { MONGO_TIMEOUT_MS: '25000', REQUEST_TIMEOUT_MS: '60000', STOP_TIMEOUT_MS: '70000' };
  await using cluster = await startCluster({ ownServers: true, env });
  const okta = cluster.client('acme');
  await okta.create(userBody('ada'));
  await cluster.quiet();
  await cluster.mongoServer!.freeze();
  const list = await okta.list('filter=title%20pr');
  expect(list).toMatchObject({ status: 503, headers: { 'retry-after': expect.any(String) } });
  expect(list.took_ms).toBeLessThan(20_000);
  await cluster.mongoServer!.thaw();
  await until('lists to be answered again', async () => (await okta.list()).status === 200);
});

/** Known 2.5 s after the freeze; a busy machine adds to it. */
const KNOWN_WITHIN_MS = 5_000;
