// A success says that what was asked is done: for each attribute, in whatever form clients have been seen to write it, it is done, or refused.
import type { JsonObject, JsonValue } from './json.js';
import { applyPatch } from './patch/apply.js';
import { splitMemberOperations } from './patch/members.js';
import { parsePatch } from './patch/operation.js';
import type { AttributeDefinition, ResourceTypeDefinition } from './schema/definition.js';
import { GROUP } from './schema/group.js';
import { USER } from './schema/user.js';
import { deepFreeze, errorOf, resultOrRefusal } from './testing.js';
import { ENTERPRISE_URN, GROUP_URN, USER_URN } from './urns.js';
import { validateResource } from './validate.js';

const OPS = ['add', 'replace', 'remove'] as const;

/** An attribute that a client may write, or one of its sub-attributes. */
interface Known {
  readonly type: ResourceTypeDefinition;
  readonly schema: string;
  readonly isExtension: boolean;
  readonly attribute: AttributeDefinition;
  readonly sub: AttributeDefinition | undefined;
  /** As a path that is right. */
  readonly path: string;
}

const isWritable = ({ mutability }: AttributeDefinition): boolean => mutability !== 'readOnly';
const known = (type: ResourceTypeDefinition): Known[] => {
  const of = (schema: string, isExtension: boolean, attributes: readonly AttributeDefinition[]): Known[] =>
    attributes.filter(isWritable).flatMap((attribute) =>
      [undefined, ...(attribute.subAttributes ?? []).filter(isWritable)].map((sub) => ({
        ...{ type, schema, isExtension, attribute, sub },
        path: `${isExtension ? `${schema}:` : ''}${attribute.name}${sub === undefined ? '' : `.${sub.name}`}`,
      })),
    );
  return [
    of(type.schema.id, false, type.attributes),
    ...type.extensions.map(({ schema }) => of(schema.id, true, schema.attributes)),
  ].flat();
};
const ALL = [...known(USER), ...known(GROUP)].map((each): [string, Known] => [`${each.type.name} ${each.path}`, each]);

/** A value that is right, another one for each letter. */
function good(attribute: AttributeDefinition, letter: 'a' | 'b'): JsonValue {
  if (attribute.type === 'boolean') return letter === 'a';
  if (attribute.type === 'complex') {
    const subs = (attribute.subAttributes ?? []).filter(isWritable);
    const one = Object.fromEntries(subs.map((sub) => [sub.name, good(sub, letter)]));
    return attribute.multiValued ? [one] : one;
  }
  return attribute.type === 'binary' ? (letter === 'a' ? 'YQ==' : 'Yg==') : letter;
}

/** A resource that has a value for everything. */
function whole(type: ResourceTypeDefinition): JsonObject {
  const body: JsonObject = {};
  for (const attribute of type.attributes.filter(isWritable)) body[attribute.name] = good(attribute, 'a');
  for (const { schema } of type.extensions)
    body[schema.id] = Object.fromEntries(schema.attributes.filter(isWritable).map((each) => [each.name, good(each, 'a')]));
  return deepFreeze(validateResource(type, body, { purpose: 'create' }).attributes);
}
const BEFORE = new Map([USER, GROUP].map((type) => [type, whole(type)]));

const patched = (type: ResourceTypeDefinition, operation: JsonObject, before = BEFORE.get(type)!) =>
  applyPatch(type, before, parsePatch(type, { Operations: [operation] }));
const validated = (type: ResourceTypeDefinition, purpose: 'create' | 'replace', more: JsonObject) => {
  const named = type === USER ? { userName: 'somebody' } : { displayName: 'some group' };
  // The attribute that must be there may be the one that is tried.
  const rest = Object.keys(named).some((name) => Object.keys(more).some((key) => key.toLowerCase().includes(name.toLowerCase())))
    ? {}
    : named;
  return validateResource(type, { ...rest, ...more }, { purpose });
};
/** What a resource has at a place. */
const at = ({ isExtension, schema, attribute }: Known, attributes: JsonObject): string =>
  JSON.stringify((isExtension ? (attributes[schema] as JsonObject | undefined) : attributes)?.[attribute.name]) ?? '';

describe('a name that is nearly right', () => {
  it.each(ALL)('of %s: a dot for the colon behind the URN is read as the colon', (_, each) => {
    const { type, schema, attribute, sub, path } = each;
    const value = good(sub ?? attribute, 'b');
    const name = `${attribute.name}${sub === undefined ? '' : `.${sub.name}`}`;
    const [dotted, right] = [`${schema}.${name}`, `${schema}:${name}`];
    for (const op of OPS) {
      for (const shape of [
        (key: string): JsonObject => ({ op, path: key, value }),
        (key: string): JsonObject => ({ op, value: { [key]: value } }),
      ]) {
        const outcome = (key: string) => resultOrRefusal(() => patched(type, shape(key)))?.attributes;
        expect(outcome(dotted)).toEqual(outcome(path));
      }
    }
    for (const purpose of ['create', 'replace'] as const) {
      const outcome = (key: string) => resultOrRefusal(() => validated(type, purpose, { [key]: value }));
      expect(outcome(dotted)).toEqual(outcome(right));
    }
  });

  it.each(ALL)(
    'of %s: what begins with a known schema or attribute is done or 400 invalidPath',
    (_, { type, schema, attribute, sub, path }) => {
      const name = sub?.name ?? attribute.name;
      const others = [USER_URN, GROUP_URN, ENTERPRISE_URN].filter((urn) => urn !== schema);
      const table = (urn: string) => (urn === type.schema.id ? type.byName : type.byUrn.get(urn.toLowerCase())?.byName);
      const names = [
        ...['/', '#', '::', ':.', ' ', ': '].map((separator) => `${schema}${separator}${attribute.name}`),
        ...others
          .filter((urn) => !table(urn)?.has(attribute.name))
          .flatMap((urn) => [`${urn}:${attribute.name}`, `${urn}.${attribute.name}`]),
        `${schema}:${attribute.name}x`,
        `${schema}:${attribute.name.slice(0, -1)}`,
        `${schema}:nope.${name}`,
        `${path}.nope`,
        `${path}.nope.x`,
        `${path}[${attribute.subAttributes?.[0]?.name ?? 'value'} eq "a"].nope`,
      ];
      const value = good(sub ?? attribute, 'b');
      for (const key of names) {
        for (const op of OPS) expect([key, errorOf(() => patched(type, { op, path: key, value })).scimType]).toEqual([key, 'invalidPath']);
        for (const op of ['add', 'replace']) {
          const beside = () => patched(type, { op, value: { externalId: 'new', [key]: value } });
          expect([key, errorOf(beside).scimType]).toEqual([key, 'invalidPath']);
        }
        for (const purpose of ['create', 'replace'] as const)
          expect([key, errorOf(() => validated(type, purpose, { [key]: value })).scimType]).toEqual([key, 'invalidPath']);
      }
    },
  );

  it.each(ALL)('of %s: what nothing knows is 400 in an operation of its own, and else left out and told of', (_, each) => {
    const { type, attribute, sub, path } = each;
    const value = good(sub ?? attribute, 'b');
    const misspelt = `${attribute.name}x${sub === undefined ? '' : `.${sub.name}`}`;
    for (const key of [misspelt, attribute.name.slice(0, -1), `${type.name}.${path}`, `urn:example:nope:2.0:User:${attribute.name}`]) {
      if (type.byName.has(key) || (key.includes(':') && !key.startsWith('urn:example'))) continue;
      for (const op of OPS) expect([key, errorOf(() => patched(type, { op, path: key, value })).scimType]).toEqual([key, 'invalidPath']);
      for (const op of ['add', 'replace']) {
        expect(errorOf(() => patched(type, { op, value: { [key]: value } })).scimType).toBe('invalidPath');
        const { attributes, ignored } = patched(type, { op, value: { externalId: 'new', [key]: value } });
        expect([attributes.externalId, ignored]).toEqual(['new', [key]]);
      }
      const named = type === USER ? { userName: 'somebody' } : { displayName: 'some group' };
      for (const purpose of ['create', 'replace'] as const)
        expect(validateResource(type, { ...named, [key]: value }, { purpose }).ignored).toEqual([key]);
    }
  });
});

describe('a value that is wrong', () => {
  const WRONG: readonly JsonValue[] = [
    true,
    7,
    7.5,
    'x',
    ' ',
    '',
    null,
    {},
    { nope: 1 },
    [],
    [[]],
    [null],
    [{}],
    [{ nope: 1 }],
    ['x', 'y'],
    '{',
    '{"nope":1}',
    '[1,2]',
  ];

  it.each(ALL)('for %s: an add or replace changes the attribute, or is 400', (_, each) => {
    const { type, attribute, sub, path } = each;
    for (const value of WRONG) {
      for (const op of ['add', 'replace'] as const) {
        // An add of nothing to what is multi-valued asks for nothing (RFC 7644 §3.5.2.1), as does the name of a value that is there.
        if (op === 'add' && (attribute.multiValued || sub?.multiValued)) continue;
        const shapes: JsonObject[] = [
          { op, path, value },
          { op, value: { [path]: value } },
        ];
        for (const shape of shapes) {
          const result = resultOrRefusal(() => patched(type, shape));
          // An empty object says nothing of what a complex attribute has.
          const saysNothing = ['{}', '[{}]'].includes(JSON.stringify(value)) && attribute.type === 'complex' && sub === undefined;
          if (result !== undefined && !saysNothing && value !== true)
            expect({ value, op, changed: at(each, result.attributes) !== at(each, BEFORE.get(type)!) }).toEqual({
              value,
              op,
              changed: true,
            });
        }
      }
    }
  });

  it.each(['POST', 'PUT'] as const)('of active by %s is 400 invalidValue, and never the default', (method) => {
    for (const active of [null, '', [], [null], {}, 'no', ' ', 0, 1, [true, false], { value: false }])
      expect(errorOf(() => validated(USER, method === 'POST' ? 'create' : 'replace', { active })).scimType).toBe('invalidValue');
    for (const active of [false, 'False', 'false', [false], [{ value: 'false' }], { active: false }, { ACTIVE: 'False' }])
      expect(validated(USER, 'create', { active }).attributes.active).toBe(false);
  });

  it.each(OPS)('of active by PATCH %s is 400, with a path or without', (op) => {
    for (const value of [null, '', [], [null], {}, 'no', ' ', 0, 1, { value: false }, { active: null }, { active: '' }]) {
      expect(errorOf(() => patched(USER, { op, path: 'active', value })).status).toBe(400);
      if (op !== 'remove') expect(errorOf(() => patched(USER, { op, value: { active: value } })).scimType).toBe('invalidValue');
    }
  });
});

describe('JSON in a string', () => {
  const ids = (value: JsonValue | undefined) => (value as JsonObject[] | undefined)?.map((each) => each.value);
  const team = deepFreeze({ displayName: 'Team', members: [{ value: 'a' }, { value: 'b' }] });
  const group = (operation: JsonObject) => patched(GROUP, operation, team).attributes;

  it('is the value that it says, where the attribute is complex', () => {
    expect(ids(group({ op: 'replace', path: 'members', value: '[{"value":"c"}]' }).members)).toEqual(['c']);
    expect(ids(group({ op: 'add', path: 'members', value: ' {"value":"c"}' }).members)).toEqual(['a', 'b', 'c']);
    expect(ids(group({ op: 'remove', path: 'members', value: '["a"]' }).members)).toEqual(['b']);
    expect(group({ op: 'replace', value: '{"displayName":"New"}' })).toEqual({ ...team, displayName: 'New' });
    const user = (path: string, value: string) =>
      patched(USER, { op: 'replace', path, value }, { userName: 'a', emails: [{ value: 'a@x' }] }).attributes;
    expect(user('emails[value eq "a@x"]', '{"type":"home","value":"b@x"}').emails).toEqual([{ value: 'b@x', type: 'home' }]);
    expect(user('name', '{"givenName":"A"}').name).toEqual({ givenName: 'A' });
    expect(user('emails', '"b@x"').emails).toEqual([{ value: 'b@x' }]);
    expect(user(ENTERPRISE_URN, '{"department":"x","manager":"{\\"value\\":\\"7\\"}"}')[ENTERPRISE_URN]).toEqual({
      department: 'x',
      manager: { value: '7' },
    });
    expect(validated(USER, 'create', { emails: '[{"value":"b@x"}]', [ENTERPRISE_URN]: '{"department":"x"}' }).attributes).toMatchObject({
      emails: [{ value: 'b@x' }],
      [ENTERPRISE_URN]: { department: 'x' },
    });
  });

  it('is 400 where it does not fit, and a plain text where it is no JSON', () => {
    for (const value of ['{"nope":1}', '[[]]', '{"value":{}}', `${'['.repeat(101)}${']'.repeat(101)}`])
      expect(errorOf(() => group({ op: 'replace', path: 'members', value })).status).toBe(400);
    for (const value of ['[1', 'x', '"x"', '["displayName"]', 'null'])
      expect(errorOf(() => group({ op: 'replace', value })).scimType).toBe('invalidValue');
    for (const value of ['a@x', '5551234', '{admin}', '[x', 'null', 'true'])
      expect(validated(USER, 'create', { roles: value }).attributes.roles).toEqual([{ value }]);
    // An attribute that is a text itself may hold any.
    expect(validated(USER, 'create', { title: '{"a":1}' }).attributes.title).toBe('{"a":1}');
  });
});

describe('the name of an attribute once more in its value', () => {
  it.each<[JsonObject, string, JsonValue]>([
    [{ op: 'replace', path: 'active', value: { active: false } }, 'active', false],
    [{ op: 'replace', path: 'title', value: { Title: 'b' } }, 'title', 'b'],
    [{ op: 'replace', path: 'title', value: { [`${USER_URN}:title`]: 'b' } }, 'title', 'b'],
    [{ op: 'replace', value: { active: { active: 'False' } } }, 'active', false],
    [{ op: 'replace', path: 'emails', value: { emails: [{ value: 'b' }] } }, 'emails', [{ value: 'b' }]],
    [
      { op: 'replace', path: 'name.givenName', value: { givenName: 'b' } },
      'name',
      { ...(BEFORE.get(USER)!.name as JsonObject), givenName: 'b' },
    ],
    [{ op: 'replace', path: 'roles', value: { roles: '[{"value":"b"}]' } }, 'roles', [{ value: 'b' }]],
    [
      { op: 'replace', path: ENTERPRISE_URN, value: { [ENTERPRISE_URN]: { department: 'b' } } },
      ENTERPRISE_URN,
      { ...(BEFORE.get(USER)![ENTERPRISE_URN] as JsonObject), department: 'b' },
    ],
  ])('%j means the value', (operation, name, value) => expect(patched(USER, operation).attributes[name]).toEqual(value));

  it('of members adds, removes and replaces those named, in whole and as a change; naming none removes none', () => {
    const team = deepFreeze({ displayName: 'Team', members: [{ value: 'a' }, { value: 'b' }] });
    for (const [op, inner, expected] of [
      ['add', [{ value: 'c' }], ['a', 'b', 'c']],
      ['remove', [{ value: 'a' }], ['b']],
      ['replace', [{ value: 'c' }], ['c']],
      ['remove', [], ['a', 'b']],
      ['remove', null, ['a', 'b']],
      ['remove', '', ['a', 'b']],
    ] as const) {
      const operations = parsePatch(GROUP, { Operations: [{ op, path: 'members', value: { members: inner as JsonValue } }] });
      expect((applyPatch(GROUP, team, operations).attributes.members as JsonObject[]).map(({ value }) => value)).toEqual(expected);
      const [change] = splitMemberOperations(GROUP, operations)!.changes;
      const named = (inner as readonly JsonObject[] | null | '') || [];
      expect(change).toEqual(op === 'remove' ? { kind: 'remove', values: named.map(({ value }) => value) } : { kind: op, members: named });
    }
  });
});

describe('numbers for strings', () => {
  const employee = (employeeNumber: JsonValue) =>
    (validated(USER, 'create', { [ENTERPRISE_URN]: { employeeNumber } }).attributes[ENTERPRISE_URN] as JsonObject).employeeNumber;

  it.each<[number, string]>([
    [12345, '12345'],
    [0, '0'],
    [-7, '-7'],
    [1.5, '1.5'],
    [0.1, '0.1'],
    [9_007_199_254_740_991, '9007199254740991'],
  ])('%d is taken as its decimals', (number, text) => {
    expect(employee(number)).toBe(text);
    expect(
      patched(USER, { op: 'replace', path: `${ENTERPRISE_URN}:employeeNumber`, value: number }).attributes[ENTERPRISE_URN],
    ).toMatchObject({
      employeeNumber: text,
    });
  });
  // JSON.parse has lost digits by then: another number would be stored than the client sent.
  it.each([9_007_199_254_740_992, 1e21, 1e-7, 0.1234567890123456])('%d is 400, as it may not be what was sent', (number) =>
    expect(errorOf(() => employee(number)).scimType).toBe('invalidValue'),
  );
  it('are 400 for a name that must be unique, and where a text is a date, a URI or base64', () => {
    expect(errorOf(() => validated(USER, 'create', { userName: 42 })).scimType).toBe('invalidValue');
    expect(errorOf(() => validated(GROUP, 'create', { displayName: 42 })).scimType).toBe('invalidValue');
    expect(errorOf(() => validated(USER, 'create', { profileUrl: 42 })).scimType).toBe('invalidValue');
    expect(errorOf(() => validated(USER, 'create', { x509Certificates: [{ value: 4242 }] })).scimType).toBe('invalidValue');
  });
});

it('a path that is empty is none', () => {
  expect(patched(USER, { op: 'replace', path: '', value: { title: 'b' } }).attributes.title).toBe('b');
  expect(errorOf(() => patched(USER, { op: 'remove', path: '' })).scimType).toBe('noTarget');
});

it('what identity providers send beside what they change is never refused', () => {
  for (const value of [{ id: 'x' }, { password: 'x' }, { groups: [] }, { meta: {} }, { schemas: [] }])
    expect(patched(USER, { op: 'replace', value }).attributes).toEqual(BEFORE.get(USER));
});
