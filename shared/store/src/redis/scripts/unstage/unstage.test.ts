import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { stage } from '../stage/stage.js';
import { unstage } from './unstage.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const lay = (name: string) =>
  stage.run(corner.redis, {
    ...{ keys: corner.keys, group: 'g', stage: name, ttl_s: 60 },
    changes: ['a', 'b'].map((id) => ({ id, type: 'User', present: true })),
  });
const take = (name: string, ...members: string[]) => unstage.run(corner.redis, { keys: corner.keys, group: 'g', stage: name, members });

describe('unstage', () => {
  it('takes away what was laid aside, part by part, and nothing else', async () => {
    await lay('kept');
    const before = await corner.dump();
    await lay('s');
    expect(await take('s', 'a')).toBe(1);
    expect(await take('s', 'b')).toBe(1);
    expect(await corner.dump()).toEqual(before);
  });

  it('leaves a published stage alone, and one that is not there', async () => {
    await lay('s');
    await corner.redis.persist(corner.keys.stage('g', 's'));
    expect(await corner.untouched(() => take('s', 'a', 'b'))).toBe(0);
    expect(await corner.untouched(() => take('other', 'a', 'b'))).toBe(0);
  });
});
