import { ENTERPRISE_URN, type JsonObject, ROLLCALL_USER_URN, ScimError } from '@rollcall/scim';
import { onlyIdentifying, soughtUserPrincipalName, userPrincipalNameOf, withOneUserPrincipalName } from './user-principal-name.js';

const DECLARED = 'urn:example:person';
const top = (value: string): JsonObject => ({ userPrincipalName: value });
const ours = (value: string): JsonObject => ({ [ROLLCALL_USER_URN]: { userPrincipalName: value } });
const declared = (value: string): JsonObject => ({ [DECLARED]: { UserPrincipalName: value, level: 1 } });

describe('a userPrincipalName', () => {
  it.each<[string, JsonObject]>([
    ['at the top level', { ...top('a'), ...ours('b'), ...declared('c') }],
    ['in the extension of ours', { ...declared('c'), ...ours('a') }],
    ['in one that was declared, as it spells it', { ...declared('a') }],
  ])('is found %s, in this order', (_, attributes) => {
    expect(userPrincipalNameOf(attributes)).toBe('a');
  });

  it.each<JsonObject>([
    {},
    { userName: 'ada' },
    top(''),
    { [ROLLCALL_USER_URN]: null },
    { [DECLARED]: { userPrincipalName: 5 } },
    { [ENTERPRISE_URN]: { userPrincipalName: 'a' } },
  ])('is none in %j', (attributes) => {
    expect(userPrincipalNameOf(attributes)).toBeUndefined();
  });

  it('may stand in several places, as long as it is one', () => {
    const all = { ...top('a'), ...ours('a'), ...declared('a') };
    expect(withOneUserPrincipalName(undefined, all)).toBe(all);
    expect(() => withOneUserPrincipalName(undefined, { ...top('a'), ...ours('b') })).toThrow(ScimError);
  });

  it('that is written in one place is written in all that have it', () => {
    const before = { ...top('a'), ...declared('a') };
    expect(withOneUserPrincipalName(before, { ...top('b'), ...declared('a') })).toEqual({ ...top('b'), ...declared('b') });
    expect(withOneUserPrincipalName(before, { ...before, ...ours('b') })).toEqual({ ...top('b'), ...declared('b'), ...ours('b') });
    expect(() => withOneUserPrincipalName(before, { ...top('b'), ...declared('c') })).toThrow('given twice');
  });

  it.each<JsonObject>([top('a'), ours('a'), declared('a')])(
    'is found at the top level and by our URN, wherever it is: %j',
    (attributes) => {
      expect({ ...attributes, ...soughtUserPrincipalName(attributes) }).toEqual({ ...attributes, ...top('a'), ...ours('a') });
      expect(soughtUserPrincipalName({ userName: 'a' })).toEqual({});
    },
  );

  it('is kept where of somebody only that is kept which tells who it was', () => {
    const attributes = { userName: 'ada', title: 'x', ...ours('a'), ...declared('a') };
    expect(onlyIdentifying(attributes, new Set(['userName']))).toEqual({
      userName: 'ada',
      ...ours('a'),
      [DECLARED]: { UserPrincipalName: 'a' },
    });
  });
});
