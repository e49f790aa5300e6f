import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { release } from './release.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(async () => {
  await corner.clear();
  await corner.redis.set(corner.keys.lease(), 'mine');
});
afterAll(() => corner[Symbol.asyncDispose]());

const run = (token: string, pending?: string) =>
  release.run(corner.redis, { key: corner.keys.lease(), token, ...(pending === undefined ? {} : { pending }) });

describe('release', () => {
  it('gives the holder’s lease back', async () => {
    expect(await run('mine')).toBe(0);
    expect(await corner.dump()).toEqual({});
  });

  it('leaves another’s alone', async () => {
    expect(await corner.untouched(() => run('theirs'))).toBe(0);
  });

  it.each(['mine', 'theirs'])('says how many are pending (lease: %s)', async (token) => {
    await corner.redis.zadd(corner.keys.pending(), 1, 'Ua', 2, 'Ub');
    expect(await run(token, corner.keys.pending())).toBe(2);
    expect(await corner.redis.zcard(corner.keys.pending())).toBe(2);
  });

  it('is idempotent', async () => {
    await run('mine');
    expect(await corner.untouched(() => run('mine', corner.keys.pending()))).toBe(0);
  });
});
