import { USER } from './schema/user.js';
import { compareSortValues, parseSortBy, sortValue } from './sort.js';
import { errorOf } from './testing.js';
import { ENTERPRISE_URN } from './urns.js';

describe('sorting (RFC 7644 §3.4.2.3)', () => {
  const resource = {
    userName: 'ÄDA',
    externalId: 'X',
    emails: [{ value: 'B@x' }, { value: 'A@x', primary: true }],
    ims: [{ value: 'first' }, { value: 'second' }],
    meta: { created: '2026-01-31T10:30:00+01:00' },
    [ENTERPRISE_URN]: { manager: { value: 'm' } },
  };
  it.each([
    ['USERNAME', 'äda'],
    ['externalId', 'X'],
    ['emails', 'a@x'],
    ['ims.value', 'first'],
    ['meta.created', '2026-01-31T09:30:00.000Z'],
    [`${ENTERPRISE_URN}:manager`, 'm'],
    ['title', undefined],
    ['name.familyName', undefined],
  ])('by %s goes by %j', (text, expected) => expect(sortValue(parseSortBy(USER, text), resource)).toBe(expected));
  it.each(['', 'nope', 'name', 'a b', '__proto__', ENTERPRISE_URN])('by %j is invalidPath', (text) => {
    expect(errorOf(() => parseSortBy(USER, text)).scimType).toBe('invalidPath');
  });
  it('puts what has no value last, and text by code point', () => {
    expect(['\u{1f600}', undefined, 'b', '\uff5e', 'a'].sort(compareSortValues)).toEqual(['a', 'b', '\uff5e', '\u{1f600}', undefined]);
    expect([undefined, 'a', undefined].map((each) => compareSortValues(each, 'a'))).toEqual([1, 0, 1]);
    expect(compareSortValues(false, true)).toBeLessThan(0);
  });
});
