import type { Command } from '@rollcall/directory';
import { PATCH_OP_URN, parsePatch, USER, USER_URN, validateResource } from '@rollcall/scim';

/** A user as Okta sends it. */
export const userBody = (name: string, more: Record<string, unknown> = {}) => ({
  schemas: [USER_URN],
  userName: `${name}@example.com`,
  externalId: `00u${name}`,
  name: { givenName: name, familyName: 'Test' },
  emails: [{ primary: true, value: `${name}@example.com`, type: 'work' }],
  displayName: `${name} Test`,
  active: true,
  ...more,
});

export const patchBody = (...operations: readonly Record<string, unknown>[]) => ({ schemas: [PATCH_OP_URN], Operations: operations });

export const createUser = (name: string, more: Record<string, unknown> = {}): Command => ({
  kind: 'create',
  type: 'User',
  attributes: validateResource(USER, userBody(name, more) as never, { unknownAttributes: 'ignore', purpose: 'create' }).attributes,
});

export const patchUser = (id: string, ...operations: readonly Record<string, unknown>[]): Command => ({
  kind: 'patch',
  type: 'User',
  id,
  operations: parsePatch(USER, patchBody(...operations) as never),
});

export const deleteUser = (id: string): Command => ({ kind: 'delete', type: 'User', id });
