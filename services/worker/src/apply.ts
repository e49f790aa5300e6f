import { nameOf, type Resource, TransientError } from '@rollcall/directory';
import { foldCase, type ResourceTypes } from '@rollcall/scim';
import {
  type Collected,
  collectionOf,
  isMongoTransient,
  type Keys,
  type MongoLink,
  mongo,
  mongoError,
  onMongo,
  type RedisLink,
  readDocument,
  readMarks,
  readStates,
  type StoredResource,
  toStored,
} from '@rollcall/store';
import { withSpan } from '@rollcall/telemetry';
import { acknowledged, type BulkOutcome, findings, judge, type Verdict } from './plan.js';
import { type Cause, NAME_TAKEN, type Refusal, refusalOf } from './refusal.js';

export interface ApplyDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly keys: Keys;
  /** What a tenant has, read after what is to be applied: it was accepted by these, or by fewer. */
  readonly types: (tenant: string) => Promise<ResourceTypes>;
  /** How long MongoDB may take for one batch. */
  readonly timeout_ms: number;
}

/**
 * Writes the newest states of resources of one tenant to MongoDB, each guarded by its version, and says what became of each, in their order.
 * @throws TransientError where nothing is wrong with them: what was written by then is found there by the next try
 */
export type Apply = (tenant: string, batch: readonly Collected[]) => Promise<Verdict[]>;

type Type = Resource['type'];
type Accounts = mongo.Collection<StoredResource>;
type Attempts = ReadonlyMap<Collected, Attempt>;

interface Attempt {
  readonly document: StoredResource;
  /** As an insert, which costs MongoDB a fourth of an upsert; it is refused where the document is there, and then tried as an update. */
  readonly insert: boolean;
}

export const makeApply = (deps: ApplyDeps): Apply => {
  return async (tenant, batch) => {
    const verdicts = new Map<Collected, Verdict>();
    let attempts: Attempts = stored(tenant, batch, verdicts, await deps.types(tenant));
    for (let round = 1; attempts.size > 0; round += 1) {
      const again = new Map<Collected, Attempt>();
      for (const type of ['User', 'Group'] as const) {
        const ofType = new Map([...attempts].filter(([{ type: t }]) => t === type));
        if (ofType.size === 0) continue;
        const { exist, taken } = await tryOnce(deps, type, ofType, verdicts);
        for (const [collected, attempt] of exist) again.set(collected, attempt);
        for (const [collected, attempt] of await settleNames(deps, tenant, type, taken, verdicts)) again.set(collected, attempt);
      }
      if (again.size > 0 && round >= ROUNDS_MAX) {
        for (const collected of again.keys())
          verdicts.set(collected, { kind: 'unknown', cause: { reason: 'the name keeps changing hands' } });
        break;
      }
      attempts = again;
    }
    return batch.map((collected) => verdicts.get(collected)!);
  };
};

/** The documents as MongoDB keeps them. One that can't even be made of its state must not keep the others from being written. */
function stored(tenant: string, batch: readonly Collected[], verdicts: Map<Collected, Verdict>, types: ResourceTypes): Attempts {
  const attempts = new Map<Collected, Attempt>();
  const applied = new Date();
  for (const collected of batch) {
    const { document, version, born, modified_us, stamp, tries, since } = collected;
    try {
      const versioned = { resource: readDocument(document), version, born, modified_ms: Math.floor(modified_us / 1_000), since };
      // Nobody has written what is in its first version and was never tried.
      attempts.set(collected, {
        document: { ...toStored(tenant, versioned, stamp, types), applied },
        insert: version === born && tries === 1,
      });
    } catch (error) {
      const code = error instanceof Error ? error.name : 'thrown';
      verdicts.set(collected, { kind: 'unknown', cause: { reason: 'no document can be made of the state', code } });
    }
  }
  return attempts;
}

/** One bulk write and what it says of each document. @returns those that are there already, and those whose name another one has */
async function tryOnce(
  deps: ApplyDeps,
  type: Type,
  attempts: Attempts,
  verdicts: Map<Collected, Verdict>,
): Promise<{ exist: Attempts; taken: Attempts }> {
  const collection = deps.mongo.collection(collectionOf(type));
  const all = [...attempts];
  const documents = all.map(([, attempt]) => attempt);
  const outcome = await withSpan(
    'mongodb bulkWrite',
    { kind: 'client', attributes: { 'db.collection.name': collection.collectionName, 'db.operation.batch.size': documents.length } },
    () => write(collection, documents, deps.timeout_ms),
  );
  const exist = new Map<Collected, Attempt>();
  const taken = new Map<Collected, Attempt>();
  const unsure: [Collected, Attempt][] = [];
  for (const [index, finding] of findings(documents.length, outcome).entries()) {
    const [collected, attempt] = all[index]!;
    const asUpdate = { ...attempt, insert: false };
    switch (finding.kind) {
      case 'written':
        verdicts.set(collected, finding);
        break;
      case 'unsure':
        unsure.push([collected, attempt]);
        break;
      case 'exists':
        exist.set(collected, asUpdate);
        break;
      case 'nameTaken':
        taken.set(collected, asUpdate);
        break;
      case 'transient':
        throw new TransientError('MongoDB refuses for now', { away: 'mongodb' });
      case 'permanent':
        verdicts.set(collected, { kind: 'refused', cause: finding.cause });
        break;
      case 'unknown':
        verdicts.set(collected, finding);
        break;
    }
  }
  if (unsure.length > 0) await readBack(collection, unsure, verdicts);
  return { exist, taken };
}

/**
 * Replaces whole documents where what is there is older. `{ _id, version: { $lt } }` with upsert would insert beside what is newer,
 * and taking its duplicate key for "already there" loses documents (docs/architecture.md#data-in-mongodb).
 */
async function write(collection: Accounts, documents: readonly Attempt[], timeout_ms: number): Promise<BulkOutcome> {
  const inserts = new Set(documents.flatMap(({ insert }, index) => (insert ? [index] : [])));
  try {
    const options = { ordered: false, writeConcern: { w: 'majority', journal: true }, timeoutMS: timeout_ms } as const;
    return outcomeOf(await collection.bulkWrite(documents.map(operation), options), inserts, new Map());
  } catch (error) {
    if (isMongoTransient(error)) throw mongoError(error);
    const refused = refusedOf(error, documents.length);
    if (refused && error instanceof mongo.MongoBulkWriteError) return outcomeOf(error.result, inserts, refused);
    if (documents.length > 1) return oneByOne(collection, documents, timeout_ms);
    return { inserts, inserted: 0, matched: 0, modified: 0, upserted: new Set(), refused: new Map([[0, refusalOf(error as Error)]]) };
  }
}

const operation = ({ document, insert }: Attempt): mongo.AnyBulkWriteOperation<StoredResource> =>
  insert
    ? { insertOne: { document } }
    : {
        updateOne: {
          filter: { _id: document._id, tenant: document.tenant },
          update: [
            { $replaceWith: { $cond: [{ $lt: [{ $ifNull: ['$version', 0] }, document.version] }, { $literal: document }, '$$ROOT'] } },
          ],
          upsert: true,
        },
      };

/**
 * What was refused, by index; undefined where the error is of the bulk as a whole, which the driver gives as an error of the first document:
 * then the figures don't add up, as nothing was tried.
 */
function refusedOf(error: unknown, count: number): ReadonlyMap<number, Refusal> | undefined {
  if (!(error instanceof mongo.MongoBulkWriteError)) return undefined;
  if (error.result.getWriteConcernError())
    throw new TransientError('a majority has not confirmed the write', { away: 'mongodb', cause: error });
  const errors = error.result.getWriteErrors();
  const { insertedCount, matchedCount, upsertedCount } = error.result;
  if (errors.length === 0 || insertedCount + matchedCount + upsertedCount + errors.length < count) return undefined;
  return new Map(errors.map(({ index, code, errmsg, errInfo }) => [index, refusalOf({ code, message: errmsg, errInfo })]));
}

function outcomeOf(result: mongo.BulkWriteResult, inserts: ReadonlySet<number>, refused: ReadonlyMap<number, Refusal>): BulkOutcome {
  const upserted = new Set(Object.keys(result.upsertedIds).map(Number));
  return { inserts, inserted: result.insertedCount, matched: result.matchedCount, modified: result.modifiedCount, upserted, refused };
}

/** Finds out which document makes the driver, or MongoDB, refuse the whole. */
async function oneByOne(collection: Accounts, documents: readonly Attempt[], timeout_ms: number): Promise<BulkOutcome> {
  const sum = {
    inserts: new Set<number>(),
    inserted: 0,
    matched: 0,
    modified: 0,
    upserted: new Set<number>(),
    refused: new Map<number, Refusal>(),
  };
  for (const [index, document] of documents.entries()) {
    const one = await write(collection, [document], timeout_ms);
    sum.inserted += one.inserted;
    sum.matched += one.matched;
    sum.modified += one.modified;
    if (one.inserts.size > 0) sum.inserts.add(index);
    if (one.upserted.size > 0) sum.upserted.add(index);
    for (const refusal of one.refused.values()) sum.refused.set(index, refusal);
  }
  return sum;
}

async function readBack(collection: Accounts, unsure: readonly [Collected, Attempt][], verdicts: Map<Collected, Verdict>): Promise<void> {
  const ids = unsure.map(([{ id }]) => id);
  const found = collection.find({ _id: { $in: ids }, tenant: unsure[0]![1].document.tenant }, { projection: { version: 1, stamp: 1 } });
  const there = new Map((await onMongo(found.toArray())).map((document) => [document._id, document]));
  for (const [collected] of unsure) verdicts.set(collected, acknowledged(collected, there.get(collected.id)));
}

/** Judges names that were refused, and parks holders that are about to let go. @returns what is to be tried again */
async function settleNames(
  { redis, mongo, keys }: ApplyDeps,
  tenant: string,
  type: Type,
  taken: Attempts,
  verdicts: Map<Collected, Verdict>,
): Promise<Attempts> {
  const again = new Map<Collected, Attempt>();
  if (taken.size === 0) return again;
  const collection = mongo.collection(collectionOf(type));
  const names = [...taken.values()].flatMap(({ document: { nameKey } }) => nameKey ?? []);
  // MongoDB first: a holder seen there is then known to Redis in that version or a newer one.
  const unique = { tenant, nameKey: { $in: names }, sharesName: { $exists: false } };
  const found = await onMongo(collection.find(unique, { projection: { version: 1, nameKey: 1 } }).toArray());
  const holders = new Map(found.map((holder) => [holder.nameKey, holder]));
  const ids = [...new Set([...found.map(({ _id }) => _id), ...[...taken.keys()].map(({ id }) => id)])];
  const [read, marks] = await Promise.all([
    readStates(redis.redis, keys.tenant(tenant), ids),
    readMarks(redis.redis, keys.tenant(tenant), ids),
  ]);
  const states = new Map(ids.map((id, index) => [id, read[index]]));
  const evicted = new Map(marks.filter((mark) => !mark.pending && !states.get(mark.id)).map((mark) => [mark.id, mark]));
  for (const [collected, attempt] of taken) {
    const name = attempt.document.nameKey!;
    const holder = holders.get(name);
    const now = holder && states.get(holder._id);
    const verdict = judge({
      id: collected.id,
      name,
      tried: collected.version,
      own: states.get(collected.id)?.version ?? 0,
      holder: holder && { id: holder._id, version: holder.version },
      // Of a marker the name is not known: if it is newer than what was seen in MongoDB, MongoDB is looked at again.
      holderNow: now
        ? { version: now.version, pending: now.pending, name: now.resource.deleted ? undefined : foldedName(now.resource) }
        : holder && evicted.get(holder._id) && { ...evicted.get(holder._id)!, name: undefined },
    });
    if (verdict === 'newer') verdicts.set(collected, { kind: 'newer' });
    else if (verdict === 'refused') verdicts.set(collected, { kind: 'refused', cause: TAKEN });
    else {
      if (verdict === 'park' && holder) await park(collection, { ...holder, tenant, nameKey: name });
      again.set(collected, attempt);
    }
  }
  return again;
}

/** Takes a name from a document in exactly the version that was judged. */
const park = (collection: Accounts, holder: Pick<StoredResource, '_id' | 'tenant' | 'version'> & { readonly nameKey: string }) => {
  const { _id, tenant, version, nameKey } = holder;
  return onMongo(collection.updateOne({ _id, tenant, version, nameKey }, { $unset: { nameKey: 1 }, $set: { parked: true } }));
};

function foldedName(resource: Resource): string | undefined {
  const name = nameOf(resource);
  return name === undefined ? undefined : foldCase(name);
}

const TAKEN: Cause = { reason: NAME_TAKEN, code: 11000 };
/** Each round lets all holders go at once; more than two happen only where others write the same names at the same time. */
const ROUNDS_MAX = 8;
