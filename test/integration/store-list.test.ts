import { randomUUID } from 'node:crypto';
import { type Resource, type Versioned, withActive } from '@rollcall/directory';
import { parseFilter, seeded, USER } from '@rollcall/scim';
import { bury, Lister, type TenantView } from '@rollcall/store';
import { drain, emptyRedis } from '../support/drain.js';
import { openStores, type Stores } from '../support/stores.js';
import { createUser, deleteUser, patchUser } from '../support/users.js';

jest.setTimeout(30_000);

let stores: Stores;
beforeAll(async () => {
  stores = await openStores();
});
afterAll(() => stores[Symbol.asyncDispose]());

const FILTERS = [
  undefined,
  'active eq true',
  'title eq "x"',
  'userName sw "u1"',
  'not (title pr)',
  'title eq "y" or active eq false',
  'emails[value ew "3@example.com"]',
  'userName eq "nobody"',
] as const;

/** What each filter means, said once more by hand. */
const MEANING: Record<string, (resource: Resource) => boolean> = {
  'active eq true': (resource) => withActive(resource).active === true,
  'title eq "x"': ({ attributes }) => attributes.title === 'x',
  'userName sw "u1"': ({ attributes }) => String(attributes.userName).startsWith('u1'),
  'not (title pr)': ({ attributes }) => attributes.title === undefined,
  'title eq "y" or active eq false': (resource) => resource.attributes.title === 'y' || withActive(resource).active === false,
  'emails[value ew "3@example.com"]': ({ attributes }) =>
    (attributes.emails as { value: string }[]).some(({ value }) => value.endsWith('3@example.com')),
  'userName eq "nobody"': () => false,
};

const ids = (resources: readonly Versioned[]) => resources.map(({ resource }) => resource.id);
const page = (view: TenantView, skip: number, limit: number, filter?: string) =>
  stores.lister.page(view, { type: 'User', skip, limit, ...(filter === undefined ? {} : { filter: parseFilter(USER, filter) }) });

/** A tenant with some users: settled, pending, dead, renamed, deleted, revived, by chance. Returns what was accepted, as the model. */
async function randomTenant(tenant: string, seed: number): Promise<Map<string, Versioned>> {
  const random = seeded(seed);
  const below = (n: number) => Math.floor(random() * n);
  await stores.tenant(tenant);
  const model = new Map<string, Versioned>();
  const run = async (command: Parameters<Stores['run']>[1], id?: string) => {
    for (;;) {
      const ran = await stores.run(tenant, command, id === undefined ? {} : { id });
      if (ran.kind === 'conflict' || ran.kind === 'fresh') continue;
      if (ran.kind === 'ok') model.set(ran.committed.resource.id, ran.committed);
      return;
    }
  };
  const steps = 20 + below(20);
  for (let i = 0; i < steps; i += 1) {
    const known = [...model.keys()];
    const id = known[below(known.length)];
    const dice = below(10);
    if (dice < 4 || id === undefined) await run(createUser(`u${below(25)}`, dice ? {} : { title: 'x' }), randomUUID());
    else if (dice < 5) await run(patchUser(id, { op: 'replace', path: 'userName', value: `u${below(25)}@example.com` }));
    else if (dice < 6) await run(patchUser(id, { op: 'replace', path: 'title', value: below(2) ? 'x' : 'y' }));
    else if (dice < 7) await run(patchUser(id, { op: 'replace', path: 'active', value: below(2) === 0 }));
    else if (dice < 8) await run(deleteUser(id));
    else if (dice < 9) await drain(stores, tenant, { count: 1 + below(10) });
    else {
      const version = model.get(id)!.version;
      await bury.run(stores.redis.redis, { keys: stores.keys.tenant(tenant), tenant, type: 'User', id, version, cause: '{}' });
    }
  }
  return model;
}

const expected = (model: Map<string, Versioned>, filter: string | undefined): string[] =>
  ids(
    [...model.values()]
      .filter(({ resource }) => !resource.deleted && (filter === undefined || MEANING[filter]!(resource)))
      .sort((a, b) => a.born - b.born),
  );

/** Every filter, walked with pages of several sizes, gives exactly what was accepted, in the order of birth. */
async function expectLists(tenant: string, model: Map<string, Versioned>): Promise<void> {
  const view = await stores.reader.view(tenant, 'read');
  for (const filter of FILTERS) {
    const whole = await page(view, 0, 1_000, filter);
    expect(ids(whole.resources)).toEqual(expected(model, filter));
    expect(whole.total).toBe(whole.resources.length);
    for (const size of [1, 3, 7]) {
      const walked: string[] = [];
      for (let skip = 0; skip < whole.total; skip += size) {
        const { total, resources } = await page(view, skip, size, filter);
        expect(total).toBe(whole.total);
        walked.push(...ids(resources));
      }
      expect(walked).toEqual(ids(whole.resources));
    }
    expect(await page(view, whole.total, 5, filter)).toEqual({ total: whole.total, resources: [] });
    expect(await page(view, 0, 0, filter)).toEqual({ total: whole.total, resources: [] });
  }
}

describe('lists', () => {
  it.each([1, 2, 3, 4, 5, 6])('show exactly what was accepted, on pages of any size (seed %p)', async (seed) => {
    const tenant = `random${seed}`;
    const model = await randomTenant(tenant, seed);
    await expectLists(tenant, model);
    const view = await stores.reader.view(tenant, 'read');
    for (const versioned of (await page(view, 0, 1_000)).resources) {
      const { since: _, ...accepted } = model.get(versioned.resource.id)!;
      expect(versioned).toMatchObject(accepted);
    }
  });

  it('show the same where the index is not whole, and all must be counted', async () => {
    const model = await randomTenant('counted', 7);
    const view = { ...(await stores.reader.view('counted', 'read')), complete: false };
    const wanted = expected(model, undefined);
    const { total, resources } = await page(view, 0, 1_000);
    expect(ids(resources)).toEqual(wanted);
    expect(total).toBe(wanted.length);
  });

  it('show each write at once: a create, a rename out of a filter and into it, a delete', async () => {
    await stores.tenant('own');
    const id = randomUUID();
    const view = await stores.reader.view('own', 'read');
    const seen = async (filter?: string) => (await page(view, 0, 10, filter)).total;
    for (const settles of [false, true]) {
      const settle = async () => settles && drain(stores, 'own');
      expect(await stores.run('own', createUser('ada', { title: 'x' }), settles ? {} : { id })).toMatchObject({ kind: 'ok' });
      await settle();
      expect([await seen(), await seen('title eq "X"'), await seen('title eq "y"')]).toEqual([1, 1, 0]);
      await stores.run('own', patchUser(id, { op: 'replace', path: 'title', value: 'y' }));
      expect([await seen(), await seen('title eq "x"'), await seen('title eq "y"')]).toEqual([1, 0, 1]);
      await settle();
      await stores.run('own', deleteUser(id));
      expect([await seen(), await seen('title eq "y"')]).toEqual([0, 0]);
      await settle();
      expect(await seen()).toBe(0);
    }
  });

  // The documents of a page are fetched after their order is known: one that was deleted and applied in between was shown, as a deleted one.
  it('leave out what is deleted and applied while they are made', async () => {
    await stores.tenant('between');
    const id = randomUUID();
    await stores.run('between', createUser('ada'), { id });
    await stores.run('between', createUser('bob'));
    await drain(stores, 'between');
    const view = await stores.reader.view('between', 'read');
    for (let i = 0; i < 5; i += 1) {
      const [{ resources }] = await Promise.all([
        page(view, 0, 10),
        stores.run('between', i % 2 ? createUser('ada') : deleteUser(id)).then(() => drain(stores, 'between')),
      ]);
      expect(resources.filter(({ resource }) => resource.deleted)).toEqual([]);
    }
  });

  it('are of one tenant', async () => {
    await stores.tenant('one');
    await stores.tenant('two');
    await stores.run('one', createUser('ada'));
    await drain(stores, 'one');
    await stores.run('one', createUser('bob'));
    expect(await page(await stores.reader.view('two', 'read'), 0, 10)).toEqual({ total: 0, resources: [] });
  });

  it('wait for the drain beyond a bound, then ask to come again', async () => {
    await stores.tenant('long');
    for (const name of ['a', 'b', 'c']) await stores.run('long', createUser(name));
    const view = await stores.reader.view('long', 'read');
    const short = new Lister(stores.reader, { overlayMax: 2, overlayWait_ms: 100, queryTime_ms: 1_000 });
    const query = { type: 'User', skip: 0, limit: 10 } as const;
    await expect(short.page(view, query)).rejects.toMatchObject({ name: 'TransientError', retryAfter_s: 2 });
    const patient = new Lister(stores.reader, { overlayMax: 2, overlayWait_ms: 10_000, queryTime_ms: 1_000 });
    const [list] = await Promise.all([patient.page(view, query), drain(stores, 'long')]);
    expect(list.total).toBe(3);
  });

  it('are read as before after Redis was emptied', async () => {
    const model = await randomTenant('emptied', 9);
    while ((await drain(stores, 'emptied')) > 0);
    const dead = await stores.redis.redis.zrange(stores.keys.tenant('emptied').dead(), '0', '-1');
    const stored = new Set(await stores.mongo.collection('accounts').distinct('_id', { tenant: 'emptied' }));
    // Dead letters live in Redis alone; what MongoDB has of them is older.
    if (dead.length > 0) throw new Error('choose a seed without dead letters');
    await emptyRedis(stores);
    const view = await stores.reader.view('emptied', 'read');
    const { total, resources } = await page(view, 0, 1_000);
    expect(ids(resources)).toEqual(expected(model, undefined).filter((id) => stored.has(id)));
    expect(total).toBe(resources.length);
  });
});
