import type { JsonObject, JsonValue } from '../json.js';
import { applyPatch } from '../patch/apply.js';
import { parsePatch } from '../patch/operation.js';
import { project } from '../project.js';
import { ENTERPRISE_URN, ROLLCALL_USER_URN, USER_URN } from '../urns.js';
import { validateResource } from '../validate.js';
import { narrowed } from './narrowed.js';
import { CORE_TYPES, extendTypes, extensionsFromJson, withUserPrincipalName } from './types.js';

const schema = (attribute: { [name: string]: JsonValue }, id = 'urn:example:badge'): JsonValue => ({
  id,
  name: 'Badge',
  attributes: [attribute],
});

const typesWithExtensions = (json: JsonValue) => extendTypes(CORE_TYPES, extensionsFromJson(json));

describe('the types of a deployment', () => {
  it('are the core ones and what it declares', () => {
    const { User, Group } = typesWithExtensions({ User: [schema({ name: 'number' })] });
    expect(User.extensions.map(({ schema: { id }, required }) => [id, required])).toEqual([
      [ENTERPRISE_URN, false],
      ['urn:example:badge', false],
    ]);
    expect(User.byUrn.get('urn:example:badge')?.byName.get('number')).toMatchObject({ type: 'string', mutability: 'readWrite' });
    expect(Group.extensions).toEqual([]);
    expect(CORE_TYPES.User.extensions).toHaveLength(1);
    expect(typesWithExtensions({}).Group.attributes).toEqual(CORE_TYPES.Group.attributes);
  });

  it.each<[JsonValue, string]>([
    [[], 'expected an object, got array'],
    [{ Users: [] }, '"Users": expected User or Group'],
    [{ User: {} }, 'User: expected an array of schemas, got object'],
    [{ User: [{}] }, 'User[0]: schema:'],
    [{ Group: [schema({ name: 'a', type: 'text' })] }, 'Group[0]: schema:'],
    [{ User: [schema({ name: '__proto__' })] }, 'the name is not allowed'],
    [{ User: [schema({ name: 'a', required: true })] }, 'required: expected false'],
    [{ User: [schema({ name: 'a', uniqueness: 'server' })] }, 'uniqueness: expected "none"'],
    [{ User: [schema({ name: 'a', mutability: 'readOnly' })] }, 'nobody could ever set'],
    [{ User: [schema({ name: 'a', mutability: 'writeOnly' })] }, 'expected "never"'],
    [{ User: [schema({ name: 'a' }, USER_URN)] }, 'is given twice'],
    [{ User: [schema({ name: 'a' }, ENTERPRISE_URN.toUpperCase())] }, 'is given twice'],
    [{ User: [schema({ name: 'a' }, ROLLCALL_USER_URN)] }, "rollcall's own"],
  ])('are none of %j', (json, said) => {
    expect(() => typesWithExtensions(json)).toThrow(said);
  });
});

describe('what a declaration takes away from the one before', () => {
  const one = (attribute: JsonObject, id?: string) => extensionsFromJson({ User: [schema(attribute, id)] });
  const badge: JsonObject = { name: 'number', type: 'complex', subAttributes: [{ name: 'value', type: 'integer' }] };

  it.each<[string, JsonObject]>([
    ['the same', badge],
    ['another sub-attribute', { ...badge, subAttributes: [{ name: 'value', type: 'integer' }, { name: 'type' }] }],
    ['other words, and what may be changed', { ...badge, description: 'Printed on it', mutability: 'immutable', returned: 'request' }],
  ])('is nothing: %s', (_, attribute) => {
    expect(narrowed(one(badge), one(attribute))).toEqual([]);
  });

  it('is nothing where schemas and attributes are added', () => {
    const more = { User: [{ id: 'urn:example:badge', name: 'B', attributes: [badge, { name: 'level' }] }, schema({ name: 'x' }, 'urn:x')] };
    expect(narrowed(one(badge), extensionsFromJson(more))).toEqual([]);
    expect(narrowed(extensionsFromJson({}), one(badge))).toEqual([]);
  });

  it.each<[JsonObject, string]>([
    [{ name: 'Number', type: 'complex', subAttributes: [{ name: 'value', type: 'integer' }] }, 'urn:example:badge:number would be gone'],
    [{ name: 'number', type: 'integer' }, 'urn:example:badge:number: type would be integer, and is complex'],
    [{ ...badge, multiValued: true }, 'urn:example:badge:number: multiValued would be true, and is false'],
    [{ ...badge, subAttributes: [{ name: 'type' }] }, 'urn:example:badge:number.value would be gone'],
    [{ ...badge, subAttributes: [{ name: 'value' }] }, 'urn:example:badge:number.value: type would be string, and is integer'],
  ])('is said of %j', (attribute, what) => {
    expect(narrowed(one(badge), one(attribute))).toEqual([{ type: 'User', urn: 'urn:example:badge', attribute: 'number', what }]);
  });

  it('is said of a schema that is gone, or has another URN', () => {
    const gone = [{ type: 'User', urn: 'urn:example:badge', attribute: undefined, what: 'urn:example:badge would be gone' }];
    expect(narrowed(one(badge), extensionsFromJson({}))).toEqual(gone);
    expect(narrowed(one(badge), one(badge, 'urn:example:Badge'))).toEqual(gone);
  });
});

describe('userPrincipalName', () => {
  const { User } = withUserPrincipalName(CORE_TYPES);
  const user = (more: JsonObject): JsonValue => ({ schemas: [USER_URN], userName: 'ada', ...more });

  it('is announced by an extension of ours, and by no schema of others', () => {
    expect(User.schema.byName.has('userprincipalname')).toBe(false);
    expect(User.extensions.map(({ schema: { id } }) => id)).toEqual([ENTERPRISE_URN, ROLLCALL_USER_URN]);
    expect(CORE_TYPES.User.byName.has('userprincipalname')).toBe(false);
  });

  it('is taken wherever it comes, and shown there', () => {
    for (const more of [{ userPrincipalName: 'ada@corp' }, { [ROLLCALL_USER_URN]: { userPrincipalName: 'ada@corp' } }]) {
      const { attributes, ignored } = validateResource(User, user(more), { purpose: 'create' });
      expect([attributes, ignored]).toEqual([{ userName: 'ada', active: true, ...more }, []]);
      expect(project(User, attributes)).toMatchObject(more);
    }
    const spelled = validateResource(User, user({ UserPrincipalName: 'ada@corp' }), { purpose: 'replace' });
    expect(spelled.attributes).toEqual({ userName: 'ada', userPrincipalName: 'ada@corp' });
  });

  it.each<[JsonObject, object]>([
    [{ op: 'Replace', path: 'userPrincipalName', value: 'x' }, { userPrincipalName: 'x' }],
    [{ op: 'Add', path: 'userPrincipalName', value: [{ value: 'x' }] }, { userPrincipalName: 'x' }],
    [{ op: 'replace', value: { userPrincipalName: 'x' } }, { userPrincipalName: 'x' }],
    [{ op: 'Add', path: `${ROLLCALL_USER_URN}:userPrincipalName`, value: 'x' }, { [ROLLCALL_USER_URN]: { userPrincipalName: 'x' } }],
    [{ op: 'add', value: { [`${ROLLCALL_USER_URN}:userPrincipalName`]: 'x' } }, { [ROLLCALL_USER_URN]: { userPrincipalName: 'x' } }],
    [{ op: 'add', value: { [ROLLCALL_USER_URN]: { userPrincipalName: 'x' } } }, { [ROLLCALL_USER_URN]: { userPrincipalName: 'x' } }],
  ])('is patched as Entra does: %j', (operation, more) => {
    const operations = parsePatch(User, { Operations: [operation] });
    expect(applyPatch(User, { userName: 'ada' }, operations).attributes).toEqual({ userName: 'ada', ...more });
  });
});
