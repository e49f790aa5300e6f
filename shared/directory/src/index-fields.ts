import { foldCase, type JsonObject, type JsonValue } from '@rollcall/scim';
import type { Resource, ResourceTypeName } from './resource.js';

/**
 * The fields of a tenant's index (DESIGN section 3). A field begins with what it is:
 * `n:<attribute>:<folded value>` a claim, held by one resource at most; `i:<folded identity>` all accounts of one person;
 * `x:<externalId as it is>` all resources with that externalId.
 */
export type IndexField = string;

export const claimField = (attribute: string, value: string): IndexField => `n:${attribute}:${foldCase(value)}`;
export const identityField = (value: string): IndexField => `i:${foldCase(value)}`;
export const externalIdField = (value: string): IndexField => `x:${value}`;

/** The attribute that names a resource and must be unique in its tenant, by resource type. */
export const NAME_ATTRIBUTE = { User: 'userName', Group: 'displayName' } as const satisfies Record<ResourceTypeName, string>;

/** Claims of this prefix are what a tenant's count of live resources counts. */
export const countedPrefix = (type: ResourceTypeName): string => `n:${NAME_ATTRIBUTE[type]}:`;

/** The value that must be unique in the tenant, as the client wrote it. */
export function nameOf(resource: Pick<Resource, 'type' | 'attributes'>): string | undefined {
  return text(resource.attributes[NAME_ATTRIBUTE[resource.type]]);
}

/** The value by which a person is known again: the primary address, else the first one, else the userName. Groups have none. */
export function identityOf(resource: Pick<Resource, 'type' | 'attributes'>): string | undefined {
  if (resource.type !== 'User') return undefined;
  return emailOf(resource.attributes) ?? text(resource.attributes.userName);
}

/** The address that counts as identity, or undefined where the person has none. */
export function emailOf(attributes: JsonObject): string | undefined {
  const emails = attributes.emails;
  if (!Array.isArray(emails)) return undefined;
  const values = emails.filter((email): email is JsonObject => typeof email === 'object' && email !== null && !Array.isArray(email));
  const chosen = values.find((email) => email.primary === true) ?? values[0];
  return text(chosen?.value);
}

export function externalIdOf(resource: Pick<Resource, 'attributes'>): string | undefined {
  return text(resource.attributes.externalId);
}

/** Every field under which a resource must be found. A deleted one keeps only its identity, so that the person is known when they come back. */
export function fieldsOf(resource: Resource): readonly IndexField[] {
  const identity = identityOf(resource);
  const fields = identity === undefined ? [] : [identityField(identity)];
  if (resource.deleted) return fields;
  const name = nameOf(resource);
  if (name !== undefined) fields.push(claimField(NAME_ATTRIBUTE[resource.type], name));
  const externalId = externalIdOf(resource);
  if (externalId !== undefined) fields.push(externalIdField(externalId));
  return fields;
}

export const isClaim = (field: IndexField): boolean => field.startsWith('n:');

/** An entry's ids are kept as one text, as Redis compares and stores it. */
export const splitIds = (raw: string): readonly string[] => (raw === '' ? [] : raw.split(' '));
export const joinIds = (ids: readonly string[]): string => ids.join(' ');

const text = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
