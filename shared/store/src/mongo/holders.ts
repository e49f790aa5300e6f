import { countedPrefix, type IndexField, type ResourceTypeName } from '@rollcall/directory';
import { onMongo } from '../errors.js';
import type { MongoLink } from './link.js';

/** A resource that MongoDB knows under an index field, in the version in which it does. */
export interface HolderAt {
  readonly id: string;
  readonly version: number;
  /** Of a group: others may have its name. */
  readonly sharesName?: boolean;
}

const COLLECTIONS = ['accounts', 'groups'] as const;
const PREFIXES = [
  [countedPrefix('User'), 'nameKey', ['accounts']],
  [countedPrefix('Group'), 'nameKey', ['groups']],
  ['i:', 'identityKey', ['accounts']],
  ['u:', 'principalKey', ['accounts']],
  ['x:', 'externalId', COLLECTIONS],
  // Kept as they are: the whole field is the value.
  ['d:', 'marks', ['accounts']],
  ['h:', 'marks', ['accounts']],
] as const;

/** What a document keeps for the index, folded where it must be: folding it again could make another text of it. */
export type StoredKey = 'nameKey' | 'identityKey' | 'principalKey' | 'externalId';

/** The field of the index under which a stored value is found. */
export function fieldOfStored(type: ResourceTypeName, key: StoredKey, value: string): IndexField {
  if (key === 'nameKey') return countedPrefix(type) + value;
  return { identityKey: 'i:', principalKey: 'u:', externalId: 'x:' }[key] + value;
}

/**
 * Whom MongoDB knows under these fields of the index, for as long as the index itself is not complete.
 * Names of parked resources are not among them: their newest state is on its way and holds its own entry.
 */
export async function fieldEntriesInMongo(
  mongo: MongoLink,
  tenant: string,
  fields: readonly IndexField[],
): Promise<Map<IndexField, HolderAt[]>> {
  const entries = new Map<IndexField, HolderAt[]>();
  await Promise.all(
    PREFIXES.flatMap(([prefix, key, collections]) => {
      const wanted = fields.filter((field) => field.startsWith(prefix));
      const values = key === 'marks' ? wanted : wanted.map((field) => field.slice(prefix.length));
      if (values.length === 0) return [];
      return collections.map(async (collection) => {
        const found = await onMongo(
          mongo
            .collection(collection)
            .find(
              { tenant, [key]: { $in: values, ...(key === 'marks' ? { $exists: true } : {}) } },
              { projection: { version: 1, sharesName: 1, [key]: 1 } },
            )
            .limit(HOLDERS_MAX)
            .toArray(),
        );
        for (const document of found) {
          const holder = { id: document._id, version: document.version, sharesName: document.sharesName !== undefined };
          const under = key === 'marks' ? values.filter((field) => document.marks?.includes(field)) : [prefix + document[key]];
          for (const field of under) entries.set(field, [...(entries.get(field) ?? []), holder]);
        }
      });
    }),
  );
  return entries;
}

const HOLDERS_MAX = 10_000;
