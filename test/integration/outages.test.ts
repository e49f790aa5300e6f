import { type Cluster, startCluster } from '../support/cluster.js';
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

type Line = { level: string; event?: string; store?: string; downSeconds?: number; part?: string };
const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

// An outage of a minute was 33 KB of stacks in the log; the two lines that said it were hard to find among them.
it('MongoDB frozen under load: the worker tells it in one line, and its end in another', async () => {
  await using cluster = await startCluster({ ownServers: true, env: { SWEEP_INTERVAL_MS: '50' } });
  const okta = cluster.client('acme');
  await okta.create(userBody('ada'));
  await cluster.quiet();
  const before = (await cluster.worker.log()).length;
  const since = async () => linesOf((await cluster.worker.log()).slice(before));
  await cluster.mongoServer!.freeze();
  for (let n = 0; n < 5; n += 1) expect((await okta.create(userBody(`u${n}`))).status).toBe(201);
  await until('the outage to be told', since, (lines) => lines.some(({ event }) => event === 'store.unreachable'));
  // Every loop fails some times meanwhile.
  for (let round = 0; round < 10; round += 1) await okta.create(userBody(`v${round}`));
  await cluster.mongoServer!.thaw();
  await cluster.quiet(60_000);
  const lines = (await since()).filter(({ level, event }) => level !== 'debug' && event !== 'changes.applied');
  expect(lines.map(({ level, event, store }) => [level, event, store])).toEqual([
    ['error', 'store.unreachable', 'mongodb'],
    ['info', 'store.reachable', 'mongodb'],
  ]);
  expect(lines[1]!.downSeconds).toBeGreaterThan(0);
});

// It had listened first, and told of the setting after four lines of a library.
it('Redis that evicts: ingest says so in a sentence, and does not listen', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const ingest = cluster.ingests[0]!;
  await ingest.stop();
  await cluster.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const before = (await ingest.log()).length;
  await expect(ingest.start()).rejects.toThrow('maxmemory-policy');
  const text = (await ingest.log()).slice(before);
  expect(text).not.toContain('listening');
  const plain = text.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  expect(plain).toEqual([expect.stringMatching(/^Redis has maxmemory-policy allkeys-lru, which loses accepted data/)]);
});

describe('a queue paused on Bull Board', () => {
  const press = (cluster: Cluster, verb: 'pause' | 'resume') =>
    fetch(`${cluster.worker.url}/queues/api/queues/apply/${verb}`, {
      method: 'PUT',
      headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'application/json', 'X-Request-Id': `${verb}-0001` },
    });
  const admin = async (cluster: Cluster, path: string) => {
    const answer = await fetch(`${cluster.worker.url}/admin/v1${path}`, { headers: { Authorization: `Bearer ${cluster.operatorToken}` } });
    return (await answer.json()) as { items: Record<string, unknown>[] };
  };

  // It was seen on the board alone, and leavers waited for as long as nobody looked there.
  it('is told everywhere, with who and when, and leavers pass it', async () => {
    await using cluster = await startCluster();
    const okta = cluster.client('acme');
    const ada = (await okta.create(userBody('ada'))).body;
    await cluster.quiet();
    expect((await press(cluster, 'pause')).status).toBe(200);

    const consumer = async () => ((await (await fetch(`${cluster.worker.url}/readyz`)).json()) as { consumer: string }).consumer;
    expect(await consumer()).toBe('paused by an operator');
    for (const url of [cluster.worker.url, cluster.ingestMetricsUrl])
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('rollcall_consumer_paused{by="operator"} 1');
    expect(linesOf(await cluster.worker.log())).toContainEqual(
      expect.objectContaining({ level: 'warn', event: 'queue.paused', queue: 'apply', by: 'operator', requestId: 'pause-0001' }),
    );
    const line = { action: 'queue.paused', target: { kind: 'queue', id: 'apply' }, requestId: 'pause-0001' };
    const { items } = await until(
      'the audit trail',
      () => admin(cluster, '/audit'),
      (found) => found.items.length > 0,
    );
    expect(items[0]).toMatchObject(line);
    expect((await admin(cluster, '/doctor')).items).toContainEqual(
      expect.objectContaining({
        check: 'queue apply',
        ok: false,
        is: expect.stringMatching(/^paused by ROLLCALL_OPERATOR_TOKEN at 2.*: only leavers are applied$/),
      }),
    );

    const bob = (await okta.create(userBody('bob'))).body;
    expect((await okta.delete(ada.id)).status).toBe(204);
    const accounts = cluster.db.collection<{ _id: string; live: boolean }>('accounts');
    await until('the leaver to be applied', async () => (await accounts.findOne({ _id: ada.id }))?.live === false);
    expect(await accounts.findOne({ _id: bob.id })).toBeNull();

    expect((await press(cluster, 'resume')).status).toBe(200);
    await cluster.quiet();
    expect(await consumer()).toBe('running');
    expect(await accounts.findOne({ _id: bob.id })).not.toBeNull();
    expect(linesOf(await cluster.worker.log())).toContainEqual(expect.objectContaining({ event: 'queue.resumed', queue: 'apply' }));
  });
});

/** Known 2.5 s after the freeze; a busy machine adds to it. */
const KNOWN_WITHIN_MS = 5_000;
