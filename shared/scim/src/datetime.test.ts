import * as fc from 'fast-check';
import { canonicalInstant } from './datetime.js';

describe('canonicalInstant', () => {
  it.each([
    ['2026-01-31T09:30:00Z', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T10:30:00+01:00', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T09:30:00', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T09:30:00.123456789Z', '2026-01-31T09:30:00.123Z'],
    ['2026-01-31T24:00:00Z', '2026-02-01T00:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
    ['0050-01-01T00:00:00Z', '0050-01-01T00:00:00.000Z'],
  ])('%s is %s', (text, canonical) => expect(canonicalInstant(text)).toBe(canonical));
  it.each(['', 'now', '2026-01-31', '2026-02-30T00:00:00Z', '2025-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-31T25:00:00Z'])(
    '%j is none',
    (text) => expect(canonicalInstant(text)).toBeUndefined(),
  );
  it.each(['9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00', '12026-01-31T09:30:00Z', '2026-01-31T09:30:00+99:00'])(
    '%j is out of range',
    (text) => expect(canonicalInstant(text)).toBeUndefined(),
  );
  it('agrees with Date on whatever Date prints', () => {
    const years = { min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true };
    fc.assert(fc.property(fc.date(years), (date) => expect(canonicalInstant(date.toISOString())).toBe(date.toISOString())));
  });
});
