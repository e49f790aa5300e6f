import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { stage } from './stage.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (...changes: [string, boolean][]) =>
  stage.run(corner.redis, {
    ...{ keys: corner.keys, group: 'g', stage: 's1', ttl_s: 60 },
    changes: changes.map(([id, present]) => ({ id, type: 'User', present })),
  });

describe('stage', () => {
  it('lays changes aside for a while, and hints at them from each member', async () => {
    expect(await run(['a', true], ['b', false])).toBe(2);
    const stageKey = corner.keys.stage('g', 's1');
    expect(await corner.redis.hgetall(stageKey)).toEqual({ a: '1 U', b: '0 U' });
    expect(await corner.redis.ttl(stageKey)).toBe(60);
    for (const member of ['a', 'b']) expect(await corner.redis.smembers(corner.keys.hints(member))).toEqual(['g/s1']);
  });

  it('grows with each call, and is idempotent', async () => {
    await run(['a', true]);
    expect(await run(['b', true])).toBe(2);
    expect(await run(['b', true])).toBe(2);
  });

  it('takes 1,000 in one step', async () => {
    expect(await run(...Array.from({ length: 1_000 }, (_, i) => [`m${i}`, true] as [string, boolean]))).toBe(1_000);
  });
});
