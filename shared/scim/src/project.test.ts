import type { JsonObject } from './json.js';
import { isReturned, parseAttributeNames, project, type Selection, withoutSecrets } from './project.js';
import { defineResourceType, defineSchema } from './schema/definition.js';
import { GROUP } from './schema/group.js';
import { USER, USER_PARTS } from './schema/user.js';
import { specifiedIn } from './specified.js';
import { errorOf } from './testing.js';
import { ENTERPRISE_URN, USER_URN } from './urns.js';

const ALWAYS = { schemas: [USER_URN, ENTERPRISE_URN], id: '1' };
const ADA: JsonObject = {
  ...ALWAYS,
  userName: 'ada',
  name: { familyName: 'Lovelace', givenName: 'Ada' },
  emails: [{ value: 'a@x', type: 'work' }, { type: 'home' }],
  [ENTERPRISE_URN]: { department: 'R&D', manager: { value: 'b', $ref: 'r' } },
  meta: { resourceType: 'User', version: 'W/"1"' },
};

describe('project (RFC 7644 §3.9)', () => {
  it('returns all of it where nothing is asked', () => {
    expect(project(USER, ADA)).toEqual(ADA);
    expect(project(USER, ADA, { attributes: [], excludedAttributes: [] })).toEqual(ADA);
  });
  it.each<[string[], JsonObject]>([
    [['USERNAME'], { userName: 'ada' }],
    [['name.familyName'], { name: { familyName: 'Lovelace' } }],
    [['emails.value'], { emails: [{ value: 'a@x' }] }],
    [['emails', 'emails.value'], { emails: ADA.emails! }],
    [[`${USER_URN}:userName`], { userName: 'ada' }],
    [[`${ENTERPRISE_URN}:manager.value`], { [ENTERPRISE_URN]: { manager: { value: 'b' } } }],
    [[ENTERPRISE_URN.toLowerCase()], { [ENTERPRISE_URN]: ADA[ENTERPRISE_URN]! }],
    [['meta.version'], { meta: { version: 'W/"1"' } }],
    [['nope', 'password', '__proto__'], {}],
  ])('attributes=%s', (attributes, expected) => expect(project(USER, ADA, { attributes })).toEqual({ ...ALWAYS, ...expected }));

  it.each<[string[], string[]]>([
    [
      ['userName', 'meta'],
      ['userName', 'meta'],
    ],
    [['id', 'schemas', 'nope'], []],
    [[ENTERPRISE_URN], [ENTERPRISE_URN]],
  ])('excludedAttributes=%s', (excludedAttributes, gone) => {
    const rest = Object.fromEntries(Object.entries(ADA).filter(([name]) => !gone.includes(name)));
    expect(project(USER, ADA, { excludedAttributes })).toEqual(rest);
  });
  it('leaves out sub-attributes', () => {
    const projected = project(USER, ADA, { excludedAttributes: ['emails.type', 'name.givenName', `${ENTERPRISE_URN}:manager.$ref`] });
    expect(projected).toEqual({
      ...ADA,
      name: { familyName: 'Lovelace' },
      emails: [{ value: 'a@x' }],
      [ENTERPRISE_URN]: { department: 'R&D', manager: { value: 'b' } },
    });
  });
  it('goes by `returned`', () => {
    const urn = 'urn:example:r:2.0:User';
    const attributes = (['always', 'never', 'default', 'request'] as const).map((returned) => ({ name: returned, returned }));
    const type = defineResourceType({
      ...USER_PARTS,
      extensions: [{ required: false, schema: defineSchema({ id: urn, name: 'R', attributes }) }],
    });
    const resource = { id: '1', [urn]: { always: 1, never: 1, default: 1, request: 1 } };
    const names = (selection: object) => Object.keys((project(type, resource, selection)[urn] ?? {}) as JsonObject);
    expect(names({})).toEqual(['always', 'default']);
    expect(names({ attributes: ['userName'] })).toEqual(['always']);
    expect(names({ attributes: [`${urn}:request`, `${urn}:never`] })).toEqual(['always', 'request']);
    expect(names({ excludedAttributes: [urn] })).toEqual(['always']);
  });
  it('refuses both lists at once', () => {
    expect(errorOf(() => project(USER, ADA, { attributes: ['id'], excludedAttributes: ['id'] })).scimType).toBe('invalidValue');
  });
  it('tells what need not be loaded', () => {
    expect([
      isReturned(GROUP, {}, 'members'),
      isReturned(GROUP, { excludedAttributes: ['members'] }, 'members'),
      isReturned(GROUP, { attributes: ['displayName'] }, 'members'),
      isReturned(GROUP, { attributes: ['members.value'] }, 'members'),
    ]).toEqual([true, false, false, true]);
  });
});

it('parseAttributeNames: by comma, without blanks, and not too many', () => {
  expect(parseAttributeNames(' userName, ,emails.value,')).toEqual(['userName', 'emails.value']);
  expect(errorOf(() => parseAttributeNames(Array(201).fill('a').join())).scimType).toBe('invalidValue');
});

describe('what a client gave of what is returned on request (RFC 7643 §7)', () => {
  const URN = 'urn:example:asked';
  const schema = defineSchema({
    id: URN,
    name: 'Asked',
    attributes: [
      { name: 'shown' },
      { name: 'asked', returned: 'request' },
      { name: 'never', returned: 'never' },
      { name: 'list', multiValued: true, returned: 'request' },
      {
        name: 'things',
        type: 'complex',
        multiValued: true,
        subAttributes: [{ name: 'value' }, { name: 'note', returned: 'request' }, { name: 'other', returned: 'request' }],
      },
      { name: 'desk', type: 'complex', returned: 'request', subAttributes: [{ name: 'room' }, { name: 'number', returned: 'request' }] },
    ],
  });
  const type = defineResourceType({ ...USER_PARTS, extensions: [{ schema, required: false }] });
  const whole: JsonObject = {
    id: '1',
    [URN]: {
      ...{ shown: 's', asked: 'a', never: 'n', list: ['l'] },
      things: [{ value: '1', note: 'n', other: 'o' }],
      desk: { room: 'r', number: '7' },
    },
  };
  const shown = (given: JsonObject, selection: Selection = {}) =>
    project(type, whole, { ...selection, specified: specifiedIn(type, [given]) })[URN];

  it.each<[string, JsonObject, JsonObject]>([
    ['nothing of it', { userName: 'a', [`${URN}:shown`]: 's' }, {}],
    ['an attribute', { [URN]: { ASKED: 'a' } }, { asked: 'a' }],
    ['an attribute by its path', { [`${URN}:list`]: ['l'] }, { list: ['l'] }],
    ['what is never returned', { [`${URN}:never`]: 'n' }, {}],
    ['a sub-attribute of elements', { [`${URN}:things`]: [{ value: '1', Note: 'n' }] }, { things: [{ value: '1', note: 'n' }] }],
    ['a sub-attribute by a value path', { [`${URN}:things[value eq "1"].other`]: 'o' }, { things: [{ value: '1', other: 'o' }] }],
    ['a complex attribute', { [URN]: { desk: { room: 'r' } } }, { desk: { room: 'r' } }],
    ['all of a complex attribute', { [URN]: { desk: { number: '7' } } }, { desk: { room: 'r', number: '7' } }],
  ])('is shown where it gave %s', (_, given, more) => {
    expect(shown(given)).toEqual({ shown: 's', things: [{ value: '1' }], ...more });
  });

  it('is not shown where the query excludes it, or says what to show', () => {
    expect(shown({ [`${URN}:asked`]: 'a' }, { excludedAttributes: [`${URN}:asked`] })).toEqual({ shown: 's', things: [{ value: '1' }] });
    expect(shown({ [`${URN}:asked`]: 'a' }, { attributes: [`${URN}:shown`] })).toEqual({ shown: 's' });
  });

  it('is not looked for where nothing is returned on request', () => {
    expect([USER.hasOnRequest, GROUP.hasOnRequest, type.hasOnRequest]).toEqual([false, false, true]);
    expect(specifiedIn(USER, [{ userName: 'a' }])).toEqual([]);
  });
});

describe('withoutSecrets (RFC 7643 §7, returned: never)', () => {
  const URN = 'urn:example:secrets';
  const schema = defineSchema({
    id: URN,
    name: 'Secrets',
    attributes: [
      { name: 'shown' },
      { name: 'pin', returned: 'never' },
      { name: 'cards', type: 'complex', multiValued: true, subAttributes: [{ name: 'value' }, { name: 'code', returned: 'never' }] },
    ],
  });
  const type = defineResourceType({ ...USER_PARTS, extensions: [{ schema, required: false }] });

  it('leaves out what is returned never, down to sub-attributes, and keeps all else, also what no schema knows', () => {
    const attributes = {
      userName: 'ada',
      [URN]: { shown: 'yes', pin: '1234', cards: [{ value: 'a', code: '999' }], unknown: 1 },
      'account.origin': 'scim',
    };
    expect(withoutSecrets(type, attributes)).toEqual({
      userName: 'ada',
      [URN]: { shown: 'yes', cards: [{ value: 'a' }], unknown: 1 },
      'account.origin': 'scim',
    });
    expect(withoutSecrets(USER, ADA)).toEqual(ADA);
  });
});
