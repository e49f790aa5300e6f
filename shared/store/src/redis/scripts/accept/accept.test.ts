import { acceptOf, openScriptCorner, type ScriptCorner, seedHead } from '../../testing.js';
import { type Accept, accept, CHANGE_BYTES } from './accept.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(async () => {
  await corner.clear();
  await seedHead(corner);
});
afterAll(() => corner[Symbol.asyncDispose]());

const run = (changes: Partial<Accept> = {}) => accept.run(corner.redis, acceptOf(corner, changes));
const FIRST = 2 ** 32 + 1;
const NAME = { field: 'n:userName:ada', seen: '', next: 'a' };

describe('accept', () => {
  it('answers ok for a new resource, and writes state, index, both pending sets, counter and history, nothing else', async () => {
    const entries = [NAME, { field: 'i:ada@x', seen: '', next: 'a' }];
    const answer = await run({ id: 'a', requestKey: 'r1', trace: 't1', entries });
    expect(answer).toEqual({ kind: 'ok', version: FIRST, born: FIRST, ring: true, now_us: expect.any(Number) });
    const now = String(answer.kind === 'ok' && answer.now_us);
    expect(await corner.dump()).toEqual({
      'acme:head': {
        ...{ counter: String(FIRST), epoch: '1', run: 'run1', settings: '1', complete: '1' },
        ...{ unsettled: '9', unrecorded: '10' },
      },
      'acme:index:1': { 'n:userName:ada': 'a', 'i:ada@x': 'a', '#users': '1' },
      'acme:pending': [['Ua', now]],
      'acme:r:a': {
        doc: '{"doc":1}',
        version: String(FIRST),
        born: String(FIRST),
        modified: now,
        request: 'r1',
        stamp: 'stamp1',
        epoch: '1',
        tries: '0',
        trace: 't1',
        kind: 'U',
        rid: 'rid1',
      },
      history: [['tenant', 'acme', 'id', 'a', 'version', String(FIRST), 'line', '{"line":1}']],
      pending: [['acme', now]],
    });
  });

  it('stands by Redis’s own time', async () => {
    const before = await corner.now_us();
    const answer = await run();
    expect(answer.kind === 'ok' && answer.now_us).toBeGreaterThanOrEqual(before);
  });

  it('keeps what it was born as, forgets tries, and takes the lifetime of a settled copy away', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { doc: '{}', version: '7', born: '3', settled: '7', epoch: '1', tries: '2' });
    await corner.redis.expire(corner.keys.resource('a'), 100);
    expect(await run({ id: 'a', expected: 7 })).toMatchObject({ kind: 'ok', version: FIRST, born: 3 });
    const state = await corner.redis.hgetall(corner.keys.resource('a'));
    expect(state).toMatchObject({ version: String(FIRST), born: '3', settled: '7', tries: '0' });
    expect(await corner.redis.ttl(corner.keys.resource('a'))).toBe(-1);
  });

  it('marks a leaver, and keeps the mark under a later write', async () => {
    await run({ id: 'a', urgent: true });
    await run({ id: 'a', expected: FIRST });
    expect(await corner.redis.hget(corner.keys.resource('a'), 'urgent')).toBe('1');
  });

  it('asks to ring only for the first pending of a tenant, and keeps the tenant’s oldest time', async () => {
    expect(await run({ id: 'a' })).toMatchObject({ ring: true });
    const oldest = await corner.redis.zscore(corner.keys.partition.pending(), 'acme');
    expect(await run({ id: 'b' })).toMatchObject({ ring: false });
    expect(await corner.redis.zscore(corner.keys.partition.pending(), 'acme')).toBe(oldest);
    expect(await corner.redis.zcard(corner.keys.pending())).toBe(2);
  });

  it('puts a resource that is written again to the end of the line', async () => {
    await run({ id: 'a' });
    await run({ id: 'b' });
    await run({ id: 'a', expected: FIRST });
    expect(await corner.redis.zrange(corner.keys.pending(), '0', '-1')).toEqual(['Ub', 'Ua']);
  });

  it.each([2 ** 32, 2 ** 40, 7 * 2 ** 32 + 123_456_789, 2 ** 52])('counts on from %p exactly', async (counter) => {
    await seedHead(corner, { counter: String(counter) });
    expect(await run({ id: 'a' })).toMatchObject({ version: counter + 1, born: counter + 1 });
    expect(await run({ id: 'a', expected: counter + 1 })).toMatchObject({ version: counter + 2, born: counter + 1 });
    expect(await corner.redis.hget(corner.keys.head(), 'counter')).toBe(String(counter + 2));
  });

  describe('answers replay, and writes nothing, where the request key is the one of its last accept', () => {
    it('with the version, time and birth of then', async () => {
      const call = { id: 'a', requestKey: 'r1', entries: [NAME] };
      const first = await run(call);
      const again = await corner.untouched(() => run(call));
      expect(again).toEqual({
        kind: 'replay',
        version: FIRST,
        born: FIRST,
        modified_us: first.kind === 'ok' && first.now_us,
      });
    });

    it('whatever else has changed: too late, another run, another premise', async () => {
      await run({ id: 'a', requestKey: 'r1' });
      await seedHead(corner, { run: 'run2', settings: '9' });
      const again = () => run({ id: 'a', requestKey: 'r1', notAfter_ms: 0, expected: 5, others: [{ id: 'z', version: 9 }] });
      expect(await corner.untouched(again)).toMatchObject({ kind: 'replay', version: FIRST });
    });

    it('but not for an older one', async () => {
      await run({ id: 'a', requestKey: 'r1' });
      await run({ id: 'a', requestKey: 'r2', expected: FIRST });
      expect(await corner.untouched(() => run({ id: 'a', requestKey: 'r1' }))).toEqual({ kind: 'conflict', what: 'version' });
    });
  });

  describe('refuses, and writes nothing,', () => {
    const refused: [string, Partial<Accept>, unknown][] = [
      ['late: after its time', { notAfter_ms: 1 }, { kind: 'late' }],
      ['fresh: another epoch', { epoch: 2 }, { kind: 'fresh' }],
      ['fresh: another run', { run: 'run2' }, { kind: 'fresh' }],
      ['conflict: other settings', { settings: 2 }, { kind: 'conflict', what: 'settings' }],
      ['conflict: a new one that is there', { id: 'there' }, { kind: 'conflict', what: 'version' }],
      ['conflict: an older version seen', { id: 'there', expected: 6 }, { kind: 'conflict', what: 'version' }],
      ['conflict: a version of none', { id: 'none', expected: 6 }, { kind: 'conflict', what: 'version' }],
      ['conflict: another resource is newer', { others: [{ id: 'there', version: 6 }] }, { kind: 'conflict', what: 'other' }],
      ['conflict: another resource came', { others: [{ id: 'there', version: 0 }] }, { kind: 'conflict', what: 'other' }],
      ['conflict: another resource went', { others: [{ id: 'none', version: 3 }] }, { kind: 'conflict', what: 'other' }],
      [
        'conflict: the last of many others',
        {
          others: [
            { id: 'none', version: 0 },
            { id: 'there', version: 7 },
            { id: 'none2', version: 1 },
          ],
        },
        { kind: 'conflict', what: 'other' },
      ],
      [
        'taken: a name',
        { entries: [{ field: 'n:userName:bob', seen: '', next: 'a' }] },
        { kind: 'taken', field: 'n:userName:bob', ids: 'there' },
      ],
      [
        'conflict: a name with another holder than seen',
        { entries: [{ field: 'n:userName:bob', seen: 'x', next: 'a' }] },
        { kind: 'conflict', what: 'n:userName:bob' },
      ],
      ['conflict: a shared entry that came', { entries: [{ field: 'i:bob', seen: '', next: 'a' }] }, { kind: 'conflict', what: 'i:bob' }],
      [
        'conflict: a shared entry that grew',
        { entries: [{ field: 'i:bob', seen: 'x', next: 'x a' }] },
        { kind: 'conflict', what: 'i:bob' },
      ],
      ['conflict: an entry that went', { entries: [{ field: 'x:1', seen: 'x', next: '' }] }, { kind: 'conflict', what: 'x:1' }],
      [
        'conflict: the last entry, after good ones',
        { entries: [NAME, { field: 'i:ada', seen: '', next: 'a' }, { field: 'i:bob', seen: '', next: 'a' }] },
        { kind: 'conflict', what: 'i:bob' },
      ],
      ['full: the backlog is at its cap', { backlogMax: 1 }, { kind: 'full', of: 'resources' }],
      ['full: its bytes are at their cap', { backlogBytesMax: 18 }, { kind: 'full', of: 'bytes' }],
      [
        'full: changes of members would go past the bytes',
        { backlogBytesMax: 200, edges: { changes: [{ id: 'm', type: 'User', present: true }] } },
        { kind: 'full', of: 'bytes' },
      ],
    ];
    it.each(refused)('%s', async (_, changes, answer) => {
      await corner.redis.hset(corner.keys.resource('there'), { doc: '{}', version: '7', born: '7', request: 'old' });
      await corner.redis.hset(corner.keys.index(1), { 'n:userName:bob': 'there', 'i:bob': 'there', '#users': '1' });
      await corner.redis.zadd(corner.keys.pending(), 5, 'Uthere');
      expect(await corner.untouched(() => run(changes))).toEqual(answer);
    });

    it('fresh: no head at all', async () => {
      await corner.redis.del(corner.keys.head());
      expect(await corner.untouched(() => run())).toEqual({ kind: 'fresh' });
    });
  });

  it('lets a leaver pass the cap', async () => {
    await corner.redis.zadd(corner.keys.pending(), 5, 'Uthere');
    expect(await run({ backlogMax: 1, urgent: true })).toMatchObject({ kind: 'ok' });
    expect(await run({ backlogBytesMax: 1, urgent: true })).toMatchObject({ kind: 'ok' });
  });

  describe('counts the bytes that MongoDB has not', () => {
    const counted = async () => (await corner.redis.hmget(corner.keys.head(), 'unsettled', 'unrecorded')).map(Number);
    const there = (fields: Record<string, string>) => corner.redis.hset(corner.keys.resource('a'), { version: '7', born: '7', ...fields });
    beforeEach(() => corner.redis.hset(corner.keys.head(), { unsettled: '1000', unrecorded: '500' }));

    it.each<[string, Record<string, string>, Partial<Accept>, number]>([
      ['the whole document of a new one', {}, { document: '12345' }, 1_005],
      ['the whole document of one that was settled', { doc: '123', settled: '7' }, { expected: 7, document: '12345' }, 1_005],
      ['the difference to one that was pending', { doc: '123', settled: '6' }, { expected: 7, document: '12345' }, 1_002],
      ['what a smaller document gives back', { doc: '12345' }, { expected: 7, document: '1' }, 996],
      ['the document that stays, where it was settled', { doc: '12345', settled: '7' }, { expected: 'any', document: '' }, 1_005],
      ['nothing for a document that stays pending', { doc: '12345' }, { expected: 'any', document: '' }, 1_000],
    ])('%s', async (_, state, changes, unsettled) => {
      if (state.doc !== undefined) await there(state);
      expect(await run({ id: 'a', line: '{}', ...changes })).toMatchObject({ kind: 'ok' });
      expect(await counted()).toEqual([unsettled, 502]);
    });

    it('each change of a member once, however often it changes', async () => {
      const edges = { changes: ['m', 'n'].map((id) => ({ id, type: 'User', present: true }) as const) };
      await run({ id: 'a', document: '1', edges });
      expect((await counted())[0]).toBe(1_001 + 2 * CHANGE_BYTES);
      await run({ id: 'a', expected: 'any', document: '', edges });
      expect((await counted())[0]).toBe(1_001 + 2 * CHANGE_BYTES);
    });

    it('all changes on a stage', async () => {
      await corner.redis.hset(corner.keys.stage('a', 's1'), { m: '1 U', n: '1 U', o: '1 U' });
      await run({ id: 'a', document: '1', edges: { changes: [], stage: 's1' } });
      expect((await counted())[0]).toBe(1_001 + 3 * CHANGE_BYTES);
    });
  });

  // A version without a document was accepted for a group whose copy had been evicted.
  it('answers conflict, and writes nothing, where the document is to stay and only a marker is there', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { version: '7', born: '7', settled: '7', epoch: '1' });
    const moves = { id: 'a', expected: 'any', document: '' } as const;
    expect(await corner.untouched(() => run(moves))).toEqual({ kind: 'conflict', what: 'document' });
    expect(await run({ ...moves, expected: 7, document: '{}' })).toMatchObject({ kind: 'ok', born: 7 });
  });

  it('answers replay from a marker, too', async () => {
    await corner.redis.hset(corner.keys.resource('a'), { version: '7', born: '7', settled: '7', request: 'r1', modified: '5' });
    expect(await corner.untouched(() => run({ id: 'a', requestKey: 'r1' }))).toEqual({
      kind: 'replay',
      version: 7,
      born: 7,
      modified_us: 5,
    });
  });

  describe('keeps the number of live resources', () => {
    const users = async () => Number((await corner.redis.hget(corner.keys.index(1), '#users')) ?? 0);
    beforeEach(async () => {
      await corner.redis.hset(corner.keys.index(1), { 'n:userName:bob': 'b', 'i:bob': 'b', '#users': '5' });
    });
    it.each([
      ['one more with a name that is taken', [NAME], 6],
      ['one less with a name that is given back', [{ field: 'n:userName:bob', seen: 'b', next: '' }], 4],
      ['the same for a rename', [NAME, { field: 'n:userName:bob', seen: 'b', next: '' }], 5],
      ['the same for a name that is taken over', [{ field: 'n:userName:bob', seen: 'b', next: 'a' }], 5],
      [
        'the same for other entries',
        [
          { field: 'i:new', seen: '', next: 'a' },
          { field: 'i:bob', seen: 'b', next: '' },
        ],
        5,
      ],
      ['the same for claims of another kind', [{ field: 'n:displayName:g', seen: '', next: 'a' }], 5],
      ['the same for an absence that is only a premise', [{ field: 'n:userName:none', seen: '', next: '' }], 5],
    ])('%s', async (_, entries, count) => {
      expect(await run({ entries })).toMatchObject({ kind: 'ok' });
      expect(await users()).toBe(count);
    });
  });

  it('checks an absence that is only a premise', async () => {
    await corner.redis.hset(corner.keys.index(1), 'n:userName:ada', 'b');
    const entries = [{ field: 'n:userName:ada', seen: '', next: '' }];
    expect(await corner.untouched(() => run({ entries }))).toEqual({ kind: 'taken', field: 'n:userName:ada', ids: 'b' });
  });

  it('takes 1,000 entries and 100 other resources in one step', async () => {
    const entries = Array.from({ length: 1_000 }, (_, i) => ({ field: `n:userName:u${i}`, seen: '', next: 'a' }));
    const others = Array.from({ length: 100 }, (_, i) => ({ id: `other${i}`, version: 0 }));
    expect(await run({ id: 'a', entries, others })).toMatchObject({ kind: 'ok' });
    expect(await corner.redis.hlen(corner.keys.index(1))).toBe(1_001);
    expect(await corner.redis.hget(corner.keys.index(1), '#users')).toBe('1000');
    const gone = entries.map(({ field }) => ({ field, seen: 'a', next: '' }));
    expect(await run({ id: 'a', expected: FIRST, entries: gone })).toMatchObject({ kind: 'ok' });
    expect(await corner.redis.hgetall(corner.keys.index(1))).toEqual({ '#users': '0' });
  });

  describe('of a group', () => {
    const edges = { changes: [{ id: 'u1', type: 'User', present: true } as const, { id: 'g2', type: 'Group', present: false } as const] };
    const group = { id: 'g', member: 'Gg', counted: { prefix: 'n:displayName:', field: '#groups' } };
    const key = () => corner.keys.resource('g');

    it('writes the changes of its members under its version, and hints at them from each member', async () => {
      await run({ ...group, edges });
      expect(await corner.redis.hgetall(corner.keys.deltas('g'))).toEqual({ u1: `${FIRST} 1 U`, g2: `${FIRST} 0 G` });
      for (const id of ['u1', 'g2']) expect(await corner.redis.smembers(corner.keys.hints(id))).toEqual(['g']);
      expect(await corner.redis.hget(key(), 'kind')).toBe('G');
    });

    it('lets changes of members commute: under any version, with the document as it is', async () => {
      await run({ ...group, document: '{"doc":"first"}' });
      await run({ ...group, expected: FIRST, document: '{"doc":"second"}' });
      const change = { ...group, expected: 'any', document: '', edges } as const;
      expect(await run(change)).toMatchObject({ kind: 'ok', version: FIRST + 2, born: FIRST });
      expect(await corner.redis.hget(key(), 'doc')).toBe('{"doc":"second"}');
    });

    // A PATCH names only those who are no members yet; after a replacement in between, those who were would be missing.
    it('conflicts, and writes nothing, where all its members were replaced since they were looked at', async () => {
      const change = { ...group, expected: 'any', document: '', edges } as const;
      await run(group);
      await run({ ...group, expected: FIRST, since: true });
      expect(await corner.untouched(() => run(change))).toEqual({ kind: 'conflict', what: 'since' });
      expect(await corner.untouched(() => run({ ...change, seenSince: FIRST }))).toEqual({ kind: 'conflict', what: 'since' });
      expect(await run({ ...change, seenSince: FIRST + 1 })).toMatchObject({ kind: 'ok', version: FIRST + 2 });
    });

    it('conflicts, and writes nothing, where there is none, or it is deleted', async () => {
      const change = { ...group, expected: 'any', document: '', edges } as const;
      expect(await corner.untouched(() => run(change))).toEqual({ kind: 'conflict', what: 'version' });
      await run(group);
      await run({ ...group, expected: FIRST, gone: true });
      expect(await corner.untouched(() => run(change))).toEqual({ kind: 'conflict', what: 'version' });
    });

    it('publishes a stage, which then lives on; without one that is there it conflicts, and writes nothing', async () => {
      const staged = { ...group, edges: { changes: [], stage: 's1' } };
      expect(await corner.untouched(() => run(staged))).toEqual({ kind: 'conflict', what: 'stage' });
      await corner.redis.hset(corner.keys.stage('g', 's1'), { u1: '1 U' });
      await corner.redis.expire(corner.keys.stage('g', 's1'), 60);
      expect(await run(staged)).toMatchObject({ kind: 'ok' });
      expect(await corner.redis.ttl(corner.keys.stage('g', 's1'))).toBe(-1);
      await corner.redis.hset(corner.keys.stage('g', 's2'), { u2: '1 U' });
      await run({ ...group, expected: FIRST, edges: { changes: [], stage: 's2' } });
      expect(await corner.redis.hget(key(), 'stages')).toBe(`s1:${FIRST} s2:${FIRST + 1}`);
    });

    it('counts each holder of a name, where several have it', async () => {
      const count = () => corner.redis.hget(corner.keys.index(1), '#groups');
      const named = (seen: string, next: string) => ({ entries: [{ field: 'n:displayName:x', seen, next }] });
      await run({ ...group, ...named('', 'g') });
      await run({ ...group, id: 'h', member: 'Gh', ...named('g', 'g h') });
      expect(await count()).toBe('2');
      // One that did not bear it out is left out by the next.
      await run({ ...group, id: 'i', member: 'Gi', ...named('g h', 'h i') });
      expect(await count()).toBe('2');
      await run({ ...group, id: 'i', member: 'Gi', expected: FIRST + 2, gone: true, ...named('h i', 'h') });
      expect(await count()).toBe('1');
    });

    it('marks what makes older memberships void', async () => {
      await run({ ...group, since: true });
      await run({ ...group, expected: FIRST });
      expect(await corner.redis.hget(key(), 'since')).toBe(String(FIRST));
    });
  });

  it('keeps any text as it is', async () => {
    const document = JSON.stringify({ text: 'ä\0\n"\u2028😀' });
    const field = 'x:a b:c\n😀';
    await run({ id: 'a', document, line: document, entries: [{ field, seen: '', next: 'a' }] });
    expect(await corner.redis.hget(corner.keys.resource('a'), 'doc')).toBe(document);
    expect(await corner.redis.hget(corner.keys.index(1), field)).toBe('a');
  });
});
