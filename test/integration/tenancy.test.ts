import { TransientError } from '@rollcall/directory';
import { MongoLink, type StoredTenant } from '@rollcall/store';
import { addToken, ensurePartitions, ensureTenant, hashToken, newToken, Records, revokeToken, toRecord } from '@rollcall/tenancy';
import { emptyRedis } from '../support/drain.js';
import { openStores, type Stores } from '../support/stores.js';

jest.setTimeout(20_000);

const NOW = new Date('2026-01-31T10:30:00Z');
let stores: Stores;
beforeEach(async () => {
  stores = await openStores();
});
afterEach(() => stores[Symbol.asyncDispose]());

const line = () => stores.redis.redis.get(stores.keys.authLine());
/** The same Redis, and a MongoDB that has never answered. */
const withoutMongo = () =>
  new Records(
    stores.redis,
    new MongoLink({ uri: 'mongodb://127.0.0.1:1/none', timeout_ms: 200, historyDays: 30, onError: () => undefined }),
    stores.keys,
  );
async function suspend(id: string): Promise<StoredTenant> {
  const changed = { $set: { status: 'suspended' as const }, $inc: { revision: 1 } };
  return (await stores.mongo.collection('tenants').findOneAndUpdate({ _id: id }, changed, { returnDocument: 'after' }))!;
}

describe('tokens', () => {
  it('are added once: again to the same tenant changes nothing, to another is refused', async () => {
    const token = newToken();
    const first = await addToken(stores.mongo, { tenant: 'acme', name: 'a', token, now: NOW });
    expect(first).toMatchObject({ tenant: 'acme', revoked: false, revision: 1, hash: hashToken(token) });
    expect(first.expires_ms - NOW.getTime()).toBe(365 * 86_400_000);
    expect(await addToken(stores.mongo, { tenant: 'acme', name: 'b', token, now: new Date(0) })).toEqual(first);
    await expect(addToken(stores.mongo, { tenant: 'other', name: 'a', token, now: NOW })).rejects.toThrow('another tenant');
    await expect(addToken(stores.mongo, { tenant: 'acme', name: 'a', token: 'short', now: NOW })).rejects.toThrow('32 to 256');
  });

  it('lie nowhere as they are', async () => {
    const token = await stores.tenant('acme');
    const kept = await stores.mongo.collection('tokens').find().toArray();
    const values = await Promise.all(
      (await stores.redis.redis.keys(`${stores.corner.prefix}:{auth}:*`)).map(async (key) =>
        (await stores.redis.redis.type(key)) === 'hash' ? stores.redis.redis.hgetall(key) : stores.redis.redis.get(key),
      ),
    );
    expect(JSON.stringify([kept, values])).not.toContain(token);
  });

  it('that are revoked hold no more, at once, and stay as records', async () => {
    const token = await stores.tenant('acme');
    const hash = hashToken(token);
    const known = (await stores.records.token(hash))!;
    expect(known).toMatchObject({ tenant: 'acme', revoked: false });
    const revoked = (await revokeToken(stores.mongo, { tenant: 'acme', id: known.id, now: NOW }))!;
    await stores.records.writeToken(revoked);
    expect(await stores.records.token(hash)).toMatchObject({ revoked: true, revision: 2 });
    expect(await revokeToken(stores.mongo, { tenant: 'acme', id: known.id, now: NOW })).toBeUndefined();
    expect(await revokeToken(stores.mongo, { tenant: 'other', id: known.id, now: NOW })).toBeUndefined();
  });

  it('that are revoked stay so when an older reading is carried to Redis afterwards', async () => {
    const token = await stores.tenant('acme');
    const before = (await stores.mongo.collection('tokens').findOne({ hash: hashToken(token) }))!;
    await stores.records.writeToken((await revokeToken(stores.mongo, { tenant: 'acme', id: before._id, now: NOW }))!);
    await stores.records.writeToken(before);
    expect(await stores.records.token(hashToken(token))).toMatchObject({ revoked: true });
  });
});

describe('an absent token', () => {
  it('is none where all were rewritten under this run; MongoDB is not asked', async () => {
    await stores.records.rewriteAll();
    expect(await withoutMongo().token(hashToken(newToken()))).toBeUndefined();
  });

  it.each([
    ['no line', undefined],
    ['the line of another run', 'x'],
  ])('is asked for in MongoDB: %s', async (_, there) => {
    const token = await stores.tenant('acme');
    await stores.redis.redis.del(stores.keys.token(hashToken(token)), stores.keys.authLine());
    if (there) await stores.redis.redis.set(stores.keys.authLine(), there);
    expect(await stores.records.token(hashToken(token))).toMatchObject({ tenant: 'acme' });
    expect(await stores.redis.redis.exists(stores.keys.token(hashToken(token)))).toBe(1);
    expect(await stores.records.token(hashToken(newToken()))).toBeUndefined();
  });

  it('is nobody’s 401 where neither can tell', async () => {
    await expect(withoutMongo().token(hashToken(newToken()))).rejects.toBeInstanceOf(TransientError);
  });
});

describe('Redis that may have forgotten something', () => {
  it('emptied: tokens and tenants are known as before, and revocations and suspensions hold', async () => {
    const [token, revoked] = [await stores.tenant('acme'), newToken()];
    const { id } = await addToken(stores.mongo, { tenant: 'acme', name: 'b', token: revoked, now: NOW });
    await revokeToken(stores.mongo, { tenant: 'acme', id, now: NOW });
    await suspend('acme');
    await emptyRedis(stores);
    expect(await stores.records.token(hashToken(token))).toMatchObject({ revoked: false });
    expect(await stores.records.token(hashToken(revoked))).toMatchObject({ revoked: true });
    expect(await stores.records.tenant('acme')).toMatchObject({ status: 'suspended', revision: 2 });
    expect(await stores.records.tenant('none')).toBeUndefined();
  });

  it('under another run: a revocation that it forgot holds, as MongoDB is asked', async () => {
    const token = await stores.tenant('acme');
    const { id } = (await stores.records.token(hashToken(token)))!;
    await revokeToken(stores.mongo, { tenant: 'acme', id, now: NOW }); // never carried to Redis, as if that were lost
    await stores.redis.redis.set(stores.keys.authLine(), 'x');
    expect(await stores.records.token(hashToken(token))).toMatchObject({ revoked: true });
  });

  // What Redis had of a tenant was taken as it is, whoever had restored it.
  it('under another run: a suspension that it forgot holds, as MongoDB is asked', async () => {
    await stores.tenant('acme');
    await suspend('acme');
    await stores.redis.redis.set(stores.keys.authLine(), 'x');
    const records = new Records(stores.redis, stores.mongo, stores.keys);
    expect(await records.tenant('acme')).toMatchObject({ status: 'suspended' });
  });

  // The link throws at once before MongoDB has ever answered; that was no TransientError to fall back from.
  it('under another run, and MongoDB away since the start: whom Redis knows is not locked out', async () => {
    const token = await stores.tenant('acme');
    await stores.redis.redis.set(stores.keys.authLine(), 'x');
    const records = withoutMongo();
    expect(await records.token(hashToken(token))).toMatchObject({ tenant: 'acme' });
    expect(await records.tenant('acme')).toMatchObject({ id: 'acme', status: 'active' });
    await expect(records.tenant('none')).rejects.toBeInstanceOf(TransientError);
    await expect(records.rewriteAll()).rejects.toBeInstanceOf(TransientError);
  });
});

describe('rewriteAll', () => {
  it('carries all to Redis, draws the line, and does it once per run', async () => {
    const token = newToken();
    await ensureTenant(stores.mongo, { id: 'acme' }, NOW);
    await addToken(stores.mongo, { tenant: 'acme', name: 'a', token, now: NOW });
    await stores.records.rewriteAll();
    expect(await line()).toBe(stores.redis.run.id);
    expect(await withoutMongo().token(hashToken(token))).toMatchObject({ tenant: 'acme' });
    expect(await withoutMongo().tenant('acme')).toMatchObject({ id: 'acme' });
    await expect(withoutMongo().rewriteAll()).resolves.toBeUndefined();
  });
});

describe('settings', () => {
  it('move the settings version of the tenant’s head with them, and only rise', async () => {
    await stores.tenant('acme');
    const view = await stores.reader.view('acme', 'write');
    const old = (await stores.records.tenant('acme'))!;
    await stores.records.writeTenant(toRecord(await suspend('acme')));
    expect((await stores.reader.view('acme', 'write')).settings).toBe(view.settings + 1);
    await stores.records.writeTenant(old);
    expect((await stores.reader.view('acme', 'write')).settings).toBe(view.settings + 1);
    expect(await stores.records.tenant('acme')).toMatchObject({ status: 'suspended' });
  });

  it('of a tenant that is there are left as they are', async () => {
    const first = await ensureTenant(stores.mongo, { id: 'acme', name: 'Acme' }, NOW);
    await suspend('acme');
    expect(await ensureTenant(stores.mongo, { id: 'acme', name: 'Other' }, NOW)).toEqual({ ...first, status: 'suspended', revision: 2 });
    await expect(ensureTenant(stores.mongo, { id: 'No' }, NOW)).rejects.toThrow();
  });
});

describe('the number of partitions', () => {
  it('is fixed by the first start', async () => {
    await Promise.all([ensurePartitions(stores.mongo, 64), ensurePartitions(stores.mongo, 64)]);
    await ensurePartitions(stores.mongo, 64);
    await expect(ensurePartitions(stores.mongo, 32)).rejects.toThrow('PARTITIONS: this deployment was started with 64');
  });
});
