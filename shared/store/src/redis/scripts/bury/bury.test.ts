import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { bury } from './bury.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const VERSION = 2 ** 40 + 1;
const run = (version = VERSION) =>
  bury.run(corner.redis, { keys: corner.keys, tenant: 'acme', type: 'User', id: 'a', version, cause: '{"code":121}' });

async function pending(id: string, since_us: number, more: Record<string, string> = {}) {
  await corner.redis.hset(corner.keys.resource(id), { doc: '{}', version: String(VERSION), ...more });
  await corner.redis.zadd(corner.keys.pending(), since_us, `U${id}`);
  await corner.redis.zadd(corner.keys.partition.pending(), 'LT', since_us, 'acme');
}

describe('bury', () => {
  it('answers buried: marks the resource, and moves it from the pending to the dead', async () => {
    await pending('a', 100, { urgent: '1', tries: '1' });
    expect(await run()).toEqual({ kind: 'buried', left: 0 });
    const died = (await corner.redis.hget(corner.keys.resource('a'), 'died'))!;
    expect(await corner.dump()).toEqual({
      'acme:dead': [['Ua', died]],
      'acme:r:a': { doc: '{}', version: String(VERSION), urgent: '1', tries: '1', dead: String(VERSION), cause: '{"code":121}', died },
      dead: [['acme Ua', died]],
    });
  });

  it('sets the tenant to the time of its oldest that is left', async () => {
    await pending('a', 100);
    await pending('b', 200);
    await pending('c', 300);
    expect(await run()).toEqual({ kind: 'buried', left: 2 });
    expect(await corner.redis.zrange(corner.keys.partition.pending(), '0', '-1', 'WITHSCORES')).toEqual(['acme', '200']);
  });

  it('answers newer, and writes nothing, where there is a newer state', async () => {
    await pending('a', 100);
    expect(await corner.untouched(() => run(VERSION - 1))).toEqual({ kind: 'newer', left: 1 });
  });

  // A worker that stalled while another applied the same version made a dead letter of what MongoDB has.
  it('answers newer, and writes nothing, where it was applied meanwhile', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { doc: '{}', version: String(VERSION), settled: String(VERSION) });
    expect(await corner.untouched(() => run())).toEqual({ kind: 'newer', left: 0 });
  });

  it('answers newer, and writes nothing, of what is gone', async () => {
    expect(await corner.untouched(() => run())).toEqual({ kind: 'newer', left: 0 });
  });

  it('buries a second time without harm', async () => {
    await pending('a', 100);
    await run();
    expect(await run()).toEqual({ kind: 'buried', left: 0 });
    expect(await corner.redis.zcard(corner.keys.dead())).toBe(1);
  });
});
