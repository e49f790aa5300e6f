import { openScriptCorner, type ScriptCorner, seedHead } from '../../testing.js';
import { type Begin, begin } from './begin.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (kind: Begin['kind'], changes: Partial<Begin> = {}) =>
  begin.run(corner.redis, {
    ...{ kind, keys: corner.keys, token: 'mine', epoch: 2, run: 'run2', settings: 4, counter: 2 * 2 ** 32, complete: false, layout: 2 },
    ...changes,
  });
const lock = (token: string) => corner.redis.set(corner.keys.loading(), token);
const head = () => corner.redis.hgetall(corner.keys.head());

describe('begin: show', () => {
  it('answers shown, and notes the run alone', async () => {
    await seedHead(corner);
    const before = await head();
    expect(await run('show', { epoch: 1, token: '' })).toBe('shown');
    expect(await corner.dump()).toEqual({ 'acme:head': { ...before, run: 'run2' } });
  });

  it.each([
    ['no head', undefined],
    ['a head of another epoch', { epoch: '3' }],
  ])('answers lost, and writes nothing: %s', async (_, there) => {
    if (there) await seedHead(corner, there);
    expect(await corner.untouched(() => run('show', { epoch: 1, token: '' }))).toBe('lost');
  });

  // Who knows less than the one that raises must not take writes which the new index would lack.
  it('answers lost, and writes nothing, while the head is being raised', async () => {
    await seedHead(corner);
    await lock('mine');
    expect(await run('hold', { epoch: 1 })).toBe('held');
    expect(await corner.untouched(() => run('show', { epoch: 1, token: '' }))).toBe('lost');
  });

  it('answers shown again when the raise was given up', async () => {
    await seedHead(corner);
    await lock('mine');
    await run('hold', { epoch: 1 });
    await lock('somebody else, who loads');
    expect(await run('show', { epoch: 1, token: '' })).toBe('shown');
  });
});

describe('begin: hold', () => {
  it('answers held, and keeps everybody from accepting', async () => {
    await seedHead(corner);
    await lock('mine');
    const before = await head();
    expect(await run('hold', { epoch: 1 })).toBe('held');
    expect(await head()).toEqual({ ...before, run: 'raising mine' });
  });

  it('answers held where there is no head, and makes none', async () => {
    await lock('mine');
    expect(await corner.untouched(() => run('hold', { epoch: 0 }))).toBe('held');
  });

  it.each([
    ['without the lock', undefined, 1],
    ['with another’s lock', 'theirs', 1],
    ['where the epoch was raised meanwhile', 'mine', 0],
  ])('answers lost, and writes nothing, %s', async (_, holder, epoch) => {
    await seedHead(corner);
    if (holder) await lock(holder);
    expect(await corner.untouched(() => run('hold', { epoch }))).toBe('lost');
  });
});

describe('begin: begin', () => {
  it.each([true, false])('answers begun, and makes the head (complete: %p)', async (complete) => {
    await lock('mine');
    expect(await run('begin', { complete })).toBe('begun');
    expect(await head()).toEqual({
      counter: '8589934592',
      epoch: '2',
      run: 'run2',
      settings: '4',
      complete: complete ? '1' : '',
      layout: '2',
    });
  });

  it('raises a head of an older epoch, which is complete no more', async () => {
    await seedHead(corner);
    await lock('mine');
    expect(await run('begin')).toBe('begun');
    expect(await head()).toEqual({ counter: '8589934592', epoch: '2', run: 'run2', settings: '4', complete: '', layout: '2' });
  });

  it('never sets the counter back', async () => {
    await seedHead(corner, { counter: String(2 ** 50 + 1) });
    await lock('mine');
    await run('begin');
    expect((await head()).counter).toBe(String(2 ** 50 + 1));
  });

  it('keeps a counter beyond 2^32 exactly', async () => {
    await lock('mine');
    await run('begin', { counter: 2 ** 52 + 1 });
    expect((await head()).counter).toBe(String(2 ** 52 + 1));
  });

  it.each(['2', '3', '10'])('answers already, and writes nothing, over epoch %s', async (epoch) => {
    await seedHead(corner, { epoch });
    await lock('mine');
    expect(await corner.untouched(() => run('begin'))).toBe('already');
  });

  it.each([undefined, 'theirs'])('answers lost, and writes nothing, with the lock of %p', async (holder) => {
    await seedHead(corner);
    if (holder) await lock(holder);
    expect(await corner.untouched(() => run('begin'))).toBe('lost');
  });

  it('is idempotent', async () => {
    await lock('mine');
    await run('begin');
    expect(await corner.untouched(() => run('begin'))).toBe('already');
  });
});
