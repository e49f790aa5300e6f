import { randomUUID } from 'node:crypto';
import type { Command, Resource } from '@rollcall/directory';
import { newCorner } from '../support/environment.js';
import { openStores, type Ran, type Stores } from '../support/stores.js';
import { createUser, deleteUser, patchUser } from '../support/users.js';

// A busy machine decides nothing here.
jest.setTimeout(60_000);

/** Runs until nobody came in between, as a handler does. */
async function insist(stores: Stores, command: Command, options: { id?: string } = {}): Promise<Ran> {
  for (;;) {
    const ran = await stores.run('acme', command, options);
    if (ran.kind !== 'conflict' && ran.kind !== 'fresh') return ran;
  }
}

const resourceOf = (id: string): Resource => ({
  ...{ type: 'User', id, created: '2026-01-01T00:00:00Z', deleted: false, attributes: { userName: 'ada' } },
  account: { preservedBy: [], origin: 'scim', managedBy: 'scim' },
});
const versionOf = (ran: Ran): number => (ran.kind === 'ok' ? ran.committed.version : 0);
const statusOf = (ran: Ran): number => (ran.kind === 'refuse' ? ran.error.status : 0);

describe('one process', () => {
  it('creates, reads its own write, patches, deletes, and knows the person again', async () => {
    await using stores = await openStores();
    await stores.tenant('acme');
    const id = randomUUID();
    const created = await stores.run('acme', createUser('ada'), { id });
    expect(created).toMatchObject({ kind: 'ok', ring: true, committed: { version: 2 ** 32 + 1, born: 2 ** 32 + 1 } });
    const patched = await stores.run('acme', patchUser(id, { op: 'replace', path: 'title', value: 'Countess' }));
    expect(versionOf(patched)).toBe(2 ** 32 + 2);
    const view = await stores.reader.view('acme', 'read');
    expect(await stores.reader.resource(view, id)).toMatchObject({ version: 2 ** 32 + 2, resource: { attributes: { title: 'Countess' } } });
    expect((await stores.run('acme', deleteUser(id))).kind).toBe('ok');
    expect(statusOf(await stores.run('acme', deleteUser(id)))).toBe(404);
    expect(await stores.run('acme', createUser('ada'))).toMatchObject({ kind: 'ok', committed: { resource: { id } } });
    expect(await stores.redis.redis.xlen(stores.keys.tenant('acme').partition.history())).toBe(4);
  });

  it('answers a command that is tried again under its request key with what came of it', async () => {
    await using stores = await openStores();
    await stores.tenant('acme');
    const options = { id: randomUUID(), requestKey: randomUUID() };
    const view = await stores.reader.view('acme', 'write');
    const decision = {
      kind: 'accept',
      operation: 'create',
      urgent: false,
      next: resourceOf(options.id),
      premises: { version: 0, others: [], entries: [{ field: 'n:userName:ada', seen: '', next: options.id }] },
    } as const;
    const request = { requestKey: options.requestKey, requestId: 'r', by: 't', stamp: 's', at: '2026-01-01T00:00:00Z' };
    const first = await stores.committer.commit(view, decision, { ...request, deadline: performance.now() + 2_000 });
    const again = await stores.committer.commit(view, decision, { ...request, deadline: performance.now() + 2_000 });
    expect(first.kind).toBe('ok');
    expect(again).toEqual(first);
  });

  // The run was the view's, so a commit that was tried again after a restart passed on a head that was restored with the older server.
  it('commits only under the run of the server that answers', async () => {
    await using stores = await openStores();
    await stores.tenant('acme');
    const view = await stores.reader.view('acme', 'write');
    await stores.redis.redis.hset(view.keys.head(), 'run', 'before');
    const next = {
      ...({ type: 'User', id: randomUUID(), created: '', deleted: false, attributes: {} } as const),
      account: { preservedBy: [], origin: 'scim', managedBy: 'scim' } as const,
    };
    const decision = {
      kind: 'accept',
      operation: 'create',
      urgent: false,
      next,
      premises: { version: 0, others: [], entries: [] },
    } as const;
    const request = { requestKey: 'k', requestId: 'r', by: 't', stamp: 's', at: '', deadline: performance.now() + 2_000 };
    expect(await stores.committer.commit({ ...view, run: 'before' }, decision, request)).toEqual({ kind: 'fresh' });
  });

  it('writes nothing after its deadline', async () => {
    await using stores = await openStores();
    await stores.tenant('acme');
    const view = await stores.reader.view('acme', 'write');
    const decision = await stores.run('acme', createUser('ada'));
    if (decision.kind !== 'ok') throw new Error('not created');
    const next = { ...decision.committed.resource, id: randomUUID() };
    const premises = { version: 0, others: [], entries: [] };
    const request = { requestKey: 'k', requestId: 'r', by: 't', stamp: 's', at: '', deadline: performance.now() - 1 };
    const late = stores.committer.commit(view, { kind: 'accept', operation: 'create', next, premises, urgent: false }, request);
    await expect(late).rejects.toMatchObject({ name: 'TransientError', away: 'redis' });
    expect(await stores.redis.redis.exists(view.keys.resource(next.id))).toBe(0);
  });

  it('keeps tenants apart', async () => {
    await using stores = await openStores({ partitions: 1 });
    await stores.tenant('acme');
    await stores.tenant('bmce');
    const id = randomUUID();
    await stores.run('acme', createUser('ada'), { id });
    expect((await stores.run('bmce', createUser('ada'))).kind).toBe('ok');
    expect(statusOf(await stores.run('bmce', deleteUser(id)))).toBe(404);
    expect(await stores.reader.resource(await stores.reader.view('bmce', 'read'), id)).toBeUndefined();
  });
});

describe('two processes on one pair of servers', () => {
  it('200 creates of one userName at once: one is accepted, 199 are 409', async () => {
    const corner = newCorner();
    await using one = await openStores({ corner });
    await using two = await openStores({ corner });
    await one.tenant('acme');
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        insist(i % 2 ? one : two, createUser('ada', { emails: [{ value: `a${i}@example.com`, primary: true }] })),
      ),
    );
    expect(all.filter(({ kind }) => kind === 'ok')).toHaveLength(1);
    expect(all.filter((ran) => statusOf(ran) === 409)).toHaveLength(199);
    const view = await one.reader.view('acme', 'read');
    expect(await one.reader.liveCount(view, '#users')).toBe(1);
  });

  it('100 patches of one user over both: none is lost, and each version is given out once', async () => {
    const corner = newCorner();
    await using one = await openStores({ corner });
    await using two = await openStores({ corner });
    await one.tenant('acme');
    const id = randomUUID();
    await one.run('acme', createUser('ada'), { id });
    const half = async (stores: Stores, name: string) => {
      const versions: number[] = [];
      for (let i = 0; i < 50; i += 1)
        versions.push(versionOf(await insist(stores, patchUser(id, { op: 'add', path: 'roles', value: [{ value: `${name}${i}` }] }))));
      return versions;
    };
    const versions = (await Promise.all([half(one, 'a'), half(two, 'b')])).flat();
    expect(new Set(versions).size).toBe(100);
    const there = await two.reader.resource(await two.reader.view('acme', 'read'), id);
    expect(there?.resource.attributes.roles).toHaveLength(100);
    expect(there?.version).toBe(Math.max(...versions));
  });

  it('20 creates of one person who was deleted: one revives, under the same id', async () => {
    const corner = newCorner();
    await using one = await openStores({ corner });
    await using two = await openStores({ corner });
    await one.tenant('acme');
    const id = randomUUID();
    await one.run('acme', createUser('ada'), { id });
    await one.run('acme', deleteUser(id));
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => insist(i % 2 ? one : two, createUser('ada'))));
    const revived = all.filter((ran) => ran.kind === 'ok');
    expect(revived).toHaveLength(1);
    expect(revived[0]).toMatchObject({ committed: { resource: { id } } });
  });
});

// 0.1.0 had an index in which no two groups of a tenant may have one name, whatever the tenant settles.
describe('the index of groups’ names that an earlier release made', () => {
  it('is dropped once the new one stands, with the groups there; again and again, from two processes at once', async () => {
    await using stores = await openStores();
    const groups = stores.mongo.collection('groups');
    const group = (id: string, more: object = {}) => ({
      ...{ _id: id, tenant: 'acme', type: 'Group' as const, version: 1, born: 1, modified: new Date(), created: '', stamp: '', live: true },
      ...{ nameKey: 'staff', attributes: { displayName: 'Staff' }, account: {}, ...more },
    });
    const [old, current] = ['tenant_1_nameKey_1', 'tenant_1_nameKey_1_sharesName_1'];
    await groups.dropIndex(current);
    await groups.createIndex(
      { tenant: 1, nameKey: 1 },
      { name: old, unique: true, partialFilterExpression: { nameKey: { $type: 'string' } } },
    );
    await groups.insertOne(group('a'));
    await expect(groups.insertOne(group('b', { sharesName: 'b' }))).rejects.toMatchObject({ code: 11_000 });
    for (let times = 0; times < 2; times += 1) {
      await Promise.all([stores.mongo.makeIndexes(), stores.mongo.makeIndexes()]);
      const names = (await groups.indexes()).map(({ name }) => name);
      expect([names.includes(old), names.includes(current)]).toEqual([false, true]);
    }
    await groups.insertOne(group('b', { sharesName: 'b' }));
    await expect(groups.insertOne(group('c'))).rejects.toMatchObject({ code: 11_000 });
  });
});
