import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { CHANGE_BYTES } from '../accept/accept.js';
import { settleMembers } from './settle-members.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (applied: readonly (readonly [string, string])[], stage?: string) =>
  settleMembers.run(corner.redis, {
    keys: corner.keys,
    group: 'g',
    fillAgeMax_ms: 5_000,
    applied,
    ...(stage === undefined ? {} : { stage }),
  });
const remembered = (member: string) => corner.redis.get(corner.keys.memberships(member));

describe('settle-members', () => {
  it('forgets a change and its hint, and marks what was read before as stale', async () => {
    await corner.redis.hset(corner.keys.deltas('g'), { a: '7 1 U', b: '8 0 U' });
    await corner.redis.sadd(corner.keys.hints('a'), 'g', 'other');
    const before = await corner.now_us();
    expect(await run([['a', '7 1 U']])).toBe(1);
    expect(await corner.redis.hgetall(corner.keys.deltas('g'))).toEqual({ b: '8 0 U' });
    expect(await corner.redis.smembers(corner.keys.hints('a'))).toEqual(['other']);
    const [word, at] = (await remembered('a'))!.split(' ');
    expect(word).toBe('stale');
    expect(Number(at)).toBeGreaterThanOrEqual(before);
    expect(await corner.redis.ttl(corner.keys.memberships('a'))).toBe(20);
  });

  it('leaves one that was changed again since, and writes nothing', async () => {
    await corner.redis.hset(corner.keys.deltas('g'), { a: '9 0 U' });
    await corner.redis.sadd(corner.keys.hints('a'), 'g');
    expect(
      await corner.untouched(() =>
        run([
          ['a', '7 1 U'],
          ['none', '1 1 U'],
        ]),
      ),
    ).toBe(0);
  });

  it('settles what lies on a stage', async () => {
    await corner.redis.hset(corner.keys.stage('g', 's1'), { a: '1 U' });
    await corner.redis.sadd(corner.keys.hints('a'), 'g', 'g/s1');
    expect(await run([['a', '1 U']], 's1')).toBe(1);
    expect(await corner.redis.exists(corner.keys.stage('g', 's1'))).toBe(0);
    expect(await corner.redis.smembers(corner.keys.hints('a'))).toEqual(['g']);
  });

  it('counts the bytes of what it forgets off', async () => {
    await corner.redis.hset(corner.keys.head(), { unsettled: '1000' });
    await corner.redis.hset(corner.keys.deltas('g'), { a: '7 1 U', b: '8 0 U' });
    await run([
      ['a', '7 1 U'],
      ['b', '7 1 U'],
    ]);
    expect(await corner.redis.hget(corner.keys.head(), 'unsettled')).toBe(String(1_000 - CHANGE_BYTES));
  });

  it('settles 500 in one step', async () => {
    const applied = Array.from({ length: 500 }, (_, i) => [`m${i}`, `${i} 1 U`] as const);
    await corner.redis.hset(corner.keys.deltas('g'), Object.fromEntries(applied));
    expect(await run(applied)).toBe(500);
    expect(await corner.redis.exists(corner.keys.deltas('g'))).toBe(0);
  });
});
