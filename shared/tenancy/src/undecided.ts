// People whom the identity provider wants in, and of whom an administrator must say which account is theirs.
import { foldCase } from '@rollcall/scim';
import { type MongoLink, onMongo, type StoredUndecided } from '@rollcall/store';

/** Who came last, when, and which accounts could be theirs. */
export type UndecidedPerson = Omit<StoredUndecided, '_id' | 'tenant'>;

/** Whether the identity provider is refused until an administrator decides; the others are there to be looked at. */
export const waitsForDecision = ({ reason }: Pick<StoredUndecided, 'reason'>): boolean => reason !== 'revived' && reason !== 'separated';

/** What became of one; without a person: it is decided. */
export interface Undecided {
  readonly tenant: string;
  readonly person?: UndecidedPerson;
}

export const undecidedKey = (tenant: string, userName: string): string => `${tenant}/${foldCase(userName)}`;

/** Writes down who is to be decided about, each person once, and takes away who is not any more. */
export async function noteUndecided(mongo: MongoLink, all: ReadonlyMap<string, Undecided>): Promise<void> {
  if (all.size === 0) return;
  const writes = [...all].map(([_id, { tenant, person }]) =>
    person
      ? { replaceOne: { filter: { _id }, replacement: { tenant, ...person, accounts: [...person.accounts] }, upsert: true } }
      : { deleteOne: { filter: { _id } } },
  );
  await onMongo(mongo.collection('undecided').bulkWrite(writes, { ordered: false }));
}

/** The newest of a tenant. */
export const readUndecided = (mongo: MongoLink, tenant: string): Promise<StoredUndecided[]> =>
  onMongo(mongo.collection('undecided').find({ tenant }).sort({ at: -1 }).limit(READ_MAX).toArray());

/** Nothing of a person is to be left here, either: neither by their account nor by their name. */
export async function forgetUndecided(mongo: MongoLink, tenant: string, account: string, userName: string | undefined): Promise<void> {
  const named = userName === undefined ? [] : [{ _id: undecidedKey(tenant, userName) }];
  await onMongo(mongo.collection('undecided').deleteMany({ tenant, $or: [{ accounts: account }, ...named] }));
}

const READ_MAX = 100;
