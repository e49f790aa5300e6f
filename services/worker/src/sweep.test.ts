import { compare } from './audit.js';
import { overdue } from './sweep.js';

describe('tenants that have waited too long', () => {
  const tenant = (name: string, oldestPending_ms: number) => ({ tenant: name, pending: 1, oldestPending_ms, dead: 0 });
  it('are those over the age, the oldest first', () => {
    expect(overdue({ tenants: [tenant('a', 2_500), tenant('b', 2_000), tenant('c', 9_000), tenant('d', 0)] }, 2_000)).toEqual(['c', 'a']);
  });
});

describe('a settled copy and MongoDB', () => {
  const copy = { version: 7, stamp: 's' };
  it.each([
    ['are the same', { version: 7, stamp: 's' }, 'same'],
    ['MongoDB has lost it', undefined, 'lost'],
    ['MongoDB has gone back', { version: 6, stamp: 'r' }, 'lost'],
    ['MongoDB has another state under this version', { version: 7, stamp: 'r' }, 'lost'],
    ['Redis has missed one', { version: 8, stamp: 't' }, 'behind'],
  ])('%s', (_, document, difference) => {
    expect(compare(copy, document)).toBe(difference);
  });
});
