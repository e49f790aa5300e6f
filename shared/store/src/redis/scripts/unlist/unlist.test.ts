import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { unlist } from './unlist.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const history = () => corner.keys.partition.history();
const add = async (line: string) => (await corner.redis.xadd(history(), '*', 'tenant', 'acme', 'line', line))!;
const run = (ids: string[], bytes: Record<string, number>) =>
  unlist.run(corner.redis, { history: history(), ids, bytesByHead: new Map(Object.entries(bytes)) });
const HEAD = 'acme:head';

describe('unlist', () => {
  const head = () => corner.keys.head();
  const unrecorded = () => corner.redis.hget(head(), 'unrecorded');
  beforeEach(() => corner.redis.hset(head(), { unrecorded: '100' }));

  it('deletes just these lines, and counts their bytes off their tenant', async () => {
    const [a, b, left] = [await add('12'), await add('345'), await add('6')];
    expect(await run([a, b], { [head()]: 5 })).toBe(2);
    expect((await corner.redis.xrange(history(), '-', '+')).map(([id]) => id)).toEqual([left]);
    expect(await unrecorded()).toBe('95');
  });

  it('counts nothing off where another process has deleted some', async () => {
    const [a, b] = [await add('12'), await add('345')];
    await add('6');
    await corner.redis.xdel(history(), a);
    expect(await run([a, b], { [head()]: 5 })).toBe(1);
    expect(await unrecorded()).toBe('100');
  });

  it('counts all off where no line is left', async () => {
    expect(await run([await add('12')], { [head()]: 2 })).toBe(1);
    expect(await unrecorded()).toBe('0');
  });

  it('makes no head of a tenant that is gone', async () => {
    await corner.redis.del(head());
    await add('6');
    expect(await run([await add('12')], { [head()]: 2 })).toBe(1);
    expect(await corner.dump()).not.toHaveProperty(HEAD);
  });
});
