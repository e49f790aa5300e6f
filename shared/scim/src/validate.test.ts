import * as fc from 'fast-check';
import type { JsonObject, JsonValue } from './json.js';
import { defineResourceType, defineSchema } from './schema/definition.js';
import { GROUP } from './schema/group.js';
import { USER, USER_PARTS } from './schema/user.js';
import { deepFreeze, errorOf, resultOrRefusal } from './testing.js';
import { ENTERPRISE_URN, GROUP_URN, USER_URN } from './urns.js';
import { validateResource } from './validate.js';

const ODD_URN = 'urn:example:params:scim:schemas:extension:odd:2.0:User';
const ODD = defineResourceType({
  ...USER_PARTS,
  extensions: [
    ...(USER_PARTS.extensions ?? []),
    {
      required: false,
      schema: defineSchema({
        id: ODD_URN,
        name: 'Odd',
        attributes: [
          { name: 'count', type: 'integer' },
          { name: 'ratio', type: 'decimal' },
          { name: 'since', type: 'dateTime' },
          { name: 'blob', type: 'binary' },
          { name: 'tags', multiValued: true },
          { name: 'code', required: true },
        ],
      }),
    },
  ],
});

const create = (body: JsonValue) => validateResource(USER, body, { purpose: 'create' }).attributes;
const replace = (body: JsonValue) => validateResource(USER, body, { purpose: 'replace' }).attributes;
const odd = (values: JsonObject) =>
  validateResource(ODD, { userName: 'ada', [ODD_URN]: { code: 'c', ...values } }, { purpose: 'replace' }).attributes[ODD_URN];

describe('validateResource: what is taken', () => {
  it('takes what Okta sends, without the password, and in canonical order', () => {
    const body = deepFreeze({
      schemas: [USER_URN],
      userName: 'ada@example.com',
      name: { givenName: 'Ada', familyName: 'Lovelace' },
      emails: [{ primary: true, value: 'ada@example.com', type: 'work' }],
      externalId: '00u',
      groups: [],
      password: '1mz050nq',
      id: 'mine',
      meta: { resourceType: 'User' },
      locale: null,
    });
    const { attributes, ignored } = validateResource(USER, body, { purpose: 'create', unknownAttributes: 'refuse' });
    expect(JSON.stringify(attributes)).toBe(
      JSON.stringify({
        externalId: '00u',
        userName: 'ada@example.com',
        name: { familyName: 'Lovelace', givenName: 'Ada' },
        active: true,
        emails: [{ value: 'ada@example.com', type: 'work', primary: true }],
      }),
    );
    expect(ignored).toEqual([]);
  });
  it.each<[string, JsonObject, JsonObject]>([
    ['names in any case', { USERNAME: 'ada', Name: { GIVENNAME: 'A' } }, { userName: 'ada', name: { givenName: 'A' } }],
    ['booleans as strings', { userName: 'ada', active: 'FALSE' }, { userName: 'ada', active: false }],
    ['a wrapped single value', { userName: ['ada'], title: [{ value: 'Dr', $ref: null }] }, { userName: 'ada', title: 'Dr' }],
    ['one object for many', { userName: 'ada', emails: { value: 'a@x' } }, { userName: 'ada', emails: [{ value: 'a@x' }] }],
    [
      'bare strings for objects',
      { userName: 'ada', emails: ['a@x', 'b@x'] },
      { userName: 'ada', emails: [{ value: 'a@x' }, { value: 'b@x' }] },
    ],
    [
      'dotted names',
      { userName: 'ada', 'name.givenName': 'A', name: { familyName: 'L' } },
      { userName: 'ada', name: { familyName: 'L', givenName: 'A' } },
    ],
    [
      'a manager as a string',
      { userName: 'ada', [ENTERPRISE_URN]: { manager: '26' } },
      { userName: 'ada', [ENTERPRISE_URN]: { manager: { value: '26' } } },
    ],
    [
      'qualified names',
      { userName: 'ada', [`${ENTERPRISE_URN}:department`]: 'R&D' },
      { userName: 'ada', [ENTERPRISE_URN]: { department: 'R&D' } },
    ],
    [
      'URNs in any case',
      { userName: 'ada', [ENTERPRISE_URN.toUpperCase()]: { division: 'x' } },
      { userName: 'ada', [ENTERPRISE_URN]: { division: 'x' } },
    ],
    ['qualified core names', { [`${USER_URN}:userName`]: 'ada' }, { userName: 'ada' }],
    ['attributes under the core URN', { [USER_URN]: { userName: 'ada' } }, { userName: 'ada' }],
    [
      'nothing for what is empty',
      { userName: 'ada', title: '', nickName: null, emails: [], name: {}, ims: [null, {}] },
      { userName: 'ada' },
    ],
    ['no manager for an empty one', { userName: 'ada', [ENTERPRISE_URN]: { manager: '' } }, { userName: 'ada' }],
    ['no read-only sub-attributes', { userName: 'ada', [ENTERPRISE_URN]: { manager: { displayName: 'B' } } }, { userName: 'ada' }],
    ['one value once', { userName: 'ada', emails: [{ value: 'a@x' }, { value: 'A@X' }] }, { userName: 'ada', emails: [{ value: 'A@X' }] }],
    [
      'schemas left out, null, or with a foreign one',
      { schemas: [USER_URN, 'http://example.com/x'], userName: 'ada' },
      { userName: 'ada' },
    ],
  ])('takes %s', (_, body, attributes) => expect(replace(body)).toEqual(attributes));

  it('fills in active on create, where it is left out, and leaves it to the caller on replace', () => {
    expect([create({ userName: 'a' }), create({ userName: 'a', active: false })]).toMatchObject([{ active: true }, { active: false }]);
    expect(replace({ userName: 'a' })).toEqual({ userName: 'a' });
  });
  it('stores a member once, and reads its id from $ref', () => {
    const members = [{ value: 'a', display: 'A' }, { value: 'a', type: 'User' }, { $ref: 'https://x/scim/v2/Users/b%40c' }];
    const { attributes } = validateResource(GROUP, { schemas: [GROUP_URN], displayName: 'g', members }, { purpose: 'create' });
    expect(attributes.members).toEqual([
      { value: 'a', type: 'User' },
      { value: 'b@c', $ref: 'https://x/scim/v2/Users/b%40c' },
    ]);
  });
  it('ignores what no schema knows, and says so', () => {
    const body = {
      userName: 'a',
      'x\0y': 1,
      _bsontype: 'ObjectId',
      $where: '1',
      name: { odd: 1, givenName: 'A' },
      'urn:x:y': {},
      hasOwnProperty: 1,
    };
    const { attributes, ignored } = validateResource(USER, body, { purpose: 'replace' });
    expect(attributes).toEqual({ userName: 'a', name: { givenName: 'A' } });
    expect(ignored).toEqual(['x\ufffdy', '_bsontype', '$where', 'urn:x:y', 'hasOwnProperty', 'name.odd']);
  });
  it('reads each type', () => {
    const values = { count: '7', ratio: 1.5, since: '2026-01-31T09:30:00Z', blob: 'AAECAw==', tags: ['a', 'A', 'b'] };
    expect(odd(values)).toEqual({ code: 'c', count: 7, ratio: 1.5, since: '2026-01-31T09:30:00Z', blob: 'AAECAw==', tags: ['a', 'b'] });
  });
});

describe('validateResource: what is refused', () => {
  it.each<[JsonValue, string, string]>([
    [[], 'invalidSyntax', 'body: expected an object, got array'],
    ['x', 'invalidSyntax', 'body: expected an object, got string'],
    [{}, 'invalidValue', 'userName: required, but missing'],
    [{ userName: '' }, 'invalidValue', 'userName: required, but missing'],
    [{ userName: ' \t' }, 'invalidValue', 'userName: required, but empty'],
    [{ userName: '\u0085' }, 'invalidValue', 'userName: required, but empty'],
    [{ userName: 42 }, 'invalidValue', 'userName: expected a string, got number'],
    [{ userName: { $gt: '' } }, 'invalidValue', 'userName: expected a string, got object'],
    [{ userName: ['a', 'b'] }, 'invalidValue', 'userName: expected one value, got 2'],
    [{ userName: 'a'.repeat(1_025) }, 'invalidValue', 'userName: at most 1024 characters are taken, got 1025'],
    [{ userName: 'a', externalId: 'a'.repeat(1_025) }, 'invalidValue', 'externalId: at most 1024 characters are taken, got 1025'],
    [
      { userName: 'a', emails: [{ value: 'a'.repeat(1_025) }] },
      'invalidValue',
      'emails[0].value: at most 1024 characters are taken, got 1025',
    ],
    [{ userName: 'a\ud800' }, 'invalidValue', 'userName: holds a lone surrogate, which is no character'],
    [{ userName: 'a', username: 'b' }, 'invalidSyntax', 'userName: given twice, again as "username"'],
    [{ userName: 'a', name: { givenName: 'A', givenname: 'B' } }, 'invalidSyntax', 'name.givenName: given twice, in two spellings'],
    [{ userName: 'a', name: { givenName: 'A' }, 'name.givenName': 'B' }, 'invalidSyntax', 'name.givenName: given twice'],
    [{ userName: 'a', active: 'perhaps' }, 'invalidValue', 'active: expected a boolean, got a string that is neither "true" nor "false"'],
    [{ userName: 'a', active: 1 }, 'invalidValue', 'active: expected a boolean, got number'],
    // It meant that nothing was said, and who was to be deactivated stayed.
    [{ userName: 'a', active: null }, 'invalidValue', 'active: expected a boolean, got null'],
    [{ userName: 'a', active: '' }, 'invalidValue', 'active: expected a boolean, got an empty string'],
    [{ userName: 'a', active: [] }, 'invalidValue', 'active: expected a boolean, got array'],
    [{ userName: 'a', emails: [{ value: 'a' }, { value: true }] }, 'invalidValue', 'emails[1].value: expected a string, got boolean'],
    [{ userName: 'a', emails: 5 }, 'invalidValue', 'emails: expected an object, got number'],
    [{ userName: 'a', emails: [[]] }, 'invalidValue', 'emails[0]: expected an object, got array'],
    [{ userName: 'a', name: 'Ada' }, 'invalidValue', 'name: expected an object, got string'],
    [
      {
        userName: 'a',
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: 'true' },
        ],
      },
      'invalidValue',
      'emails: more than one value is primary',
    ],
    [{ userName: 'a', profileUrl: 'not a url' }, 'invalidValue', 'profileUrl: expected a URI'],
    [{ userName: 'a', x509Certificates: [{ value: '***' }] }, 'invalidValue', 'x509Certificates[0].value: expected base64'],
    [{ userName: 'a', schemas: USER_URN }, 'invalidSyntax', 'schemas: expected an array of strings, got string'],
    [{ userName: 'a', schemas: [1] }, 'invalidSyntax', 'schemas[0]: expected a string, got number'],
    [{ userName: 'a', schemas: [GROUP_URN] }, 'invalidSyntax', `schemas: expected it to name ${USER_URN}`],
    [{ userName: 'a', [ENTERPRISE_URN]: 'x' }, 'invalidValue', `${ENTERPRISE_URN}: expected an object, got string`],
    [
      { userName: 'a', [ENTERPRISE_URN]: { manager: { value: [] }, department: {} } },
      'invalidValue',
      `${ENTERPRISE_URN}:department: expected a string, got object`,
    ],
  ])('%j: %s', (body, scimType, detail) => {
    const error = errorOf(() => create(body));
    expect([error.status, error.scimType, error.detail]).toEqual([400, scimType, detail]);
  });
  it.each<[JsonObject, string]>([
    [{ count: 1.5 }, 'count: expected an integer of at most 53 bits'],
    [{ count: 2 ** 60 }, 'count: expected an integer of at most 53 bits'],
    [{ count: 'x' }, 'count: expected an integer, got string'],
    [{ ratio: Number.POSITIVE_INFINITY }, 'ratio: expected a number that a double can hold'],
    [{ since: 'yesterday' }, 'since: expected a dateTime such as "2026-01-31T09:30:00Z"'],
    [{ tags: [false] }, 'tags[0]: expected a string, got boolean'],
    [{ code: ' ' }, 'code: required, but empty'],
  ])('extension %j: %s', (values, detail) => expect(errorOf(() => odd(values)).detail).toBe(`${ODD_URN}:${detail}`));

  it('refuses what no schema knows where it is told to, and never what identity providers always send', () => {
    const refuse = (body: JsonObject) => validateResource(USER, body, { purpose: 'create', unknownAttributes: 'refuse' });
    expect(errorOf(() => refuse({ userName: 'a', nick: 'x' })).detail).toBe(
      '"nick": no schema of this resource type has such an attribute',
    );
    expect(refuse({ userName: 'a', password: 'x', groups: [], meta: {}, id: 1 }).attributes).toEqual({ userName: 'a', active: true });
  });
});

describe('validateResource: properties', () => {
  const keys = fc.constantFrom(
    ...USER.attributes.map((each) => each.name),
    'password',
    ENTERPRISE_URN,
    `${ENTERPRISE_URN}:manager`,
    '__proto__',
    'constructor',
  );
  const value = fc.jsonValue() as fc.Arbitrary<JsonValue>;
  const nested = fc.dictionary(fc.constantFrom('value', 'type', 'primary', '$ref', 'givenName', 'manager', '__proto__', 'toString'), value);
  const body = fc
    .array(fc.tuple(keys, fc.oneof(value, nested, fc.array(nested, { maxLength: 3 }))))
    .map((entries) => Object.fromEntries(entries) as JsonObject);

  it('gives a result or a ScimError, touches neither input nor prototypes, and is its own fixed point', () => {
    fc.assert(
      fc.property(body, (raw) => {
        const attributes = resultOrRefusal(() => create(deepFreeze({ userName: 'ada', ...raw })));
        expect(Object.keys(Object.prototype)).toEqual([]);
        if (attributes !== undefined) expect(create(JSON.parse(JSON.stringify(attributes)) as JsonValue)).toEqual(attributes);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('validateResource: members of a group', () => {
  const members = (value: JsonValue) =>
    validateResource(GROUP, { displayName: 'Team', members: value }, { purpose: 'replace' }).attributes.members;

  // They were left out with success, and a replacement by nothing else emptied the group.
  it.each<[JsonValue, number]>([
    [[{ value: '' }], 0],
    [[{ value: null, display: 'x' }], 0],
    [[{ display: 'x' }], 0],
    [[{ $ref: '' }], 0],
    [[{}], 0],
    [[null], 0],
    [[''], 0],
    [{}, -1],
    [[{ value: 'a' }, { value: '' }], 1],
  ])('that name nobody are refused: %j', (value, at) => {
    const { status, scimType, detail } = errorOf(() => members(value));
    expect([status, scimType, detail]).toEqual([400, 'invalidValue', `members${at < 0 ? '' : `[${at}]`}.value: required, but missing`]);
  });

  it.each<JsonValue>([[], null, ''])('may be nobody: %j', (value) => expect(members(value)).toBeUndefined());

  it('are named by value, by a bare string or by $ref', () => {
    expect(members([{ value: 'a', display: '' }, 'b', { $ref: 'https://example.com/Users/c' }])).toMatchObject([
      { value: 'a' },
      { value: 'b' },
      { value: 'c' },
    ]);
  });
});
