import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { ALONE_FROM_TRY, collect } from './collect.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (count = 10, member?: string) => collect.run(corner.redis, { keys: corner.keys, count, member });
const ids = async (...args: Parameters<typeof run>) => (await run(...args)).map(({ id }) => id);

async function pending(id: string, since_us: number, more: Record<string, string> = {}) {
  await corner.redis.hset(corner.keys.resource(id), { doc: `{"id":"${id}"}`, version: '7', modified: '9', born: '3', tries: '0', ...more });
  await corner.redis.zadd(corner.keys.pending(), since_us, `U${id}`);
  await corner.redis.zadd(corner.keys.partition.pending(), 'LT', since_us, 'acme');
}
const tries = (id: string) => corner.redis.hget(corner.keys.resource(id), 'tries');

describe('collect', () => {
  it('gives the oldest first, whole, and counts a try on each', async () => {
    await pending('b', 200, { version: String(2 ** 40 + 1), stamp: 's', trace: 't', urgent: '1', rid: 'r' });
    await pending('a', 100);
    await pending('c', 300);
    const before = await corner.dump();
    expect(await run(2)).toEqual([
      {
        ...{ type: 'User', id: 'a', document: '{"id":"a"}', version: 7, modified_us: 9, born: 3, stamp: '', tries: 1 },
        ...{ trace: undefined, urgent: false, requestId: '', since_us: 100, since: undefined, stages: [] },
      },
      {
        ...{ type: 'User', id: 'b', document: '{"id":"b"}', version: 2 ** 40 + 1, modified_us: 9, born: 3, stamp: 's', tries: 1 },
        ...{ trace: 't', urgent: true, requestId: 'r', since_us: 200, since: undefined, stages: [] },
      },
    ]);
    expect(await corner.dump()).toEqual({
      ...before,
      'acme:r:a': { ...(before['acme:r:a'] as object), tries: '1' },
      'acme:r:b': { ...(before['acme:r:b'] as object), tries: '1' },
    });
  });

  it('gives one by name, past the others', async () => {
    await pending('a', 100);
    await pending('b', 200);
    expect(await ids(1, 'Ub')).toEqual(['b']);
    expect(await tries('a')).toBe('0');
  });

  it.each([
    ['not pending', 'Ua'],
    ['unknown', 'Unone'],
  ])('gives nothing by a name that is %s, and writes nothing', async (_, member) => {
    await corner.redis.hset(corner.keys.resource('a'), { doc: '{}', version: '7', settled: '7' });
    await pending('b', 100);
    expect(await corner.untouched(() => ids(1, member))).toEqual([]);
  });

  it('gives nothing where nothing is pending', async () => {
    expect(await corner.untouched(() => run())).toEqual([]);
  });

  // What nothing stands behind was taken out of the tenant's set but left the tenant in the partition's: the sweeper rang for it for ever.
  it('forgets what nothing stands behind, and then the tenant that has nothing left', async () => {
    await corner.redis.zadd(corner.keys.pending(), 1, 'Ugone');
    await corner.redis.zadd(corner.keys.partition.pending(), 1, 'acme', 2, 'other');
    expect(await run()).toEqual([]);
    expect(await corner.dump()).toEqual({ pending: [['other', '2']] });
  });

  it('passes over what nothing stands behind, and keeps the tenant that has more', async () => {
    await corner.redis.zadd(corner.keys.pending(), 1, 'Ugone');
    await pending('a', 100);
    expect(await ids()).toEqual(['a']);
    expect(await corner.redis.zrange(corner.keys.pending(), '0', '-1')).toEqual(['Ua']);
    expect(await corner.redis.zrange(corner.keys.partition.pending(), '0', '-1')).toEqual(['acme']);
  });

  describe(`from try ${ALONE_FROM_TRY} on`, () => {
    const OFTEN = { tries: String(ALONE_FROM_TRY - 1) };
    it('gives the oldest alone', async () => {
      await pending('a', 100, OFTEN);
      await pending('b', 200);
      expect(await ids()).toEqual(['a']);
      expect(await tries('a')).toBe(String(ALONE_FROM_TRY));
      expect(await tries('b')).toBe('0');
    });
    it('ends the batch before it, and counts no try on it', async () => {
      await pending('a', 100);
      await pending('b', 200, OFTEN);
      await pending('c', 300);
      expect(await ids()).toEqual(['a']);
      expect(await tries('b')).toBe(OFTEN.tries);
      expect(await tries('c')).toBe('0');
    });
  });

  it('gives 1,000 in one step', async () => {
    await Promise.all(Array.from({ length: 1_001 }, (_, i) => pending(`u${i}`, i + 1)));
    expect(await ids(1_000)).toHaveLength(1_000);
  });
});
