// The order of a list, and places in it: the same for what MongoDB has and for what is laid over (RFC 7644 §3.4.2.3, RFC 9865).
import type { ResourceTypeName, Versioned } from '@rollcall/directory';
import { NAME_ATTRIBUTE } from '@rollcall/directory';
import { type AttributePath, compareSortValues, type ResourceTypes, ScimError, type SortValue, searchKey, sortValue } from '@rollcall/scim';
import type { mongo } from 'mongoose';
import { representation } from './mongo/documents.js';
import type { StoredResource } from './mongo/models.js';

/** Where a resource stands in a list. Places are all different, as no two resources of a tenant are born with one version. */
export interface Place {
  /** What it is sorted by; undefined: it has no such value, or nothing is sorted by. */
  readonly key: SortValue;
  /** Version at creation: decides between equal keys, so the order is stable. */
  readonly born: number;
}

/** What a list is sorted by, of one resource type. */
export interface Sort {
  /** Undefined: this type has no such attribute, so none of its resources has a value. */
  readonly path: AttributePath | undefined;
  readonly descending: boolean;
}

/** Text is compared by its first characters only, so that a place, and a cursor made of it, stays small. */
export const SORT_CHARACTERS_MAX = 256;

/** @throws ScimError invalidPath for memberships, which are edges kept beside the resources, so that no order by them is at hand */
export function checkSortable({ urn, attribute }: AttributePath): void {
  if (urn === undefined && (attribute.name === 'members' || attribute.name === 'groups'))
    throw ScimError.of('invalidPath', `sortBy: ${attribute.name} is not sorted by`);
}

export function placeOf(versioned: Versioned, sort: Sort | undefined, types?: ResourceTypes): Place {
  const key = sort?.path && sortValue(sort.path, representation(versioned, types));
  return { key: isByName(versioned.resource.type, sort) ? key : shortened(key), born: versioned.born };
}

/** Values ascending or descending, what has none last or first (RFC 7644 §3.4.2.3); equal ones by age, the oldest first. */
export function comparePlaces(a: Place, b: Place, descending = false): number {
  const keys = compareSortValues(a.key, b.key);
  return (descending ? -keys : keys) || a.born - b.born;
}

/**
 * How MongoDB is asked for places: by an index where there is one (creation, a user's name); else by what is computed of every match, which is
 * bounded in time and costs the same for each page.
 */
export type Plan =
  | {
      readonly kind: 'index';
      readonly field: 'born' | 'nameKey';
      readonly query: mongo.Filter<StoredResource>;
      readonly order: mongo.Sort;
    }
  | { readonly kind: 'computed'; readonly stages: Record<string, unknown>[] };

/** What finds the places after `after`, or all, in order. */
export function planOf(type: ResourceTypeName, sort: Sort | undefined, after: Place | undefined): Plan {
  if (sort === undefined || sort.path === undefined) {
    // None has a value: they stand by age, on their side of those that have one.
    const passed = after?.key !== undefined && sort?.descending === true;
    const born = after && { born: { $gt: after.key === undefined ? after.born : passed ? Number.MAX_SAFE_INTEGER : 0 } };
    return { kind: 'index', field: 'born', query: { ...born }, order: { born: 1 } };
  }
  const { path, descending } = sort;
  if (isByName(type, sort) && (after === undefined || typeof after.key === 'string')) {
    const side = after && (descending ? { $lt: after.key as string } : { $gt: after.key as string });
    // A user has a name, and nobody else's: no two keys are equal. A name that was parked is on its way, so it is laid over.
    return { kind: 'index', field: 'nameKey', query: { nameKey: { $type: 'string', ...side } }, order: { nameKey: descending ? -1 : 1 } };
  }
  const order = descending ? -1 : 1;
  return {
    kind: 'computed',
    stages: [
      { $project: { born: 1, key: { $ifNull: [expression(path), null] } } },
      { $set: { absent: { $cond: [{ $eq: ['$key', null] }, 1, 0] } } },
      ...(after === undefined ? [] : [{ $match: following(after, descending) }]),
      { $sort: { absent: order, key: order, born: 1 } },
    ],
  };
}

/** The places after one, by key and, among equal ones, by age. */
function following({ key, born }: Place, descending: boolean): Record<string, unknown> {
  const younger = { born: { $gt: born } };
  if (key === undefined) return descending ? { $or: [{ absent: 0 }, { absent: 1, ...younger }] } : { absent: 1, ...younger };
  const beyond = [
    { absent: 0, key: descending ? { $lt: key } : { $gt: key } },
    { absent: 0, key, ...younger },
  ];
  return { $or: descending ? beyond : [...beyond, { absent: 1 }] };
}

/** What `sortValue` answers, computed by MongoDB of the search tree. */
function expression({ urn, attribute, sub }: AttributePath): unknown {
  const path = `$search.${urn === undefined ? '' : `${searchKey(urn)}.`}${searchKey(attribute.name)}`;
  const leaf = sub === undefined ? '' : `.${searchKey(sub.name)}`;
  const value = attribute.multiValued ? chosen(path, leaf, sub !== undefined) : `${path}${leaf}`;
  const { type } = sub ?? attribute;
  if (type === 'boolean' || type === 'integer' || type === 'decimal') return value;
  return {
    $let: {
      vars: { text: value },
      in: { $cond: [{ $eq: [{ $type: '$$text' }, 'string'] }, { $substrCP: ['$$text', 0, SORT_CHARACTERS_MAX] }, null] },
    },
  };
}

/** The primary element, else the first. */
function chosen(path: string, leaf: string, complex: boolean): unknown {
  const first = { $first: path };
  if (!complex) return first;
  const primary = { $first: { $filter: { input: { $ifNull: [path, []] }, as: 'each', cond: { $eq: ['$$each.primary', true] } } } };
  return { $let: { vars: { element: { $ifNull: [primary, first] } }, in: `$$element${leaf}` } };
}

/** MongoDB's names are indexed, and users have one each; what text it is doesn't matter then, nor how long it is. */
const isByName = (type: ResourceTypeName, sort: Sort | undefined): boolean =>
  type === 'User' && sort?.path?.urn === undefined && sort?.path?.attribute.name === NAME_ATTRIBUTE.User;

function shortened(key: SortValue): SortValue {
  return typeof key === 'string' && key.length > SORT_CHARACTERS_MAX ? [...key].slice(0, SORT_CHARACTERS_MAX).join('') : key;
}
