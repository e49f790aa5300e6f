import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { settle } from './settle.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (...applied: [string, number][]) =>
  settle.run(corner.redis, {
    keys: corner.keys,
    tenant: 'acme',
    settledTtl_s: 3_600,
    applied: applied.map(([id, version]) => ({ type: 'User', id, version })),
  });

/** A pending resource, accepted at this time. */
async function pending(id: string, version: number, since_us: number, more: Record<string, string> = {}) {
  await corner.redis.hset(corner.keys.resource(id), { doc: '{}', version: String(version), ...more });
  await corner.redis.zadd(corner.keys.pending(), since_us, `U${id}`);
  await corner.redis.zadd(corner.keys.partition.pending(), 'LT', since_us, 'acme');
}

describe('settle', () => {
  it('settles the last pending: marks it, lets it age, and takes the tenant out of the partition’s set', async () => {
    await pending('a', 7, 100, { urgent: '1' });
    expect(await run(['a', 7])).toEqual({ left: 0, settled: 1 });
    expect(await corner.dump()).toEqual({
      'acme:r:a': { doc: '{}', version: '7', settled: '7' },
      'acme:r:a expires': '3600 s',
    });
  });

  it('leaves the others, and sets the tenant to the time of its oldest', async () => {
    await pending('a', 7, 100);
    await pending('b', 8, 200);
    await pending('c', 9, 300);
    expect(await run(['a', 7])).toEqual({ left: 2, settled: 1 });
    expect(await corner.redis.zscore(corner.keys.partition.pending(), 'acme')).toBe('200');
  });

  it('sets one that has a newer version to the end of the line, unsettled and without a lifetime', async () => {
    await pending('a', 9, 100, { urgent: '1' });
    await pending('b', 8, 200);
    const before = await corner.now_us();
    expect(await run(['a', 7])).toEqual({ left: 2, settled: 0 });
    expect(await corner.redis.zrange(corner.keys.pending(), '0', '-1')).toEqual(['Ub', 'Ua']);
    expect(Number(await corner.redis.zscore(corner.keys.pending(), 'Ua'))).toBeGreaterThanOrEqual(before);
    expect(await corner.redis.hgetall(corner.keys.resource('a'))).toEqual({ doc: '{}', version: '9', urgent: '1' });
    expect(await corner.redis.ttl(corner.keys.resource('a'))).toBe(-1);
    expect(await corner.redis.zscore(corner.keys.partition.pending(), 'acme')).toBe('200');
  });

  it('makes nothing pending that is not', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { doc: '{}', version: '9', settled: '9' });
    expect(await corner.untouched(() => run(['a', 7]))).toEqual({ left: 0, settled: 0 });
  });

  it('leaves a marker where copies are not kept: all that tells the version, without the document', async () => {
    const marker = { version: '7', epoch: '1', stamp: 's', request: 'r', kind: 'U', born: '3', modified: '5', since: '', gone: '0' };
    await pending('a', 7, 100, { ...marker, trace: 't', rid: 'i', tries: '1' });
    const call = { keys: corner.keys, tenant: 'acme', settledTtl_s: 50, keepsCopies: false };
    expect(await settle.run(corner.redis, { ...call, applied: [{ type: 'User', id: 'a', version: 7 }] })).toEqual({ left: 0, settled: 1 });
    expect(await corner.dump()).toEqual({ 'acme:r:a': { ...marker, settled: '7' }, 'acme:r:a expires': '50 s' });
  });

  it('leaves one with a newer version whole, where copies are not kept', async () => {
    await pending('a', 9, 100);
    const call = { keys: corner.keys, tenant: 'acme', settledTtl_s: 50, keepsCopies: false };
    expect(await settle.run(corner.redis, { ...call, applied: [{ type: 'User', id: 'a', version: 7 }] })).toEqual({ left: 1, settled: 0 });
    expect(await corner.redis.hgetall(corner.keys.resource('a'))).toEqual({ doc: '{}', version: '9' });
    expect(await corner.redis.ttl(corner.keys.resource('a'))).toBe(-1);
  });

  describe('counts the bytes that MongoDB has by now off', () => {
    const unsettled = () => corner.redis.hget(corner.keys.head(), 'unsettled');
    beforeEach(() => corner.redis.hset(corner.keys.head(), { unsettled: '1000' }));

    it('those of what it settles, once', async () => {
      await pending('a', 7, 100, { doc: '12345' });
      await pending('b', 9, 100, { doc: '1234567' });
      await pending('c', 9, 100);
      await run(['a', 7], ['b', 7]);
      expect(await unsettled()).toBe('995');
      await run(['a', 7]);
      expect(await unsettled()).toBe('995');
    });

    it('all, where nothing is left', async () => {
      await pending('a', 7, 100);
      await run(['a', 7]);
      expect(await unsettled()).toBe('0');
    });

    it('not those of dead letters', async () => {
      await pending('a', 7, 100, { doc: '12345' });
      await corner.redis.zadd(corner.keys.dead(), 5, 'Ub');
      await run(['a', 7]);
      expect(await unsettled()).toBe('995');
    });
  });

  it('is idempotent: a second time changes nothing, not even the lifetime', async () => {
    await pending('a', 7, 100);
    await run(['a', 7]);
    await corner.redis.expire(corner.keys.resource('a'), 50);
    expect(await corner.untouched(() => run(['a', 7]))).toEqual({ left: 0, settled: 0 });
  });

  it('takes out of the pending what was settled already', async () => {
    await pending('a', 7, 100, { settled: '7' });
    expect(await run(['a', 7])).toEqual({ left: 0, settled: 1 });
    expect(await corner.redis.exists(corner.keys.pending(), corner.keys.partition.pending())).toBe(0);
  });

  it('closes a dead letter whose state, or a newer one, was applied after all', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { doc: '{}', version: '8', dead: '7', cause: '{}', died: '5' });
    await pending('a', 8, 100);
    await corner.redis.zadd(corner.keys.dead(), 5, 'Ua', 6, 'Ub');
    await corner.redis.zadd(corner.keys.partition.dead(), 5, 'acme Ua', 6, 'acme Ub');
    expect(await run(['a', 8])).toEqual({ left: 0, settled: 1 });
    expect(await corner.dump()).toEqual({
      'acme:dead': [['Ub', '6']],
      'acme:r:a': { doc: '{}', version: '8', settled: '8' },
      'acme:r:a expires': '3600 s',
      dead: [['acme Ub', '6']],
    });
  });

  it('does not make one that is gone', async () => {
    await pending('a', 7, 100);
    expect(await run(['gone', 1], ['a', 7])).toEqual({ left: 0, settled: 1 });
    expect(await corner.redis.exists(corner.keys.resource('gone'))).toBe(0);
  });

  it('with nothing to settle puts the partition’s set right', async () => {
    await corner.redis.zadd(corner.keys.partition.pending(), 5, 'acme');
    expect(await run()).toEqual({ left: 0, settled: 0 });
    expect(await corner.dump()).toEqual({});
  });

  it('compares versions beyond 2^32 exactly', async () => {
    const version = 9 * 2 ** 32 + 5;
    await pending('a', version, 100);
    expect(await run(['a', version - 1])).toEqual({ left: 1, settled: 0 });
    expect(await run(['a', version])).toEqual({ left: 0, settled: 1 });
    expect(await corner.redis.hget(corner.keys.resource('a'), 'settled')).toBe(String(version));
  });

  it('settles 1,000 in one step', async () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => [`u${i}`, i + 1] as [string, number]);
    await Promise.all(ids.map(([id, version]) => pending(id, version, version)));
    await pending('last', 2_000, 2_000);
    expect(await run(...ids)).toEqual({ left: 1, settled: 1_000 });
    expect(await corner.redis.zscore(corner.keys.partition.pending(), 'acme')).toBe('2000');
  });

  it('names users and groups apart', async () => {
    await corner.redis.hset(corner.keys.resource('g'), { doc: '{}', version: '7' });
    await corner.redis.zadd(corner.keys.pending(), 1, 'Gg', 2, 'Ug');
    const call = { keys: corner.keys, tenant: 'acme', settledTtl_s: 60, applied: [{ type: 'Group', id: 'g', version: 7 }] as const };
    expect(await settle.run(corner.redis, call)).toEqual({ left: 1, settled: 1 });
    expect(await corner.redis.zrange(corner.keys.pending(), '0', '-1')).toEqual(['Ug']);
  });
});
