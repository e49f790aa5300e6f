import { CORE_TYPES, defineResourceType, defineSchema, type JsonObject, ScimError, USER_PARTS } from '@rollcall/scim';
import { parseListQuery, parseSearch, parseSelection } from './query.js';

const PAGE = { count: 100, max: 200 };
const list = (query: string) => parseListQuery('User', new URLSearchParams(query), PAGE);

describe('the query of a list (RFC 7644 §3.4.2.4)', () => {
  it.each([
    ['', 1, 100],
    ['startIndex=3&count=2', 3, 2],
    ['startIndex=0', 1, 100],
    ['startIndex=-4&count=-1', 1, 0],
    ['count=0', 1, 0],
    ['count=201', 1, 200],
    ['count=%201', 1, 1],
    ['startIndex=&count=&filter=', 1, 100],
    ['AzureAdScimPatch062020&sortBy=userName', 1, 100],
    ['STARTINDEX=3&Count=2&startindexes=7', 3, 2],
  ])('“%s” begins at %d, with %d', (query, startIndex, count) => {
    expect(list(query)).toMatchObject({ startIndex, count });
  });

  it.each([
    ['count=ten', 'count: expected a whole number'],
    ['startIndex=1.5', 'startIndex: expected a whole number'],
    ['count=99999999999999999999', 'count: expected a whole number'],
    ['count=1&count=2', 'count: given 2 times'],
    ['count=1&Count=2', 'count: given 2 times'],
    ['attributes=userName&excludedAttributes=emails', 'attributes and excludedAttributes exclude each other'],
  ])('“%s” is refused: %s', (query, detail) => {
    expect(() => list(query)).toThrow(ScimError.of('invalidValue', detail));
  });

  it('a filter that is none is invalidFilter', () => {
    expect(() => list('filter=userName is "x"')).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidFilter' }));
  });

  it('names what to show', () => {
    expect(parseSelection(new URLSearchParams('attributes=userName, emails'))).toEqual({ attributes: ['userName', 'emails'] });
    expect(parseSelection(new URLSearchParams())).toEqual({});
  });
});

describe('the body of a search (RFC 7644 §3.4.3)', () => {
  const search = (body: JsonObject) => parseSearch(['User'], body, PAGE);

  it.each([
    // A Java client sends all numbers as strings.
    [{ startIndex: '3', count: '2' }, 3, 2],
    [{ startIndex: 3, count: 2 }, 3, 2],
    [{ STARTINDEX: ' 3', count: '' }, 3, 100],
    [{ startIndex: null, count: '-1' }, 1, 0],
  ])('%j begins at %d, with %d', (body, startIndex, count) => {
    expect(search(body)).toMatchObject({ startIndex, count });
  });

  it.each([{ count: 'ten' }, { count: '1.5' }, { count: [1] }, { startIndex: true }, { startIndex: '99999999999999999999' }])(
    '%j is 400 invalidValue',
    (body) => {
      expect(() => search(body)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue' }));
    },
  );
});

describe('what a list is not asked by', () => {
  const schema = defineSchema({
    id: 'urn:example:lab',
    name: 'Lab',
    attributes: [
      { name: 'secret', returned: 'never', mutability: 'writeOnly' },
      { name: 'key', type: 'complex', subAttributes: [{ name: 'id' }, { name: 'code', returned: 'never' }] },
    ],
  });
  const User = defineResourceType({ ...USER_PARTS, extensions: [{ schema, required: false }] });
  const asked = (query: string) => parseListQuery('User', new URLSearchParams(query), PAGE, { ...CORE_TYPES, User });

  it.each([
    'urn:example:lab:secret eq "x"',
    'userName pr and not (urn:example:lab:secret sw "x")',
    'urn:example:lab:secret pr',
    'urn:example:lab:key.code gt "a"',
    'urn:example:lab:key[id eq "1" and code eq "a"]',
    'meta.location eq "https://x/scim/v2/Users/1"',
    'meta[location sw "https"]',
  ])('filter=%s: what is never shown would be told by and by, and a location is another one at each host', (filter) => {
    expect(() => asked(`filter=${encodeURIComponent(filter)}`)).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidFilter', detail: expect.stringMatching(/never shown|host/) }),
    );
  });

  it.each(['urn:example:lab:secret', 'urn:example:lab:key.code'])('sortBy=%s: the order would tell it', (sortBy) => {
    expect(() => asked(`sortBy=${sortBy}`)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidPath' }));
  });

  it('but by all else, beside it', () => {
    for (const query of ['filter=urn:example:lab:key.id eq "1"', 'filter=meta.location pr', 'sortBy=urn:example:lab:key.id'])
      expect(asked(query).parts).toHaveLength(1);
  });
});
