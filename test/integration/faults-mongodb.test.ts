import { checkAll, type Told, versionOf } from '../support/check.js';
import { startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

// Goal: MongoDB away for 10 s costs nobody anything: every answer is 2xx or 503, and every 2xx is in MongoDB after it is back.
// Method: one writer every 10 ms and one reader, mongod stopped in the middle, started again on the same data.
it('MongoDB: stopped for 10 s under writes', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const told: Told[] = [];
  const statuses: Record<number, number> = {};
  const known = (await okta.create(userBody('known'))).body;
  let writing = true;
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let n = 0; writing; n += 1) {
      const answer =
        n % 5 === 4
          ? await okta.patch(known.id, patchBody({ op: 'replace', path: 'title', value: `${writer}/${n}` }))
          : await okta.create(userBody(`w${writer}n${n}`));
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      if (answer.status < 300) told.push({ id: answer.body.id, version: versionOf(answer.headers.etag) });
      expect((await okta.get(known.id)).status).toBe(200);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await cluster.mongoServer!.stop();
  const before = told.length;
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  expect(told.length).toBeGreaterThan(before + 100); // the tenant's index is complete: writes go on
  await cluster.mongoServer!.start();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  writing = false;
  await Promise.all(writers);
  expect(Object.keys(statuses).filter((status) => !['200', '201', '503'].includes(status))).toEqual([]);
  await cluster.quiet(60_000);
  await checkAll(cluster, 'acme', told);
});

it('MongoDB: away at the start of ingest: a tenant that Redis knows is served', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const ada = (await okta.create(userBody('ada'))).body;
  await cluster.quiet();
  await cluster.mongoServer!.stop();
  await cluster.ingests[0]!.stop();
  await cluster.ingests[0]!.start();
  expect((await okta.get(ada.id)).body.userName).toBe('ada@example.com');
  expect((await okta.find('userName eq "ada@example.com"')).body.totalResults).toBe(1);
  const bob = await okta.create(userBody('bob'));
  expect(bob.status).toBe(201);
  const list = await okta.list();
  expect({ status: list.status, retry: list.headers['retry-after'] }).toMatchObject({ status: 503, retry: expect.stringMatching(/^\d+$/) });
  await cluster.mongoServer!.start();
  await cluster.quiet(60_000);
  await checkAll(cluster, 'acme', [{ id: bob.body.id, version: versionOf(bob.headers.etag) }]);
});

// What is computed for an answer is read after the commit: a 503 then would say that nothing was written.
it('MongoDB: away in a tenant with groups: writes are answered 2xx, without what is computed', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const ada = (await okta.create(userBody('ada'))).body;
  const groups = '/Groups';
  const group = (await okta.request('POST', groups, { displayName: 'One', members: [{ value: ada.id }] })).body;
  await cluster.quiet();
  await cluster.mongoServer!.stop();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const answers = [
    await okta.patch(ada.id, patchBody({ op: 'replace', path: 'title', value: 'Countess' })),
    await okta.replace(ada.id, userBody('ada', { title: 'Lady' })),
    await okta.request('PATCH', `${groups}/${group.id}`, patchBody({ op: 'replace', path: 'displayName', value: 'Two' })),
    await okta.request('POST', groups, { displayName: 'Three' }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 201]);
  await cluster.mongoServer!.start();
  await cluster.quiet(60_000);
  // The worker is back: ingest looks for MongoDB on its own, each second.
  const seen = await until(
    'ingest to reach MongoDB',
    () => okta.get(ada.id),
    ({ status }) => status !== 503,
  );
  expect(seen.body).toMatchObject({ title: 'Lady', groups: [{ value: group.id, display: 'Two' }] });
});

// Goal: what MongoDB refuses for good is held, alarmed, and redriven; others are unaffected.
// Method: a validator on the collection, as an administrator could set one; nothing in our code knows of it.
describe('a document that MongoDB refuses', () => {
  const ops = (cluster: Awaited<ReturnType<typeof startCluster>>) => async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${cluster.worker.url}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${cluster.operatorToken}`, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: response.status,
      body: (await response.json().catch(() => undefined)) as never as { items: { id: string; tries: number; cause: string }[] } & Record<
        string,
        unknown
      >,
    };
  };
  const validator = { validator: { 'attributes.title': { $ne: 'Forbidden' } }, validationLevel: 'strict', validationAction: 'error' };

  it('is a dead letter at the first attempt; others are unaffected; it is redriven after the cause is gone', async () => {
    await using cluster = await startCluster();
    const okta = cluster.client('acme');
    const admin = ops(cluster);
    await cluster.db.command({ collMod: 'accounts', ...validator });
    const [bad, ...good] = await Promise.all([
      okta.create(userBody('bad', { title: 'Forbidden' })),
      ...Array.from({ length: 20 }, (_, n) => okta.create(userBody(`good${n}`))),
    ]);
    await cluster.quiet();
    expect(await cluster.db.collection('accounts').countDocuments({ tenant: 'acme' })).toBe(good.length);
    const { items } = (await admin('GET', '/dead-letters')).body;
    expect(items).toMatchObject([{ tenant: 'acme', id: bad!.body.id, tries: 1, rules: ['attributes.title: $ne'] }]);
    // Held, and still what the client was told.
    expect((await okta.get(bad!.body.id)).body.title).toBe('Forbidden');
    expect((await okta.find('title eq "forbidden"')).body.totalResults).toBe(1);
    expect((await okta.list()).body.totalResults).toBe(21);
    const metrics = async () => (await fetch(`${cluster.worker.url}/metrics`)).text();
    await until(
      'the alarm',
      async () => /^rollcall_dead_letters(\{[^}]*\})? (\d+)$/m.exec(await metrics())?.[2],
      (count) => count === '1',
    );

    await cluster.db.command({ collMod: 'accounts', validator: {}, validationLevel: 'off' });
    expect((await admin('POST', '/dead-letters/redrive', { items: [{ tenant: 'acme', id: bad!.body.id }] })).status).toBe(200);
    await until('it to be applied', () => cluster.db.collection('accounts').findOne({ _id: bad!.body.id } as object));
    await cluster.quiet();
    expect((await admin('GET', '/dead-letters')).body.items).toEqual([]);
    await checkAll(cluster, 'acme', [{ id: bad!.body.id, version: versionOf(bad!.headers.etag) }]);
  });

  // "A validator refuses the document" was all that was said: which rule, which attribute and which request had to be guessed.
  it('names the rules that refused it, and the request, to the log, the API and the board, without a value of the person', async () => {
    await using cluster = await startCluster();
    const okta = cluster.client('acme');
    const admin = ops(cluster);
    const properties = { title: { bsonType: 'string', maxLength: 8 }, nickName: { enum: ['only'] } };
    const $jsonSchema = { properties: { attributes: { required: ['displayName'], properties } } };
    await cluster.db.command({ collMod: 'accounts', validator: { $jsonSchema }, validationLevel: 'strict', validationAction: 'error' });
    const bad = await okta.create({
      ...userBody('zqxvalue', { title: 'zqxvalue-title', nickName: 'zqxvalue-nick' }),
      displayName: undefined,
    });
    const items = await until(
      'the dead letter',
      async () => (await admin('GET', '/dead-letters')).body.items as unknown as Record<string, unknown>[],
      ({ length }) => length === 1,
    );
    const rules = ['attributes.title: maxLength 8', 'attributes.nickName: enum', 'attributes: required displayName'];
    const said = { type: 'User', id: bad.body.id, version: versionOf(bad.headers.etag), requestId: bad.headers['x-request-id'] };
    expect(items[0]).toMatchObject({ ...said, cause: 'a validator refuses the document', code: 121 });
    expect([...(items[0]!.rules as string[])].sort()).toEqual([...rules].sort());
    const line = (await cluster.worker.log()).split('\n').find((each) => each.includes('"event":"dead_letter"'))!;
    expect(JSON.parse(line)).toMatchObject({ ...said, tenant: 'acme', reason: 'a validator refuses the document', rules: items[0]!.rules });
    const board = await until(
      'the board to show it',
      async () => {
        const url = `${cluster.worker.url}/queues/api/queues?activeQueue=dead-letter&status=failed&page=1&jobsPerPage=10`;
        return (await fetch(url, { headers: { Authorization: `Bearer ${cluster.operatorToken}` } })).text();
      },
      (text) => text.includes('maxLength 8'),
    );
    expect(board).toContain(String(said.requestId));
    expect(JSON.stringify([items, line, board])).not.toContain('zqxvalue');
  });

  it('is closed by a newer version that applies', async () => {
    await using cluster = await startCluster();
    const okta = cluster.client('acme');
    const admin = ops(cluster);
    await cluster.db.command({ collMod: 'accounts', ...validator });
    const bad = await okta.create(userBody('bad', { title: 'Forbidden' }));
    await until(
      'the dead letter',
      async () => (await admin('GET', '/dead-letters')).body.items,
      (items) => items.length === 1,
    );
    expect((await okta.patch(bad.body.id, patchBody({ op: 'replace', path: 'title', value: 'Allowed' }))).status).toBe(200);
    await cluster.quiet();
    await until(
      'the dead letter to close',
      async () => (await admin('GET', '/dead-letters')).body.items,
      (items) => items.length === 0,
    );
    expect(await cluster.db.collection('accounts').findOne({ _id: bad.body.id } as object)).toMatchObject({
      attributes: { title: 'Allowed' },
    });
  });

  it('is discarded on an operator’s word: what MongoDB has comes back under a new version', async () => {
    await using cluster = await startCluster();
    const okta = cluster.client('acme');
    const admin = ops(cluster);
    const ada = await okta.create(userBody('ada', { title: 'Countess' }));
    await cluster.quiet();
    await cluster.db.command({ collMod: 'accounts', ...validator });
    const patched = await okta.patch(ada.body.id, patchBody({ op: 'replace', path: 'title', value: 'Forbidden' }));
    await until(
      'the dead letter',
      async () => (await admin('GET', '/dead-letters')).body.items,
      (items) => items.length === 1,
    );
    expect((await admin('POST', '/dead-letters/discard', { items: [{ tenant: 'acme', id: ada.body.id }] })).status).toBe(200);
    await cluster.quiet();
    const now = await okta.get(ada.body.id);
    expect(now.body.title).toBe('Countess');
    expect(versionOf(now.headers.etag)).toBeGreaterThan(versionOf(patched.headers.etag));
    await until(
      'no dead letter',
      async () => (await admin('GET', '/dead-letters')).body.items,
      (items) => items.length === 0,
    );
    await checkAll(cluster, 'acme', []);
  });
});
