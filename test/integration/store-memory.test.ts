import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findRedis, type RedisServer, startRedis } from '@rollcall/servers';
import { bury, collect, fill, lease, MemoryGauge, record, release, settle, untry } from '@rollcall/store';
import { newCorner } from '../support/environment.js';
import { openStores, type Stores } from '../support/stores.js';
import { createUser, patchUser } from '../support/users.js';

jest.setTimeout(60_000);

// Goal: a Redis that is full refuses new writes as a whole, and the drain, which makes room, goes on.
// Method: a server of its own, whose maxmemory is set below what it uses.
describe('Redis at maxmemory', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'rollcall-memory-'));
  let server: RedisServer;
  let stores: Stores;
  const ids = Array.from({ length: 4 }, () => randomUUID());
  const tenant = 'acme';
  const keys = () => stores.keys.tenant(tenant);
  const redis = () => stores.redis.redis;
  const versionOf = async (id: string) => Number(await redis().hget(keys().resource(id), 'version'));
  /** How many changes the data set has seen. */
  const changes = async () => Number(/rdb_changes_since_last_save:(\d+)/.exec(await redis().info('persistence'))?.[1]);

  beforeAll(async () => {
    server = await startRedis({ source: await findRedis({ env: process.env }), dir: path.join(dir, 'redis') });
    stores = await openStores({ corner: newCorner({ redisUrl: server.url }) });
    await stores.tenant(tenant);
    for (const [i, id] of ids.entries()) await stores.run(tenant, createUser(`u${i}`), { id });
    await redis().config('SET', 'maxmemory', '1mb');
  });
  afterAll(async () => {
    await redis().config('SET', 'maxmemory', '0');
    await stores[Symbol.asyncDispose]();
    if (server.ours) await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it.each<[string, () => Promise<unknown>]>([
    ['accept of a new one', () => stores.run(tenant, createUser('new'))],
    ['accept of a change', () => stores.run(tenant, patchUser(ids[0]!, { op: 'replace', path: 'title', value: 'T' }))],
    [
      'fill',
      async () => {
        const of = { keys: keys(), id: randomUUID(), document: '{}', version: 1, modified_us: 1, born: 1, epoch: 1, stamp: 's' };
        const kind = { type: 'User', gone: false, since: undefined } as const;
        return fill.run(redis(), { ...of, ...kind, taken_us: await stores.redis.now_us(), fillAgeMax_ms: 5_000, settledTtl_s: 60 });
      },
    ],
  ])('refuses, and writes nothing: %s', async (_, run) => {
    const before = await changes();
    await expect(run()).rejects.toThrow(/OOM/);
    expect(await changes()).toBe(before);
  });

  it('still collects, untries, settles, buries, leases, releases and keeps records', async () => {
    const [a, b] = [ids[0]!, ids[1]!];
    expect(await collect.run(redis(), { keys: keys(), count: 10 })).toHaveLength(4);
    expect(await untry.run(redis(), { keys: keys(), tried: [{ id: a, version: await versionOf(a) }] })).toBe(1);
    const applied = [{ type: 'User', id: a, version: await versionOf(a) }] as const;
    expect(await settle.run(redis(), { keys: keys(), tenant, settledTtl_s: 60, applied })).toEqual({ left: 3, settled: 1 });
    const dead = { keys: keys(), tenant, type: 'User', id: b, version: await versionOf(b), cause: '{}' } as const;
    expect(await bury.run(redis(), dead)).toEqual({ kind: 'buried', left: 2 });
    expect(await lease.run(redis(), { key: keys().lease(), token: 't', ttl_ms: 1_000 })).toBe(true);
    expect(await release.run(redis(), { key: keys().lease(), token: 't', pending: keys().pending() })).toBe(2);
    expect(await record.run(redis(), { key: keys().settings(), revision: 9, record: '{}' })).toBe(true);
  });

  it('says how full it is, so that load is shed before', async () => {
    const gauge = new MemoryGauge(stores.redis);
    await gauge.start();
    expect(gauge.used).toBeGreaterThan(1);
    expect([gauge.mayFill(), gauge.mayAccept(false), gauge.mayAccept(true)]).toEqual([false, false, false]);
    await redis().config('SET', 'maxmemory', '10gb');
    await gauge.stop();
    await gauge.start();
    expect([gauge.mayFill(), gauge.mayAccept(false), gauge.mayAccept(true)]).toEqual([true, true, true]);
    await gauge.stop();
  });

  it('takes writes again when there is room', async () => {
    await redis().config('SET', 'maxmemory', '0');
    expect((await stores.run(tenant, createUser('new'))).kind).toBe('ok');
  });
});
