import { foldCase, type JsonObject, type JsonValue } from '@rollcall/scim';
import type { Resource, ResourceTypeName } from './resource.js';
import { userPrincipalNameOf } from './user-principal-name.js';

/**
 * The fields of a tenant's index (docs/architecture.md#data-in-redis). A field begins with what it is:
 * `n:<attribute>:<folded value>` a claim, held by one resource at most (a group's by several, where its tenant lets groups share names); `i:<folded identity>` all accounts of one person, by email;
 * `u:<folded userPrincipalName>` the same by that; `x:<externalId as it is>` all live resources with that externalId;
 * `d:n:<folded userName>` and `d:x:<externalId>` the deleted accounts that had them, so that the person is known when they come back;
 * `h:n:<folded userName, address or userPrincipalName>` and `h:x:<externalId>` the accounts by which an administrator keeps that person out.
 * They follow from a resource alone: both identities are there whichever the tenant goes by, so that it may go by the other at any time.
 */
export type IndexField = string;

export const claimField = (attribute: string, value: string): IndexField => `n:${attribute}:${foldCase(value)}`;
export const identityField = (value: string): IndexField => `i:${foldCase(value)}`;
export const userPrincipalNameField = (value: string): IndexField => `u:${foldCase(value)}`;
export const externalIdField = (value: string): IndexField => `x:${value}`;

export const formerNameField = (userName: string): IndexField => `d:n:${foldCase(userName)}`;
export const formerIdField = (externalId: string): IndexField => `d:x:${externalId}`;
export const heldNameField = (name: string): IndexField => `h:n:${foldCase(name)}`;
export const heldIdField = (externalId: string): IndexField => `h:x:${externalId}`;

/**
 * Rises whenever a release gives a resource other fields than the one before did: each tenant's index, and what MongoDB keeps for it, is then made anew at its
 * first request.
 */
export const INDEX_LAYOUT = 2;

/** Fields of deleted accounts, and of holds: MongoDB keeps them as they are. */
export const isMark = (field: IndexField): boolean => field.startsWith('d:') || field.startsWith('h:');

/** Another text with each write that puts a group into one that was there before: two that together close a circle have it as a premise. */
export const NESTING: IndexField = '#nesting';

/** The attribute that names a resource and must be unique in its tenant, by resource type. */
export const NAME_ATTRIBUTE = { User: 'userName', Group: 'displayName' } as const satisfies Record<ResourceTypeName, string>;

/** Claims of this prefix are what a tenant's count of live resources counts. */
export const countedPrefix = (type: ResourceTypeName): string => `n:${NAME_ATTRIBUTE[type]}:`;

/** The value that must be unique in the tenant, as the client wrote it. */
export function nameOf(resource: Pick<Resource, 'type' | 'attributes'>): string | undefined {
  return text(resource.attributes[NAME_ATTRIBUTE[resource.type]]);
}

/** What people of a tenant are known by. Who has none is known by the userName. */
export type IdentityAttribute = 'email' | 'userPrincipalName';

/** The value by which a person is known again: of the attribute that the tenant goes by, else the userName. Groups have none. */
export function identityOf(resource: Pick<Resource, 'type' | 'attributes'>, by: IdentityAttribute = 'email'): string | undefined {
  if (resource.type !== 'User') return undefined;
  return identifying(resource.attributes, by) ?? text(resource.attributes.userName);
}

/** The value of the attribute itself, or undefined where the person has none. */
export const identifying = (attributes: JsonObject, by: IdentityAttribute = 'email'): string | undefined =>
  by === 'email' ? emailOf(attributes) : userPrincipalNameOf(attributes);

/** Where all accounts of a person are found: among the holders of these, those of the same identity. */
export function identityFields(resource: Pick<Resource, 'type' | 'attributes'>, by: IdentityAttribute = 'email'): readonly IndexField[] {
  const identity = identityOf(resource, by);
  if (identity === undefined) return [];
  // Who is live and has no userPrincipalName stands under the name alone.
  return by === 'email' ? [identityField(identity)] : [userPrincipalNameField(identity), claimField(NAME_ATTRIBUTE.User, identity)];
}

/**
 * What a resource stands under as a person known by userPrincipalName. One that is live and has none is found by its name, so most resources of a
 * tenant that goes by email cost nothing here.
 */
export function principalOf({ type, attributes, deleted }: Pick<Resource, 'type' | 'attributes' | 'deleted'>): string | undefined {
  if (type !== 'User') return undefined;
  return userPrincipalNameOf(attributes) ?? (deleted ? text(attributes.userName) : undefined);
}

/** The address that counts as identity. */
function emailOf(attributes: JsonObject): string | undefined {
  const emails = attributes.emails;
  if (!Array.isArray(emails)) return undefined;
  const values = emails.filter((email): email is JsonObject => typeof email === 'object' && email !== null && !Array.isArray(email));
  const chosen = values.find((email) => email.primary === true) ?? values[0];
  return text(chosen?.value);
}

export function externalIdOf(resource: Pick<Resource, 'attributes'>): string | undefined {
  return text(resource.attributes.externalId);
}

/**
 * What an administrator's hold on this person keeps out: the names under which the person may come (userName, address, userPrincipalName) and the
 * externalId. An address and a userName are one kind, as one is often the other.
 */
export function holdableFields({ type, attributes }: Pick<Resource, 'type' | 'attributes'>): readonly IndexField[] {
  if (type !== 'User') return [];
  const names = [text(attributes.userName), emailOf(attributes), userPrincipalNameOf(attributes)].filter((name) => name !== undefined);
  const externalId = text(attributes.externalId);
  return [...new Set([...names.map(heldNameField), ...(externalId === undefined ? [] : [heldIdField(externalId)])])];
}

/** Whether an administrator keeps the person out. Of one who was purged nothing is left to go by. */
export const isHeld = ({ type, account }: Pick<Resource, 'type' | 'account'>): boolean =>
  type === 'User' && account.preservedBy.includes('administrator') && !account.purged;

/** The fields by which a hold is found: of what the account is, and of what it was while it was held. */
const holdFields = (resource: Resource): readonly IndexField[] =>
  isHeld(resource) ? [...new Set([...holdableFields(resource), ...(resource.account.held ?? [])])] : [];

/** Every field under which a resource must be found. A deleted one gives its names back, and is known by what it was. */
export function fieldsOf(resource: Resource): readonly IndexField[] {
  const identity = identityOf(resource);
  const principal = principalOf(resource);
  const fields = identity === undefined ? [] : [identityField(identity)];
  if (principal !== undefined) fields.push(userPrincipalNameField(principal));
  const name = nameOf(resource);
  const externalId = externalIdOf(resource);
  if (resource.deleted) {
    if (resource.type === 'Group') return fields;
    if (name !== undefined) fields.push(formerNameField(name));
    if (externalId !== undefined) fields.push(formerIdField(externalId));
  } else {
    if (name !== undefined) fields.push(claimField(NAME_ATTRIBUTE[resource.type], name));
    if (externalId !== undefined) fields.push(externalIdField(externalId));
  }
  fields.push(...holdFields(resource));
  return fields;
}

export const isClaim = (field: IndexField): boolean => field.startsWith('n:');

/** An entry's ids are kept as one text, as Redis compares and stores it. */
export const splitIds = (raw: string): readonly string[] => (raw === '' ? [] : raw.split(' '));
export const joinIds = (ids: readonly string[]): string => ids.join(' ');

const text = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
