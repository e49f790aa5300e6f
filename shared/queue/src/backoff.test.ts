import * as fc from 'fast-check';
import { cappedBackoff } from './backoff.js';

describe('cappedBackoff', () => {
  const options = fc
    .record({ base_ms: fc.integer({ min: 1, max: 10_000 }), more_ms: fc.integer({ min: 0, max: 100_000 }) })
    .map(({ base_ms, more_ms }) => ({ base_ms, max_ms: base_ms + more_ms }));
  const attempt = fc.integer({ min: 1, max: 1_000_000 });
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('waits a whole number of ms, at least 1, at most the cap, and at most the doubled base', () => {
    fc.assert(
      fc.property(attempt, random, options, (n, chance, bounds) => {
        const wait_ms = cappedBackoff(n, chance, bounds);
        expect(Number.isInteger(wait_ms)).toBe(true);
        expect(wait_ms).toBeGreaterThanOrEqual(1);
        expect(wait_ms).toBeLessThanOrEqual(Math.max(1, bounds.max_ms));
        expect(wait_ms).toBeLessThanOrEqual(Math.max(1, bounds.base_ms * 2 ** (n - 1)));
      }),
    );
  });

  it('never waits less for a later try, of the same chance', () => {
    fc.assert(
      fc.property(attempt, random, options, (n, chance, bounds) => {
        expect(cappedBackoff(n + 1, chance, bounds)).toBeGreaterThanOrEqual(cappedBackoff(n, chance, bounds));
      }),
    );
  });

  it.each([
    [1, 0.5, 50],
    [2, 0.5, 100],
    [4, 0.999999, 800],
    [10, 0.5, 2_500],
    [1_000, 0.999999, 5_000],
    [1, 0, 1],
  ])('try %p by chance %p waits %p ms', (n, chance, wait_ms) => {
    expect(cappedBackoff(n, chance, { base_ms: 100, max_ms: 5_000 })).toBe(wait_ms);
  });
});
