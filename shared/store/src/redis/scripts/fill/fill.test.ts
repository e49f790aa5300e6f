import { openScriptCorner, type ScriptCorner } from '../../testing.js';
import { type Fill, fill } from './fill.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const VERSION = 3 * 2 ** 32 + 7;
const run = async (changes: Partial<Fill> = {}) =>
  fill.run(corner.redis, {
    keys: corner.keys,
    id: 'a',
    document: '{"new":1}',
    version: VERSION,
    modified_us: 1_700_000_000_000_001,
    born: 5,
    epoch: 3,
    stamp: 's',
    type: 'User',
    gone: false,
    taken_us: await corner.now_us(),
    fillAgeMax_ms: 5_000,
    settledTtl_s: 3_600,
    ...changes,
  });

const there = (fields: Record<string, string>) => corner.redis.hset(corner.keys.resource('a'), { doc: '{"old":1}', ...fields });

const COPY = {
  'acme:r:a': {
    doc: '{"new":1}',
    version: String(VERSION),
    modified: '1700000000000001',
    born: '5',
    epoch: '3',
    stamp: 's',
    settled: String(VERSION),
    request: '',
    kind: 'U',
    gone: '0',
    since: '',
  },
  'acme:r:a expires': '3600 s',
};

describe('fill', () => {
  it('keeps a settled copy with a lifetime, where there is none', async () => {
    expect(await run()).toBe('filled');
    expect(await corner.dump()).toEqual(COPY);
  });

  it.each([
    ['an older settled copy', { version: String(VERSION - 1), settled: String(VERSION - 1), epoch: '3' }],
    [
      'a settled copy of another epoch, though its version is higher',
      { version: String(VERSION + 1), settled: String(VERSION + 1), epoch: '2' },
    ],
  ])('replaces %s', async (_, fields) => {
    await there(fields);
    expect(await run()).toBe('filled');
    expect(await corner.dump()).toMatchObject(COPY);
  });

  it.each([
    ['a pending state', { version: String(VERSION + 1) }],
    ['a pending state of an older version', { version: '1', settled: '0', epoch: '3' }],
    ['a pending state of an older epoch', { version: '1', epoch: '1' }],
    ['a dead letter', { version: '1', dead: '1', epoch: '3' }],
    ['the same settled version', { version: String(VERSION), settled: String(VERSION), epoch: '3' }],
    ['a newer settled version', { version: String(VERSION + 1), settled: String(VERSION + 1), epoch: '3' }],
  ])('answers newer, and writes nothing, over %s', async (_, fields) => {
    await there(fields);
    expect(await corner.untouched(() => run())).toBe('newer');
  });

  describe('over a marker, whose document was evicted', () => {
    const marker = (version: number, more: Record<string, string> = {}) =>
      corner.redis.hset(corner.keys.resource('a'), {
        version: String(version),
        settled: String(version),
        epoch: '3',
        request: 'r1',
        ...more,
      });

    it('gives the document back to the same version, and keeps the request that made it', async () => {
      await marker(VERSION);
      expect(await run()).toBe('filled');
      const key = 'acme:r:a';
      expect(await corner.dump()).toEqual({ ...COPY, [key]: { ...COPY[key], request: 'r1' } });
    });

    it('replaces the marker of an older version', async () => {
      await marker(VERSION - 1);
      expect(await run()).toBe('filled');
      expect(await corner.dump()).toEqual(COPY);
    });

    it('answers newer, and writes nothing, where the reading is of an older version', async () => {
      await marker(VERSION + 1);
      expect(await corner.untouched(() => run())).toBe('newer');
    });

    it('replaces the marker of another epoch, whatever its version', async () => {
      await marker(VERSION + 1, { epoch: '2' });
      expect(await run()).toBe('filled');
      expect(await corner.dump()).toEqual(COPY);
    });
  });

  it('answers stale, and writes nothing, where the reading dawdled', async () => {
    const taken_us = (await corner.now_us()) - 5_000_001;
    expect(await corner.untouched(() => run({ taken_us }))).toBe('stale');
    expect(await run({ taken_us, fillAgeMax_ms: 60_000 })).toBe('filled');
  });
});
