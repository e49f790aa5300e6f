import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { redrive } from './redrive.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const VERSION = 2 ** 40 + 1;
const run = () => redrive.run(corner.redis, { keys: corner.keys, tenant: 'acme', type: 'User', id: 'a' });

async function dead(more: Record<string, string> = {}) {
  const state = {
    doc: '{}',
    version: String(VERSION),
    rid: 'r',
    tries: '9',
    dead: String(VERSION),
    cause: '{}',
    died: '5',
    urgent: '1',
  };
  await corner.redis.hset(corner.keys.resource('a'), { ...state, ...more });
  await corner.redis.zadd(corner.keys.dead(), 5, 'Ua', 6, 'Ub');
  await corner.redis.zadd(corner.keys.partition.dead(), 5, 'acme Ua', 6, 'acme Ub');
}

describe('redrive', () => {
  it('answers redriven: forgets tries and cause, and moves it back to the pending', async () => {
    await dead();
    const before = await corner.now_us();
    expect(await run()).toEqual({ kind: 'redriven', version: VERSION, requestId: 'r' });
    const since = (await corner.redis.zscore(corner.keys.pending(), 'Ua'))!;
    expect(Number(since)).toBeGreaterThanOrEqual(before);
    expect(await corner.dump()).toEqual({
      'acme:dead': [['Ub', '6']],
      'acme:pending': [['Ua', since]],
      'acme:r:a': { doc: '{}', version: String(VERSION), rid: 'r', tries: '0', urgent: '1' },
      dead: [['acme Ub', '6']],
      pending: [['acme', since]],
    });
  });

  it('leaves a newer state where it stands in the line', async () => {
    await dead({ version: String(VERSION + 1) });
    await corner.redis.zadd(corner.keys.pending(), 100, 'Ua');
    await corner.redis.zadd(corner.keys.partition.pending(), 100, 'acme');
    expect(await run()).toEqual({ kind: 'redriven', version: VERSION + 1, requestId: 'r' });
    expect(await corner.redis.zscore(corner.keys.pending(), 'Ua')).toBe('100');
    expect(await corner.redis.zscore(corner.keys.partition.pending(), 'acme')).toBe('100');
  });

  it('answers absent, and writes nothing, where there is no such dead letter', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { doc: '{}', version: '7' });
    await corner.redis.zadd(corner.keys.dead(), 5, 'Ga');
    expect(await corner.untouched(run)).toEqual({ kind: 'absent' });
  });

  it('answers absent a second time', async () => {
    await dead();
    await run();
    expect(await corner.untouched(run)).toEqual({ kind: 'absent' });
  });

  it('answers absent, and only tidies up, where it was applied or is gone', async () => {
    await dead({ settled: String(VERSION) });
    expect(await run()).toEqual({ kind: 'absent' });
    expect(await corner.redis.hget(corner.keys.resource('a'), 'dead')).toBeNull();
    await corner.clear();
    await dead();
    await corner.redis.del(corner.keys.resource('a'));
    expect(await run()).toEqual({ kind: 'absent' });
    expect(await corner.dump()).toEqual({ 'acme:dead': [['Ub', '6']], dead: [['acme Ub', '6']] });
  });
});
