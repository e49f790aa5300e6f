import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { lease } from './lease.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (token: string, ttl_ms = 10_000) => lease.run(corner.redis, { key: corner.keys.lease(), token, ttl_ms });

describe('lease', () => {
  it('is held by who asks first, for its lifetime', async () => {
    expect(await run('a')).toBe(true);
    expect(await corner.dump()).toEqual({ 'acme:lease': 'a', 'acme:lease expires': '10 s' });
  });

  it('is renewed by its holder', async () => {
    await run('a', 1_000);
    expect(await run('a', 60_000)).toBe(true);
    expect(await corner.redis.pttl(corner.keys.lease())).toBeGreaterThan(50_000);
  });

  it('is refused to anybody else, and nothing is written', async () => {
    await run('a', 60_000);
    expect(await corner.untouched(() => run('b'))).toBe(false);
  });

  it('is free when its time is over', async () => {
    await run('a', 1);
    while ((await corner.redis.exists(corner.keys.lease())) === 1);
    expect(await run('b')).toBe(true);
  });

  it('is given to one of many that ask at once', async () => {
    const held = await Promise.all(Array.from({ length: 50 }, (_, i) => run(`t${i}`)));
    expect(held.filter(Boolean)).toHaveLength(1);
  });
});
