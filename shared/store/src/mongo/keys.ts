// What MongoDB keeps for the index, written anew after an upgrade from a release that kept other keys (docs/decisions/0034).
import { LOOK_ALIKES, ROLLCALL_USER_URN } from '@rollcall/scim';
import type { mongo } from 'mongoose';
import { onMongo } from '../errors.js';
import { fromStored, keysOf, type StoredKeys, storedPath } from './documents.js';
import type { MongoLink } from './link.js';
import type { StoredResource } from './models.js';

/**
 * Gives the documents of one tenant the keys of this release: those of deleted and of held accounts, and of names with characters that an earlier release took
 * for what they look like. All others have the same keys as before. A document that a worker writes meanwhile has them already.
 * @throws TransientError while MongoDB is away; what was written by then is not written again
 */
export async function rewriteKeys(link: MongoLink, tenant: string): Promise<void> {
  const alike = (path: string) => ({ [path]: { $regex: LOOK_ALIKES } });
  const names = ['userName', 'emails.value', 'userPrincipalName'].map((name) => alike(`attributes.${name}`));
  const people = [
    { live: false },
    { 'account.preservedBy': 'administrator' },
    ...names,
    alike(storedPath(ROLLCALL_USER_URN, 'userPrincipalName')),
  ];
  await rewrite(link, 'accounts', { tenant, 'account.purged': { $ne: true }, $or: people });
  await rewrite(link, 'groups', { tenant, ...alike('attributes.displayName') });
}

async function rewrite(link: MongoLink, name: 'accounts' | 'groups', query: mongo.Filter<StoredResource>): Promise<void> {
  const collection = link.collection(name);
  const cursor = collection.find(query, { projection: { search: 0 } }).batchSize(PART);
  try {
    let part: StoredResource[] = [];
    for (let next = await onMongo(cursor.next()); next; next = await onMongo(cursor.next())) {
      part.push(next);
      if (part.length < PART) continue;
      await onMongo(collection.bulkWrite(part.map(operation), { ordered: false }));
      part = [];
    }
    if (part.length > 0) await onMongo(collection.bulkWrite(part.map(operation), { ordered: false }));
  } finally {
    await cursor.close();
  }
}

function operation(document: StoredResource): mongo.AnyBulkWriteOperation<StoredResource> {
  const keys: StoredKeys = keysOf(fromStored(document).resource);
  // A parked one has given its name away, and its newest state is on its way.
  if (document.parked) delete keys.nameKey;
  const gone = KEYS.filter((key) => keys[key] === undefined && document[key] !== undefined);
  return {
    updateOne: {
      filter: { _id: document._id, tenant: document.tenant, version: document.version },
      update: { $set: { ...keys, version: document.version }, $unset: Object.fromEntries(gone.map((key) => [key, 1 as const])) },
    },
  };
}

const KEYS = ['identityKey', 'principalKey', 'nameKey', 'externalId', 'marks'] as const satisfies readonly (keyof StoredKeys)[];
const PART = 500;
