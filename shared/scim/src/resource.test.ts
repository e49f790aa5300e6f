import { sameAttributes } from './equal.js';
import { errorBody, SCIM_TYPES, ScimError, type ScimType } from './errors.js';
import { etag, etagMatches } from './etag.js';
import { keepImmutable } from './immutable.js';
import { listResponse, toResource } from './resource.js';
import { defineResourceType, defineSchema } from './schema/definition.js';
import { schemaFromJson } from './schema/from-json.js';
import { USER, USER_PARTS } from './schema/user.js';
import { searchKey, searchTree } from './search-tree.js';
import { errorOf } from './testing.js';
import { ENTERPRISE_URN, ERROR_URN, LIST_RESPONSE_URN, USER_URN } from './urns.js';

describe('toResource', () => {
  it('names the schemas that have values, and says where it is', () => {
    const parts = {
      id: '1',
      version: 7,
      created: '2026-01-01T00:00:00Z',
      lastModified: '2026-01-02T00:00:00Z',
      baseUrl: 'https://x/scim/v2/',
    };
    expect(toResource(USER, { ...parts, attributes: { userName: 'ada', [ENTERPRISE_URN]: { department: 'x' } } })).toEqual({
      schemas: [USER_URN, ENTERPRISE_URN],
      id: '1',
      userName: 'ada',
      [ENTERPRISE_URN]: { department: 'x' },
      meta: {
        resourceType: 'User',
        created: parts.created,
        lastModified: parts.lastModified,
        location: 'https://x/scim/v2/Users/1',
        version: 'W/"7"',
      },
    });
    expect(toResource(USER, { ...parts, attributes: { userName: 'ada' } }).schemas).toEqual([USER_URN]);
  });
  it('listResponse counts what it holds', () => {
    expect(listResponse([{ id: '1' }], { totalResults: 9, startIndex: 3 })).toEqual({
      schemas: [LIST_RESPONSE_URN],
      totalResults: 9,
      startIndex: 3,
      itemsPerPage: 1,
      Resources: [{ id: '1' }],
    });
  });
});

describe('ETags', () => {
  it.each([
    ['W/"7"', true],
    ['"7"', true],
    ['*', true],
    [' W/"1", W/"7" ', true],
    ['W/7', true],
    ['W/"70"', false],
    ['', false],
    ['W/"', false],
    ['nonsense', false],
  ])('%j matches version 7: %s', (header, expected) => expect(etagMatches(header, 7)).toBe(expected));
  it('are weak', () => expect(etag(4294967297)).toBe('W/"4294967297"'));
});

describe('errors (RFC 7644 §3.12)', () => {
  it.each(Object.entries(SCIM_TYPES))('%s is %i', (scimType, status) => {
    const error = ScimError.of(scimType as ScimType, 'why');
    expect(errorBody(error)).toEqual({ schemas: [ERROR_URN], status: String(status), scimType, detail: 'why' });
  });
  it('need no scimType', () => {
    expect(errorBody(new ScimError(404, undefined, 'why'))).toEqual({ schemas: [ERROR_URN], status: '404', detail: 'why' });
  });
});

it('sameAttributes: keys in any order, values in theirs', () => {
  expect(sameAttributes({ a: 1, b: [{ c: 1, d: 2 }] }, { b: [{ d: 2, c: 1 }], a: 1 })).toBe(true);
  expect([
    sameAttributes({ a: [1, 2] }, { a: [2, 1] }),
    sameAttributes({ a: 1 }, {}),
    sameAttributes({ a: {} }, { a: [] }),
    sameAttributes({ a: 0 }, { a: false }),
  ]).toEqual([false, false, false, false]);
});

describe('searchTree', () => {
  it('folds, normalises, and leaves out what is no value', () => {
    const resource = {
      id: 'A',
      externalId: 'B',
      userName: 'ÄDA',
      title: '',
      active: false,
      emails: [{ value: 'A@X', primary: true }, {}, { unknown: 1 }],
      ims: [],
      meta: { created: '2026-01-31T10:30:00+01:00' },
      [ENTERPRISE_URN]: { manager: { value: 'B' } },
      'urn:unknown': { a: 1 },
    };
    expect(searchTree(USER, resource)).toEqual({
      id: 'A',
      externalId: 'B',
      userName: 'äda',
      active: false,
      emails: [{ value: 'a@x', primary: true }],
      meta: { created: '2026-01-31T09:30:00.000Z' },
      enterprise: { manager: { value: 'b' } },
    });
  });
  // Formerly `$ref` stood as it is, and MongoDB answered by rules for database references.
  it('has keys without dots and dollars, one for each name', () => {
    expect([searchKey('$ref'), searchKey(ENTERPRISE_URN), searchKey('urn:x:2.0:y'), searchKey('urn:x:2%2E0:y')]).toEqual([
      '%24ref',
      'enterprise',
      'urn:x:2%2E0:y',
      'urn:x:2%252E0:y',
    ]);
  });
});

describe('schemas of a deployment', () => {
  const json = {
    id: 'urn:example:badge:2.0:User',
    name: 'Badge',
    attributes: [
      { name: 'number', type: 'integer', mutability: 'immutable' },
      { name: 'rooms', type: 'complex', multiValued: true, subAttributes: [{ name: 'value' }] },
    ],
  };
  const badge = schemaFromJson(json);
  const type = defineResourceType({ ...USER_PARTS, extensions: [...(USER_PARTS.extensions ?? []), { schema: badge, required: false }] });

  it('are read from JSON, with the RFC’s defaults', () => {
    expect(badge.attributes[0]).toMatchObject({
      name: 'number',
      type: 'integer',
      required: false,
      returned: 'default',
      uniqueness: 'none',
    });
  });
  it('keep immutable values through a replace', () => {
    const before = { userName: 'a', [badge.id]: { number: 7 } };
    expect(keepImmutable(type, before, { userName: 'b' })).toEqual({ userName: 'b', [badge.id]: { number: 7 } });
    expect(errorOf(() => keepImmutable(type, before, { userName: 'b', [badge.id]: { number: 8 } })).scimType).toBe('mutability');
  });
  it.each(['__proto__', 'constructor', 'toString', 'hasownproperty', 'a.b', 'a b', '1a', '$where', '_id', ''])(
    'may not have an attribute %j',
    (name) => {
      expect(() => defineSchema({ id: 'urn:x:y', name: 'X', attributes: [{ name }] })).toThrow(/not allowed/);
    },
  );
  it.each([
    ['a name twice', () => defineSchema({ id: 'urn:x:y', name: 'X', attributes: [{ name: 'a' }, { name: 'A' }] })],
    ['complex without sub-attributes', () => defineSchema({ id: 'urn:x:y', name: 'X', attributes: [{ name: 'a', type: 'complex' }] })],
    ['no URI', () => defineSchema({ id: 'User', name: 'X', attributes: [{ name: 'a' }] })],
    [
      'a URN twice',
      () =>
        defineResourceType({
          ...USER_PARTS,
          extensions: [
            { schema: badge, required: false },
            { schema: badge, required: false },
          ],
        }),
    ],
    ['JSON of another form', () => schemaFromJson({ id: 1 })],
  ])('may not have %s', (_, define) => expect(define).toThrow());
});
