import { type MongoLink, onMongo, type StoredActivity } from '@rollcall/store';
import { noteUndecided, type Undecided } from './undecided.js';

/** What was heard of tenants and credentials since the last time it was written down. */
export interface Heard {
  readonly tenants: ReadonlyMap<string, { readonly lastRequestAt?: Date; readonly lastError?: NonNullable<StoredActivity['lastError']> }>;
  /** Kinds of requests that succeeded (`lastError.kind`), and when the last one did. */
  readonly succeeded: ReadonlyMap<string, { readonly kinds: readonly string[]; readonly at: Date }>;
  /** Credentials by id. */
  readonly credentials: ReadonlyMap<string, Date>;
  /** People of whom it must be decided which account is theirs, by `undecidedKey`. */
  readonly undecided: ReadonlyMap<string, Undecided>;
}

/** Writes down what was heard of. What is newer there stays; an error of a kind that has succeeded since is removed. */
export async function noteActivity(mongo: MongoLink, { tenants, credentials, undecided, succeeded }: Heard): Promise<void> {
  const options = { ordered: false } as const;
  await noteUndecided(mongo, undecided);
  if (credentials.size > 0) {
    const updates = [...credentials].map(([id, at]) => ({ updateOne: { filter: { _id: id }, update: { $max: { lastUsedAt: at } } } }));
    await onMongo(mongo.collection('tokens').bulkWrite(updates, options));
  }
  if (succeeded.size > 0) {
    const updates = [...succeeded].map(([id, { kinds, at }]) => ({
      updateOne: {
        filter: { _id: id, 'lastError.kind': { $in: [...kinds] }, 'lastError.at': { $lte: at } },
        update: { $unset: { lastError: '' as const } },
      },
    }));
    await onMongo(mongo.collection('activity').bulkWrite(updates, options));
  }
  if (tenants.size > 0) {
    const noted = [...tenants].filter(([, { lastRequestAt, lastError }]) => lastRequestAt ?? lastError);
    const updates = noted.map(([id, { lastRequestAt, lastError }]) => ({
      updateOne: {
        filter: { _id: id },
        update: { ...(lastRequestAt ? { $max: { lastRequestAt } } : {}), ...(lastError ? { $set: { lastError } } : {}) },
        upsert: true,
      },
    }));
    if (updates.length > 0) await onMongo(mongo.collection('activity').bulkWrite(updates, options));
  }
}

export const readActivity = async (mongo: MongoLink, tenant: string): Promise<StoredActivity | undefined> =>
  (await onMongo(mongo.collection('activity').findOne({ _id: tenant }, { projection: { 'lastError.kind': 0 } }))) ?? undefined;
