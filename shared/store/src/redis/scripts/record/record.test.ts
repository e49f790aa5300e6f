import { openScriptCorner, type ScriptCorner, seedHead } from '../../testing.js';
import { record } from './record.js';

let corner: ScriptCorner;
beforeAll(async () => {
  corner = await openScriptCorner();
});
beforeEach(() => corner.clear());
afterAll(() => corner[Symbol.asyncDispose]());

const run = (revision: number, text: string, withHead = false) =>
  record.run(corner.redis, {
    key: corner.keys.settings(),
    ...(withHead ? { head: corner.keys.head() } : {}),
    revision,
    record: text,
  });

describe('record', () => {
  it('writes what is not there', async () => {
    expect(await run(1, 'one')).toBe(true);
    expect(await corner.dump()).toEqual({ 'acme:settings': { revision: '1', record: 'one' } });
  });

  it('is only ever raised: 10 after 9, and neither 9 nor 10 after that', async () => {
    await run(9, 'nine');
    expect(await run(10, 'ten')).toBe(true);
    expect(await corner.untouched(() => run(9, 'nine'))).toBe(false);
    expect(await corner.untouched(() => run(10, 'another ten'))).toBe(false);
  });

  it('moves the settings version of the head in the same step', async () => {
    await seedHead(corner);
    expect(await run(7, 'seven', true)).toBe(true);
    expect(await corner.redis.hget(corner.keys.head(), 'settings')).toBe('7');
    expect(await corner.untouched(() => run(6, 'six', true))).toBe(false);
  });

  it('makes no head', async () => {
    await run(7, 'seven', true);
    expect(await corner.redis.exists(corner.keys.head())).toBe(0);
  });
});
