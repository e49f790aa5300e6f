import { checkAll, type Told, versionOf } from '../support/check.js';
import { inParallel } from '../support/client.js';
import { startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

// Goal: whoever was told 201 is in MongoDB exactly once, although the worker was killed while it applied them.
// Method: 1,000 creates with the worker running; kill -9 it in the middle; start it again; wait for quiet; compare both stores.
it('worker: killed with 1,000 accepted users, then restarted', async () => {
  await using cluster = await startCluster({ workers: 0 });
  const okta = cluster.client('acme');
  const answers = await inParallel(Array.from({ length: 1_000 }), 32, (_, n) => okta.create(userBody(`u${n}`)));
  expect(answers.every(({ status }) => status === 201)).toBe(true);
  expect(await cluster.pending()).toBe(1_000);

  await cluster.worker.start();
  await until(
    'some to be applied',
    () => cluster.db.collection('accounts').countDocuments({ tenant: 'acme' }),
    (n) => n >= 100,
  );
  await cluster.worker.kill();
  const applied = await cluster.db.collection('accounts').countDocuments({ tenant: 'acme' });
  expect(applied).toBeGreaterThanOrEqual(100);
  await cluster.worker.start();
  await cluster.quiet();

  expect(await cluster.db.collection('accounts').countDocuments({ tenant: 'acme' })).toBe(1_000);
  await checkAll(
    cluster,
    'acme',
    answers.map(({ body, headers }): Told => ({ id: body.id, version: versionOf(headers.etag) })),
  );
});

it.each(['before apply', 'before settle', 'after settle'])('worker: killed %s, then restarted', async (point) => {
  await using cluster = await startCluster({ faults: { worker: { [point]: { kill: 2 } } } });
  const okta = cluster.client('acme');
  const answers = await inParallel(Array.from({ length: 60 }), 4, async (_, n) => okta.create(userBody(`p${n}`)));
  expect(answers.every(({ status }) => status === 201)).toBe(true);
  await cluster.worker.ended();
  await cluster.worker.kill();
  await cluster.worker.start({ ROLLCALL_FAULTS: '{}' });
  await cluster.quiet();
  await checkAll(
    cluster,
    'acme',
    answers.map(({ body, headers }): Told => ({ id: body.id, version: versionOf(headers.etag) })),
  );
});

// Goal: a doorbell that was never rung is rung by the sweeper.
// Method: the fault point between commit and ring kills ingest; nobody rings; the worker must find it within 5 s.
it('ingest: killed between commit and ring: applied by the sweep within 5 s', async () => {
  await using cluster = await startCluster({ faults: { ingest: { 'before ring': { kill: 1 } } } });
  await expect(cluster.client('acme').create(userBody('ghost'))).rejects.toThrow();
  const began = performance.now();
  await until(
    'the user in MongoDB',
    () => cluster.db.collection('accounts').findOne({ tenant: 'acme', nameKey: 'ghost@example.com' }),
    Boolean,
    8_000,
  );
  expect(performance.now() - began).toBeLessThan(5_000);
  await cluster.ingests[0]!.kill();
  await cluster.ingests[0]!.start({ ROLLCALL_FAULTS: '{}' });
  // The client never heard of it; its retry finds the person there.
  expect((await cluster.client('acme').create(userBody('ghost'))).status).toBe(409);
  await cluster.quiet();
});

it('ingest: SIGTERM drops no request in flight, and says goodbye to the connection', async () => {
  // Committed, and not answered yet: each is held for a second before it rings.
  await using cluster = await startCluster({
    faults: { ingest: { 'before ring': { delay: 1_000 } } },
    env: { REQUEST_DEADLINE_MS: '8000' },
  });
  const okta = cluster.client('acme');
  const inFlight = Promise.all(Array.from({ length: 20 }, (_, n) => okta.create(userBody(`late${n}`))));
  await until(
    'all to be accepted',
    () => cluster.historyLength(),
    (length) => length === 20,
  );
  const stopped = cluster.ingests[0]!.stop();
  const answers = await inFlight;
  expect(answers.map(({ status }) => status)).toEqual(new Array(20).fill(201));
  expect(answers.every(({ headers }) => headers.connection === 'close')).toBe(true);
  await stopped;
  await cluster.quiet();
  await checkAll(
    cluster,
    'acme',
    answers.map(({ body, headers }): Told => ({ id: body.id, version: versionOf(headers.etag) })),
  );
});

it('leavers go first: a deactivation behind 3,000 creates is applied before them', async () => {
  await using cluster = await startCluster();
  const okta = cluster.client('acme');
  const leaver = (await okta.create(userBody('leaver'))).body;
  await cluster.quiet();
  await inParallel(Array.from({ length: 3_000 }), 64, (_, n) => okta.create(userBody(`crowd${n}`)));
  const before = await cluster.pending();
  expect((await okta.patch(leaver.id, patchBody({ op: 'replace', value: { active: false } }))).status).toBe(200);
  const began = performance.now();
  await until(
    'the leaver applied',
    () => cluster.db.collection('accounts').findOne({ tenant: 'acme', _id: leaver.id, 'account.preservedBy': 'idp' } as object),
    Boolean,
    5_000,
  );
  const took_ms = performance.now() - began;
  expect({ before, took_ms: took_ms < 1_000 }).toEqual({ before, took_ms: true });
  await cluster.quiet(60_000);
});

it('50 rename swaps in flight: all converge, none parked at the end', async () => {
  await using cluster = await startCluster();
  const okta = cluster.client('acme');
  const pairs = await inParallel(Array.from({ length: 50 }), 16, async (_, n) => {
    const [a, b] = [await okta.create(userBody(`a${n}`)), await okta.create(userBody(`b${n}`))];
    return { a: a.body.id as string, b: b.body.id as string };
  });
  await cluster.quiet();
  const rename = (id: string, name: string) => okta.patch(id, patchBody({ op: 'replace', path: 'userName', value: `${name}@example.com` }));
  // Each pair swaps its names by way of a third, several times over, while the worker applies.
  for (let round = 0; round < 3; round += 1) {
    await inParallel(pairs, 16, async ({ a, b }, n) => {
      const [forA, forB] = round % 2 === 0 ? [`b${n}`, `a${n}`] : [`a${n}`, `b${n}`];
      for (const answer of [await rename(a, `c${n}`), await rename(b, forB), await rename(a, forA)]) expect(answer.status).toBe(200);
    });
  }
  await cluster.quiet();
  const stored = await cluster.db.collection('accounts').find({ tenant: 'acme' }).toArray();
  const names = new Map(stored.map(({ _id, nameKey }) => [String(_id), nameKey]));
  pairs.forEach(({ a, b }, n) => {
    expect([names.get(a), names.get(b)]).toEqual([`b${n}@example.com`, `a${n}@example.com`]);
  });
  await checkAll(cluster, 'acme', []);
});

// Goal: the history has every accepted version, also of those that were never applied on their own.
it('history: 30 versions of one user, applied as one, are 30 lines', async () => {
  await using cluster = await startCluster({ workers: 0 });
  const okta = cluster.client('acme');
  const user = (await okta.create(userBody('often'))).body;
  for (let n = 1; n < 30; n += 1) {
    expect((await okta.patch(user.id, patchBody({ op: 'replace', path: 'title', value: `Title ${n}` }))).status).toBe(200);
  }
  // What changes nothing is no version.
  expect((await okta.patch(user.id, patchBody({ op: 'replace', path: 'title', value: 'Title 29' }))).status).toBe(200);
  await cluster.worker.start();
  await cluster.quiet();
  const lines = await cluster.db.collection('history').find({ tenant: 'acme', id: user.id }).sort({ version: 1 }).toArray();
  expect(lines).toHaveLength(30);
  expect(lines.map(({ line }) => line.operation)).toEqual(['create', ...new Array(29).fill('patch')]);
  expect(lines[29]!.line.changes).toEqual({ title: { before: 'Title 28', after: 'Title 29' } });
  expect(new Set(lines.map(({ version }) => version)).size).toBe(30);
});
