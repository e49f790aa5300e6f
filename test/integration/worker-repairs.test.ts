import { checkAll, versionOf } from '../support/check.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

// A short sweep, so that the audit's sample comes round soon.
const env = { SWEEP_INTERVAL_MS: '50' };
const accounts = (cluster: Cluster) =>
  cluster.db.collection<{ _id: string; version: number; nameKey?: string; parked?: boolean }>('accounts');
const metric = async (cluster: Cluster, pattern: RegExp) =>
  Number(pattern.exec(await (await fetch(`${cluster.worker.url}/metrics`)).text())?.[1] ?? 0);

// Goal: what MongoDB loses after it was settled comes back by itself, under a new version, and somebody is told.
// Method: delete documents behind the program's back.
it('MongoDB: an applied document vanishes: the audit accepts it again, counts and alarms', async () => {
  await using cluster = await startCluster({ env });
  const okta = cluster.client('acme');
  const [ada, eve] = [await okta.create(userBody('ada')), await okta.create(userBody('eve'))];
  await cluster.quiet();
  // As a release that did not write down what a copy is of: it is there, and no difference.
  const [copy] = await cluster.redis.keys(`${cluster.prefix}:*:r:${eve.body.id}`);
  expect(await cluster.redis.hdel(copy!, 'kind')).toBe(1);
  await accounts(cluster).deleteOne({ _id: ada.body.id });
  const back = await until('the repair', () => accounts(cluster).findOne({ _id: ada.body.id }), Boolean, 60_000);
  expect(back!.version).toBeGreaterThan(versionOf(eve.headers.etag));
  expect(await metric(cluster, /^rollcall_store_differences_total (\d+)$/m)).toBe(1);
  expect(await metric(cluster, /^rollcall_reaccepted_total\{reason="audit"\} (\d+)$/m)).toBe(1);
  await cluster.quiet();
  await checkAll(cluster, 'acme', []);
});

// Goal: what MongoDB has in a newer version than Redis, as a server that was restored may, is read from then on.
// Method: write a newer state behind the program's back.
it('MongoDB: has a newer state than a settled copy: the audit fills the copy', async () => {
  await using cluster = await startCluster({ env });
  const okta = cluster.client('acme');
  const ada = await okta.create(userBody('ada'));
  await cluster.quiet();
  await accounts(cluster).updateOne(
    { _id: ada.body.id },
    { $inc: { version: 1 }, $set: { stamp: 'newer', 'attributes.title': 'Countess' } },
  );
  await until('the newer state', async () => (await okta.get(ada.body.id)).body.title === 'Countess', Boolean, 60_000);
  expect(await metric(cluster, /^rollcall_store_differences_total (\d+)$/m)).toBe(1);
  expect(await cluster.pending()).toBe(0);
});

// Goal: a version that Redis gave twice, as it had forgotten the first time, never passes for applied.
// Method: lay another state under the same version into MongoDB before the worker comes.
it('MongoDB: another state under the same version: accepted again under a higher one', async () => {
  await using cluster = await startCluster({ env, workers: 0 });
  const okta = cluster.client('acme');
  const ada = await okta.create(userBody('ada'));
  const version = versionOf(ada.headers.etag);
  const foreign = { tenant: 'acme', type: 'User', version, born: version, stamp: 'foreign', live: true, attributes: {}, account: {} };
  await accounts(cluster).insertOne({ _id: ada.body.id, ...foreign });
  await cluster.worker.start();
  await cluster.quiet();
  const applied = await until(
    'the newer one',
    () => accounts(cluster).findOne({ _id: ada.body.id }),
    (document) => document!.version > version,
  );
  expect(applied).toMatchObject({ nameKey: 'ada@example.com', attributes: { userName: 'ada@example.com' } });
  expect(await metric(cluster, /^rollcall_reaccepted_total\{reason="stamp"\} (\d+)$/m)).toBe(1);
  await cluster.quiet();
  await checkAll(cluster, 'acme', []);
});

// Goal: a worker that died between MongoDB and Redis leaves nothing behind: what is there already is found, and settled under its version.
it('worker: killed between apply and settle: each is in MongoDB once, in the version that the client knows', async () => {
  await using cluster = await startCluster({ env, workers: 0, faults: { worker: { 'before settle': { kill: 1 } } } });
  const okta = cluster.client('acme');
  const told = await Promise.all(Array.from({ length: 50 }, (_, n) => okta.create(userBody(`u${n}`))));
  await cluster.worker.start().catch(() => undefined); // it may die before it is seen to be ready
  await cluster.worker.ended();
  expect(await cluster.pending()).toBe(50);
  await cluster.worker.start({ ROLLCALL_FAULTS: '' });
  await cluster.quiet();
  await checkAll(
    cluster,
    'acme',
    told.map(({ body, headers }) => ({ id: body.id, version: versionOf(headers.etag) })),
  );
  expect(await metric(cluster, /^rollcall_reaccepted_total\{[^}]*\} (\d+)$/m)).toBe(0);
});

// Goal: a name that was taken from a resource is given back where nothing is on its way to it any more.
it('MongoDB: a resource stays parked: it has its name again, unless another one holds it', async () => {
  await using cluster = await startCluster({ env });
  const okta = cluster.client('acme');
  const ada = await okta.create(userBody('ada'));
  await cluster.quiet();
  await accounts(cluster).updateOne({ _id: ada.body.id }, { $unset: { nameKey: 1 }, $set: { parked: true } });
  const healed = await until(
    'the name',
    () => accounts(cluster).findOne({ _id: ada.body.id }),
    (document) => document!.parked === undefined,
  );
  expect(healed!.nameKey).toBe('ada@example.com');
  await checkAll(cluster, 'acme', []);
});

describe('discarding a dead letter', () => {
  const discard = (cluster: Cluster, id: string) =>
    fetch(`${cluster.worker.url}/admin/v1/dead-letters/discard`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ items: [{ tenant: 'acme', id }] }),
    });
  const refuseTitle = (cluster: Cluster) =>
    cluster.db.command({ collMod: 'accounts', validator: { 'attributes.title': { $ne: 'Forbidden' } }, validationLevel: 'strict' });
  const dead = (cluster: Cluster) =>
    until(
      'the dead letter',
      () => metric(cluster, /^rollcall_dead_letters (\d+)$/m),
      (count) => count === 1,
    );

  it('that never was in MongoDB leaves a deleted resource, which tells only who it was', async () => {
    await using cluster = await startCluster({ env });
    const okta = cluster.client('acme');
    await refuseTitle(cluster);
    const bad = await okta.create(userBody('bad', { title: 'Forbidden' }));
    await dead(cluster);
    expect((await discard(cluster, bad.body.id)).status).toBe(200);
    const kept = await until('the tombstone', () => accounts(cluster).findOne({ _id: bad.body.id }));
    expect(kept).toMatchObject({ live: false, identityKey: 'bad@example.com' });
    expect(kept).not.toHaveProperty('attributes.title');
    expect((await okta.get(bad.body.id)).status).toBe(404);
    expect((await okta.create(userBody('bad'))).status).toBe(201);
    await cluster.quiet();
    await checkAll(cluster, 'acme', []);
  });

  // The letter of the former state was taken for one of the newer, and the newer one went with it.
  it('of a resource that was written again since discards nothing: the newer state is there, and is applied', async () => {
    await using cluster = await startCluster({ env });
    const okta = cluster.client('acme');
    await refuseTitle(cluster);
    const ada = await okta.create(userBody('ada', { title: 'Forbidden' }));
    await dead(cluster);
    // Another worker seems to have the tenant: what is written now stays pending.
    const [letters] = await cluster.redis.keys(`${cluster.prefix}:{p*}:acme:dead`);
    const lease = letters!.replace(/dead$/, 'lease');
    await cluster.redis.set(lease, 'another', 'PX', 60_000);
    expect((await okta.patch(ada.body.id, patchBody({ op: 'replace', path: 'title', value: 'Countess' }))).status).toBe(200);
    expect(await (await discard(cluster, ada.body.id)).json()).toMatchObject({ discarded: 0 });
    expect((await okta.get(ada.body.id)).body).toMatchObject({ title: 'Countess' });
    await cluster.redis.del(lease);
    await cluster.quiet();
    expect(await accounts(cluster).findOne({ _id: ada.body.id })).toMatchObject({ live: true, attributes: { title: 'Countess' } });
    await checkAll(cluster, 'acme', []);
  });

  it('whose former name is taken by now answers 409, and names the holder', async () => {
    await using cluster = await startCluster({ env });
    const okta = cluster.client('acme');
    const ada = await okta.create(userBody('ada'));
    await cluster.quiet();
    await refuseTitle(cluster);
    const renamed = { op: 'replace', value: { userName: 'eve@example.com', title: 'Forbidden' } };
    expect((await okta.patch(ada.body.id, patchBody(renamed))).status).toBe(200);
    await dead(cluster);
    // The name is free for whoever was told so, though MongoDB has not heard of it: its holder there is parked.
    const taker = await okta.create(userBody('ada', { externalId: 'other', emails: [{ value: 'other@example.com', primary: true }] }));
    expect(taker.status).toBe(201);
    await cluster.quiet();
    const answer = await discard(cluster, ada.body.id);
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ discarded: 0, refused: [{ tenant: 'acme', id: ada.body.id, holder: taker.body.id }] });
  });
});
