import { openScriptCorner, type ScriptCorner, seedHead } from '../../testing.js';
import { type Load, load } from './load.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(async () => {
  await corner.clear();
  await seedHead(corner, { complete: '' });
  await corner.redis.set(corner.keys.loading(), 'mine', 'PX', 5_000);
});
afterAll(() => corner[Symbol.asyncDispose]());

const run = async (entries: Load['entries'], changes: Partial<Load> = {}) =>
  load.run(corner.redis, {
    keys: corner.keys,
    token: 'mine',
    epoch: 1,
    taken_us: await corner.now_us(),
    fillAgeMax_ms: 5_000,
    lock_ms: 10_000,
    counted: { prefix: 'n:userName:', field: '#users' },
    complete: false,
    entries,
    ...changes,
  });
const entry = (field: string, ...holders: [string, number][]) => ({ field, holders: holders.map(([id, version]) => ({ id, version })) });
const index = () => corner.redis.hgetall(corner.keys.index(1));

describe('load', () => {
  it('answers loaded, adds entries with all their holders, counts names, and keeps the lock', async () => {
    const entries = [entry('n:userName:a', ['a', 1]), entry('n:userName:b', ['b', 2]), entry('x:1', ['a', 1], ['b', 2], ['c', 3])];
    expect(await run(entries)).toEqual({ kind: 'loaded', entries: 3 });
    expect(await index()).toEqual({ 'n:userName:a': 'a', 'n:userName:b': 'b', 'x:1': 'a b c', '#users': '2' });
    expect(await corner.redis.hget(corner.keys.head(), 'complete')).toBe('');
    expect(await corner.redis.pttl(corner.keys.loading())).toBeGreaterThan(5_000);
  });

  it('counts each holder of a name, where several have it', async () => {
    await run([entry('n:userName:a', ['a', 1], ['b', 2], ['c', 3])]);
    expect(await index()).toEqual({ 'n:userName:a': 'a b c', '#users': '3' });
  });

  it('leaves entries that are there as they are, and counts them not again', async () => {
    await corner.redis.hset(corner.keys.index(1), { 'n:userName:a': 'z', '#users': '1' });
    expect(await run([entry('n:userName:a', ['a', 1]), entry('n:userName:b', ['b', 1])])).toEqual({ kind: 'loaded', entries: 1 });
    expect(await index()).toEqual({ 'n:userName:a': 'z', 'n:userName:b': 'b', '#users': '2' });
  });

  it('is idempotent', async () => {
    await run([entry('n:userName:a', ['a', 1])]);
    const before = await index();
    expect(await run([entry('n:userName:a', ['a', 1])])).toEqual({ kind: 'loaded', entries: 0 });
    expect(await index()).toEqual(before);
  });

  it('leaves out a holder that is newer in Redis, and an entry without any other', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { version: String(2 ** 40 + 1) });
    await corner.redis.hset(corner.keys.resource('b'), { version: String(2 ** 40) });
    const holders = [
      ['a', 2 ** 40],
      ['b', 2 ** 40],
    ] as [string, number][];
    expect(await run([entry('n:userName:a', holders[0]!), entry('x:1', ...holders)])).toEqual({ kind: 'loaded', entries: 1 });
    expect(await index()).toEqual({ 'x:1': 'b' });
  });

  it('counts by the claims of one kind only', async () => {
    await run([entry('n:displayName:g', ['g', 1]), entry('i:a', ['a', 1])]);
    expect(await index()).not.toHaveProperty('#users');
  });

  it('says with the last call that the index is complete, also with nothing to add', async () => {
    expect(await run([], { complete: true })).toEqual({ kind: 'loaded', entries: 0 });
    expect(await corner.redis.hget(corner.keys.head(), 'complete')).toBe('1');
  });

  it.each<[string, Partial<Load>]>([
    ['another’s lock', { token: 'theirs' }],
    ['a head of another epoch, when it would be complete', { epoch: 2, complete: true }],
  ])('answers lost, and writes nothing: %s', async (_, changes) => {
    expect(await corner.redis.hlen(corner.keys.index(1))).toBe(0);
    expect(await run([entry('n:userName:a', ['a', 1])], changes)).toEqual({ kind: 'lost' });
    expect(await corner.redis.exists(corner.keys.index(1), corner.keys.index(2))).toBe(0);
    expect(await corner.redis.hget(corner.keys.head(), 'complete')).toBe('');
    expect(await corner.redis.pttl(corner.keys.loading())).toBeLessThanOrEqual(5_000);
  });

  it('answers stale, and writes nothing, where the reading dawdled', async () => {
    const taken_us = (await corner.now_us()) - 5_000_001;
    expect(await run([entry('n:userName:a', ['a', 1])], { taken_us, complete: true })).toEqual({ kind: 'stale' });
    expect(await index()).toEqual({});
    expect(await corner.redis.hget(corner.keys.head(), 'complete')).toBe('');
    expect(await corner.redis.pttl(corner.keys.loading())).toBeLessThanOrEqual(5_000);
  });

  it('begins an index that nobody’s head names yet', async () => {
    expect(await run([entry('n:userName:a', ['a', 1])], { epoch: 2 })).toEqual({ kind: 'loaded', entries: 1 });
    expect(await corner.redis.hgetall(corner.keys.index(2))).toEqual({ 'n:userName:a': 'a', '#users': '1' });
  });

  it('adds 1,000 entries in one step', async () => {
    const entries = Array.from({ length: 1_000 }, (_, i) => entry(`n:userName:u${i}`, [`u${i}`, i]));
    expect(await run(entries)).toEqual({ kind: 'loaded', entries: 1_000 });
    expect((await index())['#users']).toBe('1000');
  });
});
