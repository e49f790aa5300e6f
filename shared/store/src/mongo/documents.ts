import {
  externalIdOf,
  fieldsOf,
  identityOf,
  isMark,
  nameOf,
  principalOf,
  type Resource,
  soughtUserPrincipalName,
  type Versioned,
  withActive,
} from '@rollcall/directory';
import { CORE_TYPES, foldCase, type JsonObject, type ResourceTypes, searchTree, toResource, withUserPrincipalName } from '@rollcall/scim';
import type { StoredResource } from './models.js';

/** A resource's version as MongoDB keeps it. */
export function toStored(tenant: string, versioned: Versioned, stamp: string, types: ResourceTypes = CORE_TYPES): StoredResource {
  const { resource, version, born, modified_ms, since } = versioned;
  const stored: StoredResource = {
    _id: resource.id,
    tenant,
    type: resource.type,
    version,
    born,
    modified: new Date(modified_ms),
    created: resource.created,
    stamp,
    live: !resource.deleted,
    attributes: rename(resource.attributes, toInternalKey),
    account: { ...resource.account },
  };
  if (since !== undefined) stored.since = since;
  if (!resource.account.purged && (resource.type === 'User' || !resource.deleted)) stored.search = searched(versioned, types);
  if (!resource.deleted && resource.sharesName) stored.sharesName = resource.id;
  return Object.assign(stored, keysOf(resource));
}

/** What a document keeps for the index. */
export type StoredKeys = Pick<StoredResource, 'identityKey' | 'principalKey' | 'nameKey' | 'externalId' | 'marks'>;

/** What MongoDB keeps of a resource for the index, folded where it must be: it is found by the same as in Redis. */
export function keysOf(resource: Resource): StoredKeys {
  const keys: StoredKeys = {};
  const identity = identityOf(resource);
  if (identity !== undefined) keys.identityKey = foldCase(identity);
  const principal = principalOf(resource);
  if (principal !== undefined) keys.principalKey = foldCase(principal);
  const marks = fieldsOf(resource).filter(isMark);
  if (marks.length > 0) keys.marks = marks;
  if (resource.deleted) return keys;
  const name = nameOf(resource);
  if (name !== undefined) keys.nameKey = foldCase(name);
  const externalId = externalIdOf(resource);
  if (externalId !== undefined) keys.externalId = externalId;
  return keys;
}

function searched(versioned: Versioned, types: ResourceTypes): NonNullable<StoredResource['search']> {
  const { type, attributes } = versioned.resource;
  // A user's userPrincipalName is there to be found also where the tenant does not take it yet.
  const sought = type === 'User' ? soughtUserPrincipalName(attributes) : {};
  const search = searchTree(types[type], representation(versioned, types));
  return Object.keys(sought).length === 0 ? search : { ...searchTree(SOUGHT, sought), ...search };
}

/** A stored document as the rest of the program knows it. */
export function fromStored(stored: StoredResource): Versioned {
  const resource: Resource = {
    type: stored.type,
    id: stored._id,
    created: stored.created,
    deleted: !stored.live,
    attributes: rename(stored.attributes, fromInternalKey) as JsonObject,
    account: stored.account as unknown as Resource['account'],
    ...(stored.sharesName === undefined ? {} : { sharesName: true }),
  };
  const { version, born, since, stamp } = stored;
  return { resource, version, born, modified_ms: stored.modified.getTime(), since, stamp };
}

/** What filters look at: the whole resource, id and meta included. Where it lives on the web is no part of what is compared. */
export function representation({ resource, version, modified_ms }: Versioned, types: ResourceTypes = CORE_TYPES): JsonObject {
  const shown = toResource(types[resource.type], {
    id: resource.id,
    attributes: withActive(resource),
    version,
    created: resource.created,
    lastModified: new Date(modified_ms).toISOString(),
    baseUrl: '',
  });
  return resource.type === 'User' ? { ...shown, ...soughtUserPrincipalName(resource.attributes) } : shown;
}

const SOUGHT = withUserPrincipalName(CORE_TYPES).User;

/** Extension URNs hold dots, which MongoDB reads as paths: a colon-only spelling stands for them in storage. */
const toInternalKey = (key: string): string => (key.includes('.') ? key.replaceAll('~', '~0').replaceAll('.', '~1') : key);
const fromInternalKey = (key: string): string => (key.includes('~') ? key.replaceAll('~1', '.').replaceAll('~0', '~') : key);

/** Where MongoDB keeps an extension's values, or those of one of its attributes. */
export const storedPath = (urn: string, attribute?: string): string =>
  `attributes.${toInternalKey(urn)}${attribute === undefined ? '' : `.${attribute}`}`;

const rename = (attributes: Record<string, unknown>, name: (key: string) => string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [name(key), value]));
