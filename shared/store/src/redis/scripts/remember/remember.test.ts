import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { readRemembered, remember } from './remember.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = async (memberships: string, taken_us?: number) =>
  remember.run(corner.redis, {
    ...{ keys: corner.keys, member: 'a', memberships, fillAgeMax_ms: 5_000, ttl_s: 60 },
    taken_us: taken_us ?? (await corner.now_us()),
  });
const key = () => corner.keys.memberships('a');

describe('remember', () => {
  it('keeps what was read, for a while, over what was kept before', async () => {
    expect(await run('["g"]')).toBe(true);
    expect(await run('["h"]')).toBe(true);
    expect(readRemembered((await corner.redis.get(key()))!)).toBe('["h"]');
    expect(await corner.redis.ttl(key())).toBe(60);
  });

  it('keeps nothing, and writes nothing, where the reading dawdled', async () => {
    const taken_us = (await corner.now_us()) - 5_000_001;
    expect(await corner.untouched(() => run('["g"]', taken_us))).toBe(false);
  });

  it('keeps nothing, and writes nothing, where a change was settled since it was read', async () => {
    const taken_us = await corner.now_us();
    await corner.redis.set(key(), `stale ${taken_us}`);
    expect(await corner.untouched(() => run('["g"]', taken_us))).toBe(false);
    expect(await run('["g"]', taken_us + 1)).toBe(true);
  });

  // A later reading took the mark's place, and with it what kept the earlier one away: a group that was left came back, for an hour.
  it('keeps nothing, and writes nothing, where a later reading is kept', async () => {
    const early_us = await corner.now_us();
    await corner.redis.set(key(), `stale ${early_us + 1}`);
    expect(await run('["later"]', early_us + 2)).toBe(true);
    expect(await corner.untouched(() => run('["earlier"]', early_us))).toBe(false);
  });

  it('is told from a mark of staleness', () => {
    expect(readRemembered('stale 17')).toBeUndefined();
  });
});
