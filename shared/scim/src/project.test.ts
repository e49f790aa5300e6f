import type { JsonObject } from './json.js';
import { isReturned, parseAttributeNames, project } from './project.js';
import { defineResourceType, defineSchema } from './schema/definition.js';
import { GROUP } from './schema/group.js';
import { USER, USER_PARTS } from './schema/user.js';
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
