import type { RedisLink } from '@rollcall/store';
import { localLimit, sharedLimit, siteOf } from './window-limit.js';

afterEach(() => void jest.useRealTimers());

describe('a limit', () => {
  it('refuses what comes beyond it within a minute, and begins a new window then', async () => {
    jest.useFakeTimers({ now: 0 });
    const limit = localLimit({ max: 2 });
    expect([await limit.count('a'), await limit.count('a'), await limit.count('b')]).toEqual([0, 0, 0]);
    jest.setSystemTime(500);
    expect(await limit.count('a')).toBe(60);
    jest.setSystemTime(59_500);
    expect(await limit.count('a')).toBe(1);
    jest.advanceTimersByTime(61_000);
    expect(await limit.count('a')).toBe(0);
  });

  it('counts in this process while Redis is away', async () => {
    const limit = sharedLimit({
      redis: { redis: { status: 'connecting', defineCommand: () => undefined } } as unknown as RedisLink,
      key: 'k',
      max: 1,
    });
    expect(await limit.count('a')).toBe(0);
    expect(await limit.count('a')).toBeGreaterThan(0);
  });

  it('is within its bounds where Redis does not answer: nobody waits for it', async () => {
    const never = { status: 'ready', defineCommand: () => undefined, rlflxIncr: () => new Promise(() => undefined) };
    const limit = sharedLimit({ redis: { redis: never } as unknown as RedisLink, key: 'k', max: 1 });
    const began = performance.now();
    expect(await limit.count('a')).toBe(0);
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});

describe('the site of an address', () => {
  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:ffff::9', true],
    ['2001:db8:1:2::1', '2001:db8:2:2::1', false],
    ['2001:DB8::1', '2001:db8:0:0:5::', true],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['fe80::1%eth0', 'fe80::2', true],
    ['', '', true],
  ])('of %s is that of %s: %s', (one, other, same) => expect(siteOf(one) === siteOf(other)).toBe(same));
});
