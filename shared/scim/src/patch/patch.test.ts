import * as fc from 'fast-check';
import { ELEMENTS_MAX, type JsonObject, type JsonValue } from '../json.js';
import { defineResourceType, defineSchema } from '../schema/definition.js';
import { GROUP } from '../schema/group.js';
import { USER, USER_PARTS } from '../schema/user.js';
import { deepFreeze, errorOf, resultOrRefusal } from '../testing.js';
import { ENTERPRISE_URN, PATCH_OP_URN, USER_URN } from '../urns.js';
import { validateResource } from '../validate.js';
import { applyPatch } from './apply.js';
import { splitMemberOperations } from './members.js';
import { PATCH_OPERATIONS_MAX, PATCH_TERMS_MAX, parsePatch } from './operation.js';

const WORK = { value: 'ada@example.com', type: 'work', primary: true };
const HOME = { value: 'ada@home.example', type: 'home' };
const ADA: JsonObject = deepFreeze({
  userName: 'ada',
  name: { familyName: 'Lovelace', givenName: 'Ada' },
  title: 'Countess',
  active: true,
  emails: [WORK, HOME],
  [ENTERPRISE_URN]: { department: 'R&D', manager: { value: 'boss', $ref: '../Users/boss' } },
});
const TEAM: JsonObject = deepFreeze({ displayName: 'Team', members: [{ value: 'a' }, { value: 'b' }, { value: 'c' }] });

const patch = (...operations: JsonValue[]) => {
  const body = deepFreeze({ schemas: [PATCH_OP_URN], Operations: operations });
  return applyPatch(USER, ADA, parsePatch(USER, body)).attributes;
};
const patchTeam = (...operations: JsonValue[]) => applyPatch(GROUP, TEAM, parsePatch(GROUP, { Operations: operations })).attributes;
const set = (path: string, value: JsonValue) => patch({ op: 'replace', path, value });
const add = (path: string, value: JsonValue) => patch({ op: 'add', path, value });
const remove = (path: string) => patch({ op: 'remove', path });

describe('PATCH: by path', () => {
  it.each<[string, () => JsonObject, JsonObject]>([
    ['replaces a value', () => set('title', 'Dr'), { title: 'Dr' }],
    ['takes op and names in any case', () => patch({ OP: 'RePlace', Path: 'TITLE', Value: 'Dr', name: 'x' }), { title: 'Dr' }],
    ['adds a value', () => add('nickName', 'A'), { nickName: 'A' }],
    ['replaces a sub-attribute', () => set('name.familyName', 'King'), { name: { familyName: 'King', givenName: 'Ada' } }],
    ['merges into a complex attribute', () => add('name', { familyName: 'King' }), { name: { familyName: 'King', givenName: 'Ada' } }],
    [
      'replace leaves the sub-attributes not given (§3.5.2.3)',
      () => set('name', { familyName: 'King' }),
      { name: { familyName: 'King', givenName: 'Ada' } },
    ],
    ['null clears one sub-attribute', () => set('name', { familyName: null }), { name: { givenName: 'Ada' } }],
    ['reads booleans as strings', () => set('active', 'False'), { active: false }],
    ['unwraps a single value', () => set('title', [{ value: 'Dr', $ref: null }]), { title: 'Dr' }],
    [
      'reaches an extension',
      () => add(`${ENTERPRISE_URN}:division`, 'x'),
      { [ENTERPRISE_URN]: { ...(ADA[ENTERPRISE_URN] as JsonObject), division: 'x' } },
    ],
    [
      'takes $ref in any case too',
      () => add(`${ENTERPRISE_URN}:manager.$REF`, '../Users/cto'),
      { [ENTERPRISE_URN]: { department: 'R&D', manager: { value: 'boss', $ref: '../Users/cto' } } },
    ],
    ['takes the core URN too', () => set(`${USER_URN}:title`, 'Dr'), { title: 'Dr' }],
    [
      'takes a manager as a string, and drops the reference to the former',
      () => set(`${ENTERPRISE_URN}:manager`, 'cto'),
      { [ENTERPRISE_URN]: { department: 'R&D', manager: { value: 'cto' } } },
    ],
    [
      'takes a whole extension',
      () => add(ENTERPRISE_URN, { costCenter: '7', department: null }),
      { [ENTERPRISE_URN]: { costCenter: '7', manager: { value: 'boss', $ref: '../Users/boss' } } },
    ],
  ])('%s', (_, run, changes) => expect(run()).toEqual({ ...ADA, ...changes }));

  it.each<[string, () => JsonObject, string]>([
    ['the empty string', () => set('title', ''), 'title'],
    ['null', () => set('title', null), 'title'],
    ['an empty list', () => set('emails', []), 'emails'],
    ['remove', () => remove('title'), 'title'],
    ['remove of a complex attribute', () => remove('name'), 'name'],
    ['remove of a whole extension', () => remove(ENTERPRISE_URN), ENTERPRISE_URN],
    ['remove of all elements by filter', () => remove('emails[value pr]'), 'emails'],
  ])('%s leaves the attribute unassigned', (_, run, gone) => {
    const { [gone]: __, ...rest } = ADA;
    expect(run()).toEqual(rest);
  });

  it('an extension of which nothing is left is gone', () => {
    const without = patch(
      { op: 'remove', path: `${ENTERPRISE_URN}:department` },
      { op: 'replace', path: `${ENTERPRISE_URN}:manager`, value: '' },
    );
    expect(without[ENTERPRISE_URN]).toBeUndefined();
  });
});

describe('PATCH: multi-valued attributes', () => {
  it.each<[string, () => JsonObject, JsonValue]>([
    ['adds an element', () => add('emails', [{ value: 'x', type: 'other' }]), [WORK, HOME, { value: 'x', type: 'other' }]],
    ['adds one that comes alone, or as a bare string', () => add('emails', 'x'), [WORK, HOME, { value: 'x' }]],
    ['adds nothing twice', () => add('emails', [HOME]), [WORK, HOME]],
    ['adds nothing for an empty list', () => add('emails', []), [WORK, HOME]],
    ['replaces them all', () => set('emails', [HOME]), [HOME]],
    [
      'hands primary over on add',
      () => add('emails', { value: 'x', primary: true }),
      [{ ...WORK, primary: false }, HOME, { value: 'x', primary: true }],
    ],
    [
      'hands primary over by value path',
      () => set('emails[type eq "home"].primary', 'True'),
      [
        { ...WORK, primary: false },
        { ...HOME, primary: true },
      ],
    ],
    [
      'hands primary over to one that is there',
      () => add('emails', { ...HOME, primary: true }),
      [
        { ...WORK, primary: false },
        { ...HOME, primary: true },
      ],
    ],
    ['changes a sub-attribute by value path', () => set('emails[type eq "work"].value', 'x'), [{ ...WORK, value: 'x' }, HOME]],
    [
      'finds the element without regard to case',
      () => set('emails[TYPE EQ "Work"].display', 'A'),
      [{ value: WORK.value, display: 'A', type: 'work', primary: true }, HOME],
    ],
    [
      'replaces a whole element, which keeps what its filter asks',
      () => set('emails[type eq "work"]', { value: 'x' }),
      [{ value: 'x', type: 'work' }, HOME],
    ],
    [
      'adds to an element',
      () => add('emails[type eq "work"]', { display: 'A' }),
      [{ value: WORK.value, display: 'A', type: 'work', primary: true }, HOME],
    ],
    [
      'makes the element that a filter asks for',
      () => add('emails[type eq "other"].value', 'x'),
      [WORK, HOME, { value: 'x', type: 'other' }],
    ],
    [
      'makes it on replace too',
      () => set('emails[type eq "other" and primary eq false]', { value: 'x' }),
      [WORK, HOME, { value: 'x', type: 'other', primary: false }],
    ],
    ['makes none to clear it', () => set('emails[type eq "other"].value', ''), [WORK, HOME]],
    ['removes by filter', () => remove('emails[type eq "home"]'), [WORK]],
    ['removes nothing where nothing is', () => remove('emails[type eq "other"]'), [WORK, HOME]],
    ['removes a sub-attribute by filter', () => remove('emails[type eq "work"].primary'), [{ value: WORK.value, type: 'work' }, HOME]],
    ['removes a sub-attribute of all', () => remove('emails.type'), [{ value: WORK.value, primary: true }, { value: HOME.value }]],
    [
      'removes the listed elements',
      () => patch({ op: 'Remove', path: 'emails', value: [{ value: 'ADA@home.example', type: 'home' }] }),
      [WORK],
    ],
    [
      'stores once what is the same without a removed sub-attribute',
      () => patch({ op: 'add', path: 'emails', value: { value: WORK.value, type: 'other' } }, { op: 'remove', path: 'emails.type' }),
      [{ value: WORK.value, primary: true }, { value: HOME.value }],
    ],
    ['removes nobody for an empty list', () => patch({ op: 'Remove', path: 'emails', value: [] }), [WORK, HOME]],
    ['clears an element by null', () => set('emails[type eq "home"]', null), [WORK]],
  ])('%s', (_, run, emails) => expect(run().emails).toEqual(emails));

  it('two adds by one value path make one element', () => {
    const path = (sub: string) => `addresses[type eq "work"].${sub}`;
    const { addresses } = patch({ op: 'Add', path: path('streetAddress'), value: 'S' }, { op: 'Add', path: path('locality'), value: 'L' });
    expect(addresses).toEqual([{ streetAddress: 'S', locality: 'L', type: 'work' }]);
  });
  it('makes a primary role of [primary eq "True"]', () => {
    expect(patch({ op: 'Add', path: 'roles[primary eq "True"].value', value: 'reader' }).roles).toEqual([
      { value: 'reader', primary: true },
    ]);
  });
});

describe('PATCH: without a path', () => {
  it('takes dotted names, URNs and value paths as keys, and leaves out what is read-only', () => {
    const value = {
      id: 'x',
      schemas: [],
      groups: [{ value: 'x' }],
      meta: {},
      password: 'x',
      displayName: 'A',
      'name.givenName': 'Augusta',
      [`${ENTERPRISE_URN}:department`]: 'Maths',
      [`${ENTERPRISE_URN}:manager.displayName`]: 'x',
      [ENTERPRISE_URN]: { costCenter: '7', manager: { displayName: 'x' } },
      'emails[type eq "work"].value': 'x',
    };
    expect(patch({ op: 'Replace', value })).toEqual({
      ...ADA,
      displayName: 'A',
      name: { familyName: 'Lovelace', givenName: 'Augusta' },
      emails: [{ ...WORK, value: 'x' }, HOME],
      [ENTERPRISE_URN]: { costCenter: '7', department: 'Maths', manager: { value: 'boss', $ref: '../Users/boss' } },
    });
  });
  it('notes what no schema knows', () => {
    const unknown = { nope: 1, 'a b': 1, __proto__x: 1, 'foo.bar': 1, 'foo[a eq 1].b': 1, 'urn:x:2.0:y': 1 };
    const operations = [
      { op: 'replace', value: { ...unknown, title: 'Dr', name: { familyName: 'King', odd: 1 } } },
      { op: 'add', path: ENTERPRISE_URN, value: { division: 'x', shoeSize: 41 } },
      { op: 'add', path: 'password', value: 1 },
    ];
    const { attributes, ignored } = applyPatch(USER, ADA, parsePatch(USER, { Operations: operations }));
    const extension = { ...(ADA[ENTERPRISE_URN] as JsonObject), division: 'x' };
    expect(attributes).toEqual({ ...ADA, title: 'Dr', name: { familyName: 'King', givenName: 'Ada' }, [ENTERPRISE_URN]: extension });
    expect(ignored).toEqual([...Object.keys(unknown), 'name.odd', `${ENTERPRISE_URN}:shoeSize`]);
    for (const operation of operations.slice(0, 2)) {
      const refusing = () => applyPatch(USER, ADA, parsePatch(USER, { Operations: [operation] }), { unknownAttributes: 'refuse' });
      expect(errorOf(refusing).scimType).toBe('invalidSyntax');
    }
  });
});

describe('PATCH: what is refused', () => {
  it.each<[JsonValue, string | undefined, string]>([
    [[], 'invalidSyntax', 'body: expected an object, got array'],
    [{}, 'invalidSyntax', 'Operations: expected an array, got undefined'],
    [{ Operations: [] }, 'invalidSyntax', 'Operations: expected at least one, got none'],
    [{ schemas: [USER_URN], Operations: [{}] }, 'invalidSyntax', `schemas: expected ["${PATCH_OP_URN}"]`],
    [{ Operations: [1] }, 'invalidSyntax', 'Operations[0]: expected an object, got number'],
    [{ Operations: [{ op: 'move' }] }, 'invalidSyntax', 'Operations[0].op: expected "add", "remove" or "replace", got "move"'],
    [{ Operations: [{ op: 'add', path: 1, value: 1 }] }, 'invalidPath', 'Operations[0].path: expected a string, got number'],
    [{ Operations: [{ op: 'remove' }] }, 'noTarget', 'Operations[0]: a remove needs a path'],
    [{ Operations: [{ op: 'add', path: 'title' }] }, 'invalidValue', 'Operations[0].value: expected a value for add, got none'],
    [
      { Operations: [{ op: 'add', value: 'x' }] },
      'invalidValue',
      'Operations[0].value: expected an object where there is no path, got string',
    ],
    [
      { Operations: Array(PATCH_OPERATIONS_MAX + 1).fill(1) as number[] },
      undefined,
      `Operations: at most ${PATCH_OPERATIONS_MAX} are taken at once, members of values without a path included`,
    ],
  ])('%.60j: %s', (body, scimType, detail) => {
    const error = errorOf(() => parsePatch(USER, body));
    expect([error.scimType, error.detail]).toEqual([scimType, detail]);
  });
  it.each([
    ' ',
    '.',
    '1title',
    '_title',
    'a.b.c',
    'title.',
    'no[such',
    'emails]',
    'emails[type eq "work"]value',
    'emails[type eq "work"].a.b',
    'title x',
    '$ref',
    '"title"',
    // Of what no table knows, or what is never kept, too.
    'foo[((]',
    'foo[]',
    'foo[a]',
    'foo[1 eq 2]',
    'foo[a eq work]',
    'foo[a pr or]',
    'foo[a[b eq 1]]',
    'foo[a eq "x"',
    'urn:x:y:z[((]',
    'password[((]',
  ])('path %j is invalidPath', (path) => expect(errorOf(() => set(path, 'x')).scimType).toBe('invalidPath'));
  it.each<[string, () => unknown, string]>([
    ['a filter on a single value', () => set('name[givenName eq "a"]', {}), 'invalidPath'],
    ['a filter outside the grammar', () => set('emails[type is "work"]', {}), 'invalidFilter'],
    ['a filter on an unknown sub-attribute', () => set('emails[nope eq "work"].value', 'x'), 'invalidFilter'],
    ['a read-only attribute', () => set('id', 'x'), 'mutability'],
    ['a read-only sub-attribute', () => set('meta.version', 'x'), 'mutability'],
    ['a read-only sub-attribute of an extension', () => set(`${ENTERPRISE_URN}:manager.displayName`, 'x'), 'mutability'],
    ['removing a read-only attribute', () => remove('groups'), 'mutability'],
    ['removing a required attribute', () => remove('userName'), 'mutability'],
    ['removing active, which always has a value', () => remove('active'), 'mutability'],
    ['emptying a required attribute', () => set('userName', ''), 'invalidValue'],
    ['blanking a required attribute', () => patch({ op: 'replace', value: { userName: ' ' } }), 'invalidValue'],
    ['a value of the wrong type', () => set('active', 'perhaps'), 'invalidValue'],
    ['a value of the wrong type in an element', () => add('emails', [{ value: true }]), 'invalidValue'],
    [
      'two primaries in one value',
      () =>
        add('emails', [
          { value: 'x', primary: true },
          { value: 'y', primary: true },
        ]),
      'invalidValue',
    ],
    ['making all primary', () => set('emails.primary', true), 'invalidValue'],
    ['replace where a filter finds nothing and says no value', () => set('emails[type co "oth"].value', 'x'), 'noTarget'],
    ['add where a filter contradicts itself', () => add('emails[type eq "a" and type eq "b"].value', 'x'), 'noTarget'],
    ['changing the id of a member', () => patchTeam({ op: 'replace', path: 'members[value eq "a"].value', value: 'z' }), 'mutability'],
    ['naming a member', () => patchTeam({ op: 'replace', path: 'members[value eq "a"].display', value: 'z' }), 'mutability'],
    ['a member without an id', () => patchTeam({ op: 'add', path: 'members', value: [{ type: 'User' }] }), 'invalidValue'],
    ['one name twice', () => patch({ op: 'replace', value: { title: 'a', TITLE: 'b' } }), 'invalidSyntax'],
    ['a broken value path as a key', () => patch({ op: 'replace', value: { 'emails[type': 'a' } }), 'invalidPath'],
    ['removing the core schema', () => remove(USER_URN), 'invalidPath'],
  ])('%s', (_, run, scimType) => expect(errorOf(run).scimType).toBe(scimType));

  it('names the operation and the attribute', () => {
    const error = errorOf(() =>
      patch({ op: 'replace', path: 'title', value: 'x' }, { op: 'replace', path: 'emails', value: [HOME, { value: true }] }),
    );
    expect(error.detail).toBe('Operations[1]: emails[1].value: expected a string, got boolean');
  });
  it('takes no more values than a person has, and still shortens a list that is longer', () => {
    const emails = Array.from({ length: ELEMENTS_MAX + 1 }, (_, at) => ({ value: `${at}` }));
    const many = { ...ADA, emails };
    const run = (...operations: JsonValue[]) => applyPatch(USER, many, parsePatch(USER, { Operations: operations })).attributes.emails;
    expect(errorOf(() => run({ op: 'add', path: 'emails', value: [{ value: 'x' }] })).scimType).toBe('invalidValue');
    expect(errorOf(() => run({ op: 'replace', path: 'emails', value: emails })).scimType).toBe('invalidValue');
    expect(run({ op: 'remove', path: 'emails[value eq "0"]' })).toEqual(emails.slice(1));
    expect(run({ op: 'remove', path: 'emails', value: [{ value: '1' }] })).toHaveLength(ELEMENTS_MAX);
  });
  it('counts the members of values without a path as operations, and the terms of all filters', () => {
    const value = Object.fromEntries(Array.from({ length: 900 }, (_, at) => [`x${at}`, 1]));
    const pathless = Array.from({ length: 6 }, () => ({ op: 'add', value: { title: 'x', ...value } }));
    expect(errorOf(() => patch(...pathless)).status).toBe(413);
    const path = `emails[${Array.from({ length: 150 }, () => 'type eq "x"').join(' or ')}]`;
    expect(errorOf(() => patch(...Array.from({ length: 40 }, () => ({ op: 'remove', path })))).scimType).toBe('tooMany');
  });
  it('gives up on work that would hold the process', () => {
    const emails = Array.from({ length: 900 }, (_, at) => ({ value: `${at}` }));
    const operations = Array.from({ length: 1_000 }, () => ({ op: 'replace', path: 'emails[value eq "x"].type', value: 'a' }));
    expect(errorOf(() => applyPatch(USER, { ...ADA, emails }, parsePatch(USER, { Operations: operations }))).scimType).toBe('tooMany');
  });
});

it('PATCH: an immutable attribute takes one value', () => {
  const urn = 'urn:example:badge:2.0:User';
  const badge = defineSchema({ id: urn, name: 'Badge', attributes: [{ name: 'number', mutability: 'immutable' }] });
  const type = defineResourceType({ ...USER_PARTS, extensions: [{ schema: badge, required: false }] });
  const write = (attributes: JsonObject, op: string, value?: string) =>
    applyPatch(
      type,
      attributes,
      parsePatch(type, { Operations: [{ op, path: `${urn}:number`, ...(value === undefined ? {} : { value }) }] }),
    ).attributes;
  const first = write({ userName: 'a' }, 'add', '7');
  expect(write(first, 'replace', '7')).toEqual(first);
  expect(write(write({ userName: 'a' }, 'add', 'a7'), 'replace', 'A7')).toEqual(write({ userName: 'a' }, 'add', 'a7'));
  expect(errorOf(() => write(first, 'replace', '8')).scimType).toBe('mutability');
  expect(errorOf(() => write(first, 'remove')).scimType).toBe('mutability');
});

describe('PATCH: sub-attributes that are multi-valued or immutable', () => {
  const urn = 'urn:example:card:2.0:User';
  const subAttributes = [{ name: 'value' }, { name: 'made', mutability: 'immutable' }, { name: 'tags', multiValued: true }] as const;
  const card = defineSchema({
    id: urn,
    name: 'Card',
    attributes: [
      { name: 'things', type: 'complex', multiValued: true, subAttributes },
      { name: 'cx', type: 'complex', subAttributes: [{ name: 'list', multiValued: true }, { name: 'note' }] },
    ],
  });
  const type = defineResourceType({ ...USER_PARTS, extensions: [{ schema: card, required: false }] });
  const things = [
    { value: '1', made: 'here', tags: ['a', 'b'] },
    { value: '2', tags: ['b'] },
  ];
  const before = deepFreeze({ userName: 'ada', [urn]: { things, cx: { list: ['p', 'q', 'r'], note: 'n' } } });
  const run = (op: string, path: string, value?: JsonValue) => {
    const operation = { op, path: `${urn}:${path}`, ...(value === undefined ? {} : { value }) };
    return (applyPatch(type, before, parsePatch(type, { Operations: [operation] })).attributes[urn] ?? {}) as JsonObject;
  };

  // An add took the place of all values, and a remove of some took them all.
  it.each<[string, JsonValue | undefined, string, string[] | undefined]>([
    ['add', 'z', 'cx.list', ['p', 'q', 'r', 'z']],
    ['add', ['Q', 'z'], 'cx.list', ['p', 'q', 'r', 'z']],
    ['add', [], 'cx.list', ['p', 'q', 'r']],
    ['add', null, 'cx.list', ['p', 'q', 'r']],
    ['add', { list: ['z'] }, 'cx', ['p', 'q', 'r', 'z']],
    ['add', { list: null, note: 'n' }, 'cx', ['p', 'q', 'r']],
    ['replace', 'z', 'cx.list', ['z']],
    ['replace', { list: ['z'] }, 'cx', ['z']],
    ['replace', null, 'cx.list', undefined],
    ['remove', ['Q'], 'cx.list', ['p', 'r']],
    ['remove', 'q', 'cx.list', ['p', 'r']],
    ['remove', ['nobody'], 'cx.list', ['p', 'q', 'r']],
    ['remove', [], 'cx.list', ['p', 'q', 'r']],
    ['remove', ['p', 'q', 'r'], 'cx.list', undefined],
    ['remove', undefined, 'cx.list', undefined],
  ])('%s of %j at %s leaves %j', (op, value, path, list) => {
    expect(run(op, path, value)).toEqual({ things, cx: { ...(list && { list }), note: 'n' } });
  });

  it.each<[string, JsonValue | undefined, string, (string[] | undefined)[]]>([
    ['add', ['c'], 'things[value eq "1"].tags', [['a', 'b', 'c'], ['b']]],
    [
      'add',
      { tags: ['c'] },
      'things[value eq "2"]',
      [
        ['a', 'b'],
        ['b', 'c'],
      ],
    ],
    ['add', [{ value: '1', tags: ['c'] }], 'things', [['a', 'b', 'c'], ['b']]],
    [
      'add',
      'c',
      'things.tags',
      [
        ['a', 'b', 'c'],
        ['b', 'c'],
      ],
    ],
    ['remove', ['b'], 'things.tags', [['a'], undefined]],
    ['remove', ['b'], 'things[value eq "1"].tags', [['a'], ['b']]],
    ['remove', undefined, 'things[value eq "1"].tags', [undefined, ['b']]],
  ])('%s of %j at %s leaves %j to the elements', (op, value, path, expected) => {
    expect((run(op, path, value).things as JsonObject[]).map(({ tags }) => tags)).toEqual(expected);
  });

  it('an add goes no further than a sub-attribute may have values', () => {
    const value = Array.from({ length: ELEMENTS_MAX - 2 }, (_, i) => `${i}`);
    const { status, scimType, detail } = errorOf(() => run('add', 'cx.list', value));
    expect([status, scimType]).toEqual([400, 'invalidValue']);
    expect(detail).toMatch(/^Operations\[0\]: cx\.list: at most 1000 values are taken, it would have 1001$/);
  });

  it('long sub-attributes count among what operations go through', () => {
    const list = Array.from({ length: ELEMENTS_MAX }, (_, i) => `${i}`);
    const Operations = Array.from({ length: 100 }, () => ({ op: 'add', path: `${urn}:cx.list`, value: '1' }));
    expect(errorOf(() => applyPatch(type, { userName: 'a', [urn]: { cx: { list } } }, parsePatch(type, { Operations }))).scimType).toBe(
      'tooMany',
    );
  });

  it.each<[string, JsonValue]>([
    ['things', [{ value: '1', made: 'there' }]],
    ['things[value eq "1"]', { made: 'there' }],
    ['things[value eq "1"].made', 'there'],
  ])('an add to %s changes no immutable sub-attribute of an element that is there', (path, value) => {
    const { status, scimType, detail } = errorOf(() => run('add', path, value));
    expect([status, scimType, detail]).toEqual([400, 'mutability', 'Operations[0]: things.made: is immutable, and has a value']);
  });

  it('an add gives an immutable sub-attribute its first value, or the same again', () => {
    expect(run('add', 'things', [{ value: '2', made: 'now' }]).things).toEqual([things[0], { value: '2', made: 'now', tags: ['b'] }]);
    expect(run('add', 'things', [{ value: '1', made: 'here' }]).things).toEqual(things);
  });

  // A replacement cleared it, and then anything could be set.
  it.each<[string, JsonValue]>([
    ['things', [{ value: '1', note: 'x' }]],
    ['things[value eq "1"]', { value: '1', note: 'x' }],
    ['things[value eq "1"]', { value: '1', note: 'x', made: 'HERE' }],
  ])('a replace of %s by %j keeps what is immutable of an element that stays', (path, value) => {
    const [first] = run('replace', path, value).things as JsonObject[];
    expect(first).toMatchObject({ value: '1', made: 'here' });
    expect(errorOf(() => run('replace', path, [{ value: '1', made: 'there' }])).scimType).toBe('mutability');
  });

  // It took the element away.
  it.each<JsonValue>([null, '', [], {}])('an add of nothing (%j) by a value path changes nothing', (value) => {
    expect(run('add', 'things[value eq "1"]', value).things).toEqual(things);
    expect(run('add', 'things[value eq "3"]', value).things).toEqual(things);
  });
});

it('PATCH: a schema that grew stricter keeps nobody from being deactivated, and one that is gone leaves its values', () => {
  const urn = 'urn:example:badge:2.0:User';
  const badge = defineSchema({ id: urn, name: 'Badge', attributes: [{ name: 'number', required: true }, { name: 'colour' }] });
  const type = defineResourceType({ ...USER_PARTS, extensions: [{ schema: badge, required: true }] });
  const before = deepFreeze({ userName: 'a', active: true, [urn]: { colour: 'red', former: 1 }, 'urn:example:gone': { x: 1 } });
  const apply = (path: string, value: JsonValue) =>
    applyPatch(type, before, parsePatch(type, { Operations: [{ op: 'replace', path, value }] })).attributes;
  expect(apply('active', false)).toEqual({ ...before, active: false });
  expect(errorOf(() => apply(`${urn}:colour`, 'blue')).detail).toBe(`${urn}:number: required, but missing`);
  expect(apply(`${urn}:number`, '7')).toEqual({ ...before, [urn]: { number: '7', colour: 'red', former: 1 } });
});

describe('PATCH: members', () => {
  it.each<[string, JsonObject, string[]]>([
    ['add', { op: 'add', path: 'members', value: [{ value: 'b', display: 'B' }, { value: 'd' }] }, ['a', 'b', 'c', 'd']],
    ['add with a null $ref', { op: 'Add', path: 'members', value: [{ $ref: null, value: 'd' }] }, ['a', 'b', 'c', 'd']],
    ['remove by value path', { op: 'remove', path: 'members[value eq "b"]' }, ['a', 'c']],
    ['remove of somebody else', { op: 'remove', path: 'members[value eq "x"]' }, ['a', 'b', 'c']],
    ['remove of several by value path', { op: 'remove', path: 'members[value eq "a" or value eq "c"]' }, ['b']],
    ['remove by value', { op: 'Remove', path: 'members', value: [{ value: 'a', $ref: null }, { value: 'b' }] }, ['c']],
    ['remove of all', { op: 'remove', path: 'members' }, []],
    ['replace', { op: 'replace', path: 'members', value: [{ value: 'x' }] }, ['x']],
    ['replace by nobody', { op: 'replace', path: 'members', value: [] }, []],
    ['path-less replace with id', { op: 'replace', value: { id: 'g', displayName: 'Team', members: [{ value: 'x' }] } }, ['x']],
  ])('%s, in whole and as a change', (_, operation, expected) => {
    const operations = parsePatch(GROUP, { Operations: [operation] });
    const members = (applyPatch(GROUP, TEAM, operations).attributes.members ?? []) as JsonObject[];
    expect(members.map(({ value }) => value)).toEqual(expected);

    let ids = ['a', 'b', 'c'];
    const split = splitMemberOperations(GROUP, operations);
    for (const change of split?.changes ?? []) {
      if (change.kind === 'remove') ids = ids.filter((id) => !change.values.includes(id));
      else ids = [...new Set([...(change.kind === 'add' ? ids : []), ...change.members.map(({ value }) => String(value))])];
    }
    expect(ids).toEqual(expected);
    expect(applyPatch(GROUP, { displayName: 'Team' }, split?.rest ?? []).attributes).toEqual({ displayName: 'Team' });
  });
  it.each(['members[type eq "User"]', 'members.type', 'members[value sw "a"]'])('removing %s needs the whole set', (path) => {
    expect(splitMemberOperations(GROUP, parsePatch(GROUP, { Operations: [{ op: 'remove', path }] }))).toBeUndefined();
  });
});

it.each([
  'foo[a eq 1]',
  'foo[not (a pr) and ($ref ne "(" or b.c lt 1.5)].x',
  'foo [a eq TRUE]',
  'urn:x:y:z[a co "["]',
  'password[a eq null]',
])('PATCH: key %j is a path, of what no table knows', (key) =>
  expect(patch({ op: 'add', value: { title: 'Dr', [key]: 'x' } }).title).toBe('Dr'),
);

it('PATCH: filters of what no table knows count among the terms of a body', () => {
  const path = `foo[${Array(200).fill('a pr').join(' or ')}]`;
  const operations = Array.from({ length: PATCH_TERMS_MAX / 200 + 1 }, () => ({ op: 'add', value: { title: 'x', [path]: 'x' } }));
  expect(errorOf(() => patch(...operations)).scimType).toBe('tooMany');
});

// It counted what the operations on members left.
it.each<[JsonValue, string]>([
  [{ op: 'replace', path: 'displayName', value: ['a', 'b'] }, 'displayName: expected one value, got 2'],
  [{ op: 'replace', value: { members: [{ value: 'c' }], displayName: ['a', 'b'] } }, 'displayName: expected one value, got 2'],
])('PATCH: an error names its operation as the body counts it, after operations on members: %j', (operation, detail) => {
  const add = { op: 'add', path: 'members', value: [{ value: 'd' }] };
  const operations = parsePatch(GROUP, { Operations: [add, add, operation] });
  const { rest } = splitMemberOperations(GROUP, operations)!;
  expect(errorOf(() => applyPatch(GROUP, { displayName: 'Team' }, rest)).detail).toBe(`Operations[2]: ${detail}`);
});

describe('PATCH: members that name nobody', () => {
  it.each<JsonValue>([[{ value: '' }], [{ display: 'x' }], [{ value: null, display: 'x' }], [{ $ref: '' }], [{}], [null], { value: '' }])(
    'are refused, in whole and as a change: %j',
    (value) => {
      for (const operation of [
        { op: 'add', path: 'members', value },
        { op: 'replace', path: 'members', value },
        { op: 'remove', path: 'members', value },
        { op: 'replace', value: { members: value } },
      ]) {
        const operations = parsePatch(GROUP, { Operations: [operation] });
        for (const run of [() => applyPatch(GROUP, TEAM, operations), () => splitMemberOperations(GROUP, operations)]) {
          const { status, scimType, detail } = errorOf(run);
          expect([status, scimType]).toEqual([400, 'invalidValue']);
          expect(detail).toMatch(/^Operations\[0\]: members(\[0\])?\.value: required, but missing$/);
        }
      }
    },
  );
});

describe('PATCH: properties', () => {
  const path = fc.constantFrom(
    'title',
    'userName',
    'name',
    'name.givenName',
    'active',
    'emails',
    'emails.value',
    'emails.primary',
    'emails[type eq "work"]',
    'emails[type eq "work"].value',
    'emails[primary eq true].type',
    'emails[value co "a"].primary',
    'roles',
    'roles[primary eq "True"].value',
    'addresses[type eq "home"].locality',
    'externalId',
    ENTERPRISE_URN,
    `${ENTERPRISE_URN}:manager`,
    `${ENTERPRISE_URN}:manager.value`,
    `${ENTERPRISE_URN}:department`,
    'id',
    'nope',
    '__proto__',
    'constructor.prototype',
  ); // prettier-ignore
  const leaf = fc.oneof(
    fc.constantFrom<JsonValue>('a', 'work', 'home', '', null, true, false, 'True', 1, '\ud800'),
    fc.jsonValue() as fc.Arbitrary<JsonValue>,
  );
  const element = fc.dictionary(
    fc.constantFrom('value', 'type', 'primary', 'display', 'givenName', 'manager', '__proto__', 'constructor'),
    leaf,
  );
  const value: fc.Arbitrary<JsonValue> = fc.oneof(
    leaf,
    element,
    fc.array(fc.oneof(element, leaf), { maxLength: 3 }),
    fc.dictionary(path, fc.oneof(leaf, element)),
  );
  const operation = fc.record(
    { op: fc.constantFrom('add', 'Replace', 'remove'), path, value },
    { requiredKeys: ['op'] },
  ) as fc.Arbitrary<JsonValue>;

  it('gives canonical attributes or a ScimError, and touches neither input nor prototypes', () => {
    let applied = 0;
    fc.assert(
      fc.property(fc.array(operation, { minLength: 1, maxLength: 4 }), (operations) => {
        const result = resultOrRefusal(() => patch(...operations));
        expect(Object.keys(Object.prototype)).toEqual([]);
        if (result === undefined) return;
        applied += 1;
        const again = validateResource(USER, JSON.parse(JSON.stringify(result)) as JsonValue, { purpose: 'replace' }).attributes;
        expect(JSON.stringify(again)).toBe(JSON.stringify(result));
      }),
      { numRuns: 8_000 },
    );
    expect(applied).toBeGreaterThan(500);
  });
  it('takes any path for a path, or says that it is none', () => {
    fc.assert(fc.property(fc.string(), value, (text, each) => void resultOrRefusal(() => patch({ op: 'add', path: text, value: each }))));
  });
});
