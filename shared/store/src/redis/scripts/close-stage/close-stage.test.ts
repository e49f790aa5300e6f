import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { closeStage } from './close-stage.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (stage: string, version: number) => closeStage.run(corner.redis, { keys: corner.keys, group: 'g', stage, version });
const stages = () => corner.redis.hget(corner.keys.resource('g'), 'stages');
beforeEach(async () => {
  await corner.redis.hset(corner.keys.resource('g'), { version: '9', stages: 's1:7 s2:8' });
  await corner.redis.hset(corner.keys.stage('g', 's1'), { a: '1 U' });
  await corner.redis.hset(corner.keys.stage('g', 's2'), { a: '1 U' });
});

describe('close-stage', () => {
  it('takes a stage off its group, and leaves the others', async () => {
    expect(await run('s1', 7)).toBe(true);
    expect(await stages()).toBe('s2:8');
    expect(await corner.redis.exists(corner.keys.stage('g', 's1'))).toBe(0);
    expect(await corner.redis.exists(corner.keys.stage('g', 's2'))).toBe(1);
    expect(await run('s2', 8)).toBe(true);
    expect(await stages()).toBe('');
  });

  it('is idempotent', async () => {
    await run('s1', 7);
    expect(await corner.untouched(() => run('s1', 7))).toBe(false);
  });

  it('does not make a group that is gone', async () => {
    await corner.clear();
    expect(await corner.untouched(() => run('s1', 7))).toBe(false);
  });
});
