import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { lives } from './lives.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (...ids: string[]) => lives.run(corner.redis, { keys: corner.keys, ids });
const put = (id: string, fields: Record<string, string>) => corner.redis.hset(corner.keys.resource(id), fields);

describe('lives', () => {
  it('tells of each whether it is there, in their order, and writes nothing', async () => {
    await put('a', { version: '9', settled: '9', epoch: '2', kind: 'U', doc: '{}' });
    await put('b', { version: '12', epoch: '2', kind: 'G', gone: '1', since: '11' });
    expect(await corner.untouched(() => run('b', 'none', 'a'))).toEqual([
      { version: '12', settled: '', epoch: 2, type: 'Group', gone: true, since: 11 },
      undefined,
      { version: '9', settled: '9', epoch: 2, type: 'User', gone: false, since: 0 },
    ]);
  });

  it('takes one, and 1,000', async () => {
    expect(await run('none')).toEqual([undefined]);
    await put('7', { version: '9', settled: '9', epoch: '2', kind: 'U' });
    const answer = await run(...Array.from({ length: 1_000 }, (_, i) => String(i)));
    expect(answer.map((life, i) => (life ? i : -1)).filter((i) => i >= 0)).toEqual([7]);
    expect(answer).toHaveLength(1_000);
  });
});
