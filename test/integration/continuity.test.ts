import { randomUUID } from 'node:crypto';
import { type Command, fieldsOf, type Resource, TransientError, type Versioned } from '@rollcall/directory';
import { Continuity, IndexLoader, Lister, MongoLink, Reader, toStored, VERSIONS_PER_EPOCH } from '@rollcall/store';
import { drain, emptyRedis } from '../support/drain.js';
import { newCorner, until } from '../support/environment.js';
import { openStores, type Ran, type Stores } from '../support/stores.js';
import { createUser, deleteUser, patchUser } from '../support/users.js';

jest.setTimeout(30_000);

const committed = (ran: Ran): Versioned => {
  if (ran.kind !== 'ok') throw new Error(`expected ok, got ${JSON.stringify(ran)}`);
  return ran.committed;
};
/** Commits although the index is being loaded meanwhile, as a handler does. */
async function write(stores: Stores, command: Command): Promise<Versioned> {
  for (;;) {
    const ran = await stores.run('acme', command);
    if (ran.kind !== 'conflict' && ran.kind !== 'fresh') return committed(ran);
  }
}
const rename = (id: string, value: string) => patchUser(id, { op: 'replace', path: 'title', value });
const headOf = ({ redis, keys }: Stores) => redis.redis.hgetall(keys.tenant('acme').head());
const setHead = ({ redis, keys }: Stores, fields: Record<string, string>) => redis.redis.hset(keys.tenant('acme').head(), fields);
const read = async ({ reader }: Stores, id: string) => reader.resource(await reader.view('acme', 'read'), id);
const epochOf = (version: number) => Math.floor(version / VERSIONS_PER_EPOCH);
const pendingOf = ({ redis, keys }: Stores) => redis.redis.zrange(keys.tenant('acme').pending(), '0', '-1');

async function begin(options: Parameters<typeof openStores>[0] = {}) {
  const stores = await openStores(options);
  await stores.tenant('acme');
  const id = randomUUID();
  const ada = committed(await stores.run('acme', createUser('ada'), { id }));
  return { stores, id, ada };
}

describe('a first start', () => {
  it('is a raise from 0 to 1, complete at once as MongoDB knows nobody', async () => {
    const { stores, ada } = await begin();
    await using _ = stores;
    expect(ada.version).toBe(VERSIONS_PER_EPOCH + 1);
    expect(await headOf(stores)).toMatchObject({ epoch: '1', complete: '1', settings: '1', run: stores.redis.run.id });
    expect(stores.events).toEqual([{ kind: 'raised', tenant: 'acme', epoch: 1, dropped: 0, kept: 0 }]);
    expect(await stores.mongo.collection('tenants').findOne({ _id: 'acme' })).toMatchObject({ epoch: 1 });
  });

  it('of a tenant that is none is refused as such', async () => {
    await using stores = await openStores();
    await expect(stores.reader.view('nobody', 'read')).rejects.toMatchObject({ name: 'UnknownTenantError' });
  });
});

describe('Redis emptied', () => {
  it('what MongoDB has is read as before, and the next write builds on it under a higher version', async () => {
    const { stores, id, ada } = await begin();
    await using _ = stores;
    await drain(stores, 'acme');
    await emptyRedis(stores);
    expect(await read(stores, id)).toMatchObject({ version: ada.version, resource: ada.resource });
    const patched = await write(stores, rename(id, 'Countess'));
    expect(epochOf(patched.version)).toBe(2);
    expect(patched.born).toBe(ada.born);
    expect(patched.resource.attributes).toMatchObject({ userName: 'ada@example.com', title: 'Countess' });
  });

  it('names that MongoDB knows stay taken, and deleted accounts are known again', async () => {
    const { stores } = await begin();
    await using _ = stores;
    const bob = committed(await stores.run('acme', createUser('bob'))).resource.id;
    await stores.run('acme', deleteUser(bob));
    await drain(stores, 'acme');
    await emptyRedis(stores);
    const other = { emails: [{ value: 'other@example.com', primary: true }] };
    expect(await stores.run('acme', createUser('ada', other))).toMatchObject({ kind: 'refuse', error: { status: 409 } });
    expect((await write(stores, createUser('bob'))).resource.id).toBe(bob);
  });

  it('by FLUSHALL under the same run: likewise', async () => {
    const { stores, id } = await begin();
    await using _ = stores;
    await drain(stores, 'acme');
    await stores.redis.redis.del(stores.keys.tenant('acme').head());
    expect(epochOf((await write(stores, rename(id, 'T'))).version)).toBe(2);
  });

  it('many processes meet it at once: one raise, one epoch', async () => {
    const { stores, id } = await begin();
    await using one = stores;
    await using two = await openStores({ corner: one.corner });
    await drain(one, 'acme');
    await emptyRedis(one);
    const views = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? one : two).reader.view('acme', 'write')));
    expect(new Set(views.map(({ epoch }) => epoch))).toEqual(new Set([2]));
    expect([...one.events, ...two.events].filter(({ kind, epoch }) => kind === 'raised' && epoch === 2)).toHaveLength(1);
    expect((await write(two, rename(id, 'T'))).version).toBe(2 * VERSIONS_PER_EPOCH + 1);
  });
});

describe('another run of the server', () => {
  it('that has forgotten nothing is shown to continue, and raises nothing', async () => {
    const { stores, id, ada } = await begin();
    await using _ = stores;
    await drain(stores, 'acme');
    await setHead(stores, { run: 'x' });
    expect((await write(stores, rename(id, 'T'))).version).toBe(ada.version + 1);
    expect(stores.events.at(-1)).toEqual({ kind: 'shown', tenant: 'acme', epoch: 1 });
    expect(await headOf(stores)).toMatchObject({ run: stores.redis.run.id, epoch: '1', complete: '1' });
  });

  // Who has seen less shows in good faith; who has seen more took that for a proof, and numbers were given twice.
  it('that another process has shown, but this one knows to have gone back, raises', async () => {
    const { stores, id, ada } = await begin();
    await using one = stores;
    await using two = await openStores({ corner: one.corner });
    await write(one, rename(id, 'T'));
    await setHead(one, { run: 'x', counter: String(ada.version) });
    await two.reader.view('acme', 'write');
    expect(two.events).toEqual([{ kind: 'shown', tenant: 'acme', epoch: 1 }]);
    expect(await one.reader.view('acme', 'write')).toMatchObject({ epoch: 2, writable: true });
  });

  it('whose counter is behind MongoDB raises', async () => {
    const { stores, id, ada } = await begin();
    await drain(stores, 'acme');
    // Another process, which has seen nothing itself.
    await using second = await openStores({ corner: stores.corner });
    await setHead(second, { run: 'x', counter: String(ada.version - 1) });
    const patched = await write(second, rename(id, 'T'));
    expect(patched.version).toBe(2 * VERSIONS_PER_EPOCH + 1);
    expect(second.events.at(-1)).toMatchObject({ kind: 'raised', epoch: 2 });
    await stores[Symbol.asyncDispose]();
  });

  it('whose counter is behind what this process was told raises', async () => {
    const { stores, ada } = await begin();
    await using _ = stores;
    await setHead(stores, { run: 'x', counter: String(ada.version - 1) });
    expect((await stores.reader.view('acme', 'write')).epoch).toBe(2);
  });

  it('that syncs only each second proves nothing: raises', async () => {
    const { stores } = await begin({ durability: 'everysec' });
    await using _ = stores;
    await setHead(stores, { run: 'x' });
    expect((await stores.reader.view('acme', 'write')).epoch).toBe(2);
  });
});

describe('a raise', () => {
  // 200,000 pending take a busy machine more than the ten seconds for which the lock was taken, and then it began anew, for ever.
  it('keeps its lock for as long as it takes to compare what is pending', async () => {
    const { stores } = await begin();
    await using one = stores;
    for (let n = 0; n < 250; n += 1) await one.run('acme', createUser(`u${n}`));
    await setHead(one, { epoch: '0' });
    const { redis } = one.redis;
    const hmget = redis.hmget.bind(redis) as (key: string, ...fields: string[]) => Promise<(string | null)[]>;
    let looked = 0;
    redis.hmget = (async (key: string, ...fields: string[]) => {
      const ofResource = key.includes(':r:');
      if (ofResource) looked += 1;
      // As if the first part had taken all the time there is.
      if (ofResource && looked === 1) await redis.pexpire(one.keys.tenant('acme').loading(), 0);
      return hmget(key, ...fields);
    }) as never;
    expect(await one.reader.view('acme', 'write')).toMatchObject({ writable: true });
    expect(looked).toBe(251);
  });

  const raise = async (stores: Stores) => {
    await setHead(stores, { run: 'x', counter: '1' });
    const view = await stores.reader.view('acme', 'write');
    return view.keys;
  };

  it('keeps what is pending, whose names stay taken', async () => {
    const { stores, id, ada } = await begin();
    await using _ = stores;
    await raise(stores);
    expect(stores.events.at(-1)).toMatchObject({ kind: 'raised', kept: 1, dropped: 0 });
    expect(await pendingOf(stores)).toEqual([`U${id}`]);
    expect(await read(stores, id)).toMatchObject({ version: ada.version });
    const other = { emails: [{ value: 'other@example.com', primary: true }] };
    expect(await stores.run('acme', createUser('ada', other))).toMatchObject({ kind: 'refuse', error: { status: 409 } });
    const view = await stores.reader.view('acme', 'read');
    expect(await stores.reader.liveCount(view, '#users')).toBe(1);
  });

  it('drops what MongoDB has as new', async () => {
    const { stores, id, ada } = await begin();
    await using _ = stores;
    await drain(stores, 'acme', { settles: false });
    await raise(stores);
    expect(stores.events.at(-1)).toMatchObject({ kind: 'raised', kept: 0, dropped: 1 });
    expect(await pendingOf(stores)).toEqual([]);
    expect(await stores.redis.redis.exists(stores.keys.tenant('acme').partition.pending())).toBe(0);
    expect(await read(stores, id)).toMatchObject({ version: ada.version });
  });

  it('makes the settled copies of before a miss', async () => {
    const { stores, id } = await begin();
    await using _ = stores;
    await drain(stores, 'acme');
    await stores.mongo.collection('accounts').updateOne({ _id: id }, { $set: { 'attributes.title': 'of MongoDB' } });
    expect((await read(stores, id))?.resource.attributes.title).toBeUndefined();
    await raise(stores);
    expect((await read(stores, id))?.resource.attributes.title).toBe('of MongoDB');
  });

  // An index that a crashed raise had begun was never looked at again, and named people for ever.
  it('takes the old index away, and what a raise that died had begun', async () => {
    const { stores } = await begin();
    await using _ = stores;
    const of = stores.keys.tenant('acme');
    await stores.redis.redis.hset(of.index(2), 'n:userName:ada@example.com', 'x');
    await stores.mongo.collection('tenants').updateOne({ _id: 'acme' }, { $set: { epoch: 2 } });
    await raise(stores);
    expect(await stores.redis.redis.exists(of.index(1), of.index(2))).toBe(0);
    expect(await stores.redis.redis.exists(of.index(3))).toBe(1);
  });

  // Each chunk of kept resources wrote its own entries, and the second found the first's: its holders were forgotten.
  it('begins with whole entries, however many share one', async () => {
    const { stores, id } = await begin();
    await using _ = stores;
    const same = { emails: [{ value: 'same@example.com', primary: true }] };
    await stores.run('acme', patchUser(id, { op: 'replace', value: { externalId: 'same', ...same } }));
    await drain(stores, 'acme'); // one of them is in MongoDB alone
    for (let i = 1; i <= 210; i += 1)
      committed(await stores.run('acme', createUser(`u${i}`, { externalId: 'same', ...(i === 1 || i === 210 ? same : {}) })));
    const keys = await raise(stores);
    const entry = (field: string) => stores.redis.redis.hget(keys.index(2), field);
    expect((await entry('x:same'))?.split(' ')).toHaveLength(211);
    expect((await entry('i:same@example.com'))?.split(' ')).toHaveLength(3);
    await until('a whole index', async () => (await stores.reader.view('acme', 'read')).complete);
    expect(await entry('#users')).toBe('211');
  });
});

describe('MongoDB away', () => {
  /** The same Redis, and a MongoDB that nobody answers for. */
  function withoutMongo(stores: Stores) {
    const onError = () => undefined;
    const mongo = new MongoLink({ uri: 'mongodb://127.0.0.1:1/none', timeout_ms: 200, historyDays: 30, onError });
    const options = { settledTtl_s: 60, fillAgeMax_ms: 5_000 };
    const more = { ...options, durability: 'always', newToken: randomUUID, onEvent: onError } as const;
    const continuity = new Continuity(stores.redis, mongo, stores.keys, more);
    const loader = new IndexLoader(continuity, { onError, onLoaded: onError });
    const reader = new Reader(continuity, loader, { ...options, mayFill: () => true });
    return { continuity, reader };
  }

  it('reads and writes go on where Redis has what they need', async () => {
    const { stores, id, ada } = await begin();
    await using _ = stores;
    const { reader } = withoutMongo(stores);
    const view = await reader.view('acme', 'write');
    expect(view).toMatchObject({ complete: true, writable: true });
    expect(await reader.resource(view, id)).toMatchObject({ version: ada.version });
    expect((await reader.entries(view, ['n:userName:ada@example.com', 'x:none'])).get('x:none')).toEqual({ raw: '', ids: [] });
  });

  it('what is not in Redis is not called absent', async () => {
    const { stores } = await begin();
    await using _ = stores;
    const { reader } = withoutMongo(stores);
    const view = await reader.view('acme', 'read');
    await expect(reader.resource(view, randomUUID())).rejects.toBeInstanceOf(TransientError);
    await expect(reader.entries({ ...view, complete: false }, ['x:none'])).rejects.toMatchObject({ away: 'mongodb' });
    const lister = new Lister(reader, { overlayMax: 10, overlayWait_ms: 100, queryTime_ms: 100 });
    await expect(lister.page(view, { type: 'User', skip: 0, limit: 10 })).rejects.toMatchObject({ away: 'mongodb' });
  });

  it('and Redis of another run: writes wait; a process reads what it knows not to have gone back', async () => {
    const { stores, id, ada } = await begin();
    await using _ = stores;
    await setHead(stores, { run: 'x' });
    const { reader, continuity } = withoutMongo(stores);
    await expect(reader.view('acme', 'write')).rejects.toMatchObject({ away: 'mongodb' });
    await expect(reader.view('acme', 'read')).rejects.toMatchObject({ away: 'mongodb' });
    continuity.saw('acme', ada.version);
    const view = await reader.view('acme', 'read');
    expect(view.writable).toBe(false);
    expect(await reader.resource(view, id)).toMatchObject({ version: ada.version });
    await expect(reader.view('acme', 'write')).rejects.toBeInstanceOf(TransientError);
    continuity.saw('acme', ada.version + 1);
    await expect(reader.view('acme', 'read')).rejects.toMatchObject({ away: 'mongodb' });
  });

  it('and Redis emptied: nothing is known', async () => {
    const { stores, ada } = await begin();
    await using _ = stores;
    const { reader, continuity } = withoutMongo(stores);
    continuity.saw('acme', ada.version);
    await emptyRedis(stores);
    await expect(reader.view('acme', 'read')).rejects.toBeInstanceOf(TransientError);
  });
});

describe('a reader', () => {
  it('prefers what was accepted while it read MongoDB', async () => {
    const { stores, id } = await begin();
    await using _ = stores;
    await drain(stores, 'acme');
    await stores.redis.redis.del(stores.keys.tenant('acme').resource(id));
    const [seen, patched] = await Promise.all([read(stores, id), stores.run('acme', rename(id, 'T'))]);
    expect(seen).toBeDefined();
    expect(await read(stores, id)).toMatchObject({ version: committed(patched).version });
  });

  it('fills what it misses, and only where it may', async () => {
    const { stores, id } = await begin();
    await using _ = stores;
    await drain(stores, 'acme');
    const key = stores.keys.tenant('acme').resource(id);
    await stores.redis.redis.del(key);
    const full = new Reader(stores.continuity, stores.reader.loader, { ...stores.reader.options, mayFill: () => false });
    expect(await full.resource(await full.view('acme', 'read'), id)).toBeDefined();
    expect(await stores.redis.redis.exists(key)).toBe(0);
    // What a write rests on is compared in Redis, so it is kept there whatever the memory says.
    await full.resource(await full.view('acme', 'write'), id);
    expect(await stores.redis.redis.exists(key)).toBe(1);
    // Where memory is short, for as long as no reading from before could be kept: 10 × FILL_AGE_MAX_MS.
    const left_s = await stores.redis.redis.ttl(key);
    expect(left_s).toBeGreaterThan(5);
    expect(left_s).toBeLessThanOrEqual(50);
    await stores.redis.redis.del(key);
    await stores.reader.resource(await stores.reader.view('acme', 'write'), id);
    expect(await stores.redis.redis.ttl(key)).toBeGreaterThan(3_500);
  });

  it('never gives another tenant’s, though MongoDB has the id', async () => {
    const { stores, id } = await begin();
    await using _ = stores;
    await drain(stores, 'acme');
    await stores.tenant('other');
    expect(await stores.reader.resource(await stores.reader.view('other', 'read'), id)).toBeUndefined();
  });
});

describe('the index loader', () => {
  const stored = (
    id: string,
    version: number,
    userName: string,
    more: Partial<Resource> & { externalId?: string; email?: string } = {},
  ) => {
    const { externalId, email, ...rest } = more;
    const resource: Resource = {
      ...{ type: 'User', id, created: '2026-01-01T00:00:00.000Z', deleted: false },
      attributes: {
        [rest.type === 'Group' ? 'displayName' : 'userName']: userName,
        ...(externalId === undefined ? {} : { externalId }),
        ...(email === undefined ? {} : { emails: [{ value: email, primary: true }] }),
      },
      account: { preservedBy: [], origin: 'scim', managedBy: 'scim' },
      ...rest,
    };
    return toStored('acme', { resource, version, born: version, modified_ms: 0 }, 's');
  };

  /** 1,200 users: 3 share an externalId, 600 another, 4 an address; 100 are deleted; names in all scripts; and groups beside them. */
  async function seeded(corner = newCorner()) {
    const stores = await openStores({ corner });
    await stores.tenant('acme');
    const users = Array.from({ length: 1_200 }, (_, i) => {
      const externalId = i < 3 ? 'three' : i < 600 ? `e${i}` : 'many';
      return stored(`u${i}`, i + 1, i === 7 ? 'I\u0307\u0323x' : i === 8 ? 'Ä\u0323\u0130' : `User${i}`, {
        ...{ externalId, email: i < 4 ? 'Same@x' : `${i}@x`, deleted: i >= 100 && i < 200 },
      });
    });
    await stores.mongo.collection('accounts').insertMany(users);
    const groups = [
      stored('g1', 2_001, 'Admins', { type: 'Group', externalId: 'three' }),
      stored('g2', 2_002, 'Staff', { type: 'Group', externalId: 'alone' }),
      stored('g3', 2_003, 'User9', { type: 'Group' }),
    ];
    await stores.mongo.collection('groups').insertMany(groups);
    return stores;
  }

  /**
   * What the index must say: computed from the newest state of each resource. While it was loaded, an entry of identities or externalIds
   * that one filled from MongoDB may name a holder that left it at that very moment (`raced`): whoever reads it asks the holder's own state.
   */
  async function expectWhole(stores: Stores, { raced = false } = {}) {
    const view = await stores.reader.view('acme', 'read');
    const reader = new Reader(stores.continuity, stores.reader.loader, { ...stores.reader.options, mayFill: () => false });
    const ids = new Set<string>();
    for (const name of ['accounts', 'groups'] as const)
      for (const { _id } of await stores.mongo.collection(name).find({ tenant: 'acme' }).toArray()) ids.add(_id);
    for (const key of await stores.redis.redis.keys(view.keys.resource('*'))) ids.add(key.slice(view.keys.resource('').length));
    const truth = new Map<string, string[]>();
    const live = { User: 0, Group: 0 };
    for (const { resource } of (await reader.resources(view, [...ids])).values()) {
      if (!resource.deleted) live[resource.type] += 1;
      for (const field of fieldsOf(resource)) truth.set(field, [...(truth.get(field) ?? []), resource.id].sort());
    }
    const { '#users': users, '#groups': groups, ...entries } = await stores.redis.redis.hgetall(view.keys.index(view.epoch));
    const found = new Map(Object.entries(entries).map(([field, raw]) => [field, raw.split(' ').sort()]));
    for (const [field, ids] of raced ? found : []) {
      if (field.startsWith('n:')) continue;
      const borne = ids.filter((id) => truth.get(field)?.includes(id));
      if (borne.length > 0) found.set(field, borne);
      else found.delete(field);
    }
    expect([...found].sort()).toEqual([...truth].sort());
    expect([Number(users), Number(groups ?? 0)]).toEqual([live.User, live.Group]);
  }

  const complete = (stores: Stores) =>
    until('a whole index', async () => (await stores.reader.view('acme', 'read')).complete, Boolean, 20_000);

  it('loads every entry whole, and counts exactly', async () => {
    await using stores = await seeded();
    expect((await stores.reader.view('acme', 'read')).complete).toBe(false);
    await complete(stores);
    await expectWhole(stores);
    const view = await stores.reader.view('acme', 'read');
    expect(await stores.reader.liveCount(view, '#users')).toBe(1_100);
    const entries = await stores.reader.entries(view, ['x:three', 'x:many', 'i:same@x']);
    expect([...entries.get('x:three')!.ids].sort()).toEqual(['g1', 'u0', 'u1', 'u2']);
    expect(entries.get('x:many')!.ids).toHaveLength(600);
    expect(entries.get('i:same@x')!.ids).toHaveLength(4);
  });

  it('until then finds by MongoDB what the index lacks', async () => {
    await using stores = await seeded();
    const view = { ...(await stores.reader.view('acme', 'read')), complete: false };
    const entries = await stores.reader.entries({ ...view, epoch: 99 }, ['n:userName:user5', 'x:three', 'i:same@x', 'n:userName:user150']);
    expect(entries.get('n:userName:user5')).toEqual({ raw: '', ids: ['u5'] });
    expect([...entries.get('x:three')!.ids].sort()).toEqual(['g1', 'u0', 'u1', 'u2']);
    expect(entries.get('i:same@x')!.ids).toHaveLength(4);
    expect(entries.get('n:userName:user150')).toEqual({ raw: '', ids: [] });
  });

  // Goal: nobody is lost by an upgrade: the release before knew deleted people by their address alone, and no holds in the index.
  // Method: both stores are put into the form of that release, with some people settled and some pending.
  it('an index of an earlier release: deleted and held people are known, in MongoDB and pending', async () => {
    const corner = newCorner();
    const kept: Record<string, string> = {};
    const stable = (name: string) => `00u1${name.padEnd(16, '0')}`;
    const person = (name: string, more: Record<string, unknown> = {}) => createUser(name, { externalId: stable(name), ...more });
    // It drops the database at its end.
    await using before = await openStores({ corner });
    {
      const stores = before;
      await stores.tenant('acme');
      const made = async (name: string) => (kept[name] = committed(await stores.run('acme', person(name))).resource.id);
      for (const when of ['settled', 'pending']) {
        for (const what of ['gone', 'held', 'kelvin']) await made(`${what}${when}`);
        await stores.run('acme', deleteUser(kept[`gone${when}`]!));
        await stores.run('acme', { kind: 'preserve', type: 'User', id: kept[`held${when}`]! });
        await stores.run('acme', patchUser(kept[`kelvin${when}`]!, { op: 'replace', path: 'userName', value: `\u212a-${when}` }));
        if (when === 'settled') await drain(stores, 'acme');
      }
      const accounts = stores.mongo.collection('accounts');
      await accounts.updateMany({ tenant: 'acme' }, { $unset: { marks: 1 } });
      await accounts.updateOne({ _id: kept.kelvinsettled! }, { $set: { nameKey: 'k-settled' } });
      await stores.mongo.collection('tenants').updateOne({ _id: 'acme' }, { $unset: { keysLayout: 1 } });
      const view = await stores.reader.view('acme', 'read');
      const index = view.keys.index(view.epoch);
      const fields = (await stores.redis.redis.hkeys(index)).filter((field) => /^[dh]:/.test(field));
      expect(fields.length).toBeGreaterThan(4);
      await stores.redis.redis.hdel(index, ...fields);
      for (const when of ['settled', 'pending']) {
        await stores.redis.redis.hdel(index, `n:userName:\u212a-${when}`);
        await stores.redis.redis.hset(index, `n:userName:k-${when}`, kept[`kelvin${when}`]!);
      }
      await stores.redis.redis.hdel(view.keys.head(), 'layout');
      await stores.redis.redis.hset(view.keys.head(), 'complete', '1');
    }
    await using stores = await openStores({ corner });
    const check = async (prefix: string) => {
      for (const when of ['settled', 'pending']) {
        const held = await stores.run(
          'acme',
          person(`${prefix}${when}`, { emails: [{ value: `held${when}@example.com`, primary: true }] }),
        );
        expect(held).toMatchObject({ kind: 'refuse', error: { status: 403 } });
        const taken = await stores.run('acme', createUser(`x${when}`, { userName: `\u212a-${when}` }));
        expect(taken).toMatchObject({ kind: 'refuse', error: { status: 409 } });
        const free = await stores.run(
          'acme',
          createUser(`${prefix}y${when}`, { userName: `${prefix === 'b' ? 'k' : 'K2'}-${when}`, externalId: 'none' }),
        );
        expect(free.kind).toBe('ok');
      }
    };
    expect((await stores.reader.view('acme', 'write')).complete).toBe(false);
    await check('a');
    await complete(stores);
    await check('b');
    for (const when of ['settled', 'pending']) {
      const back = await stores.run('acme', createUser(`new${when}`, { externalId: stable(`gone${when}`) }));
      expect(committed(back).resource.id).toBe(kept[`gone${when}`]);
    }
    await expectWhole(stores);
    await drain(stores, 'acme');
    const stored = await stores.mongo.collection('accounts').findOne({ _id: kept.heldsettled! });
    expect(stored?.marks).toContain('h:n:heldsettled@example.com');
    expect(await stores.mongo.collection('tenants').findOne({ _id: 'acme' })).toMatchObject({ keysLayout: 2 });
  });

  it('creates, renames and deletes during the load, from two processes, leave the index exactly true', async () => {
    await using one = await seeded();
    await using two = await openStores({ corner: one.corner });
    const work = async (stores: Stores, from: number) => {
      for (let i = from; i < 1_200; i += 60) {
        const id = `u${i}`;
        const commands = [
          patchUser(id, { op: 'replace', path: 'userName', value: `Renamed${i}` }),
          deleteUser(`u${i + 1}`),
          createUser(`new${i}`, { externalId: i % 120 ? 'three' : `n${i}` }),
          patchUser(`u${i + 2}`, { op: 'replace', path: 'externalId', value: 'three' }),
          patchUser(`u${i + 3}`, { op: 'replace', path: 'emails[type eq "work"].value', value: 'same@x' }),
          patchUser(`u${i + 4}`, { op: 'replace', path: 'title', value: 'T' }),
        ];
        for (const command of commands) while (['conflict', 'fresh'].includes((await stores.run('acme', command)).kind));
        if (i % 180 === 0) await drain(stores, 'acme');
      }
    };
    await Promise.all([work(one, 0), work(two, 30)]);
    await complete(one);
    await expectWhole(one, { raced: true });
    await drain(one, 'acme');
    await expectWhole(two, { raced: true });
  });
});
