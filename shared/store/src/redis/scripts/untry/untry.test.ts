import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { untry } from './untry.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const VERSION = 2 ** 40 + 1;
const run = (...ids: string[]) => untry.run(corner.redis, { keys: corner.keys, tried: ids.map((id) => ({ id, version: VERSION })) });
const tried = (id: string, tries: string | undefined, version = VERSION) =>
  corner.redis.hset(corner.keys.resource(id), { version: String(version), ...(tries === undefined ? {} : { tries }) });

describe('untry', () => {
  it('takes one try back of each, and says of how many', async () => {
    await tried('a', '1');
    await tried('b', '3');
    expect(await run('a', 'b')).toBe(2);
    expect(await corner.dump()).toEqual({
      'acme:r:a': { version: String(VERSION), tries: '0' },
      'acme:r:b': { version: String(VERSION), tries: '2' },
    });
  });

  it.each<[string, string | undefined, number]>([
    ['a newer version', '1', VERSION + 1],
    ['no try left', '0', VERSION],
    ['none counted', undefined, VERSION],
  ])('writes nothing: %s', async (_, tries, version) => {
    await tried('a', tries, version);
    expect(await corner.untouched(() => run('a'))).toBe(0);
  });

  it('does not make one that is gone', async () => {
    expect(await corner.untouched(() => run('gone'))).toBe(0);
  });

  it('takes 1,000 in one step', async () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `u${i}`);
    await Promise.all(ids.map((id) => tried(id, '1')));
    expect(await run(...ids)).toBe(1_000);
  });
});
