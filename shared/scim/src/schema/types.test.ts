import type { JsonValue } from '../json.js';
import { ENTERPRISE_URN, USER_URN } from '../urns.js';
import { CORE_TYPES, typesWithExtensions } from './types.js';

const schema = (attribute: { [name: string]: JsonValue }, id = 'urn:example:badge'): JsonValue => ({
  id,
  name: 'Badge',
  attributes: [attribute],
});

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
  ])('are none of %j', (json, said) => {
    expect(() => typesWithExtensions(json)).toThrow(said);
  });
});
