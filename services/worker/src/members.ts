// Members of groups are edges of their own (docs/architecture.md#group-members): written by their delta, guarded by version, before the group itself is settled.
import { TransientError } from '@rollcall/directory';
import {
  type Collected,
  closeStage,
  isMongoTransient,
  mongo,
  mongoError,
  onMongo,
  onRedis,
  type PublishedStage,
  readChange,
  readDocument,
  type StoredMembership,
  settleMembers,
} from '@rollcall/store';
import type { ApplyDeps } from './apply.js';

export interface MemberDeps extends Pick<ApplyDeps, 'redis' | 'mongo' | 'keys' | 'timeout_ms'> {
  readonly fillAgeMax_ms: number;
}

/**
 * Writes what a batch changes about memberships: the changes of its groups, and what its deletions and revivals void.
 * The answer forgets in Redis what MongoDB has by then; it is called once the batch's documents are written.
 * @throws TransientError where MongoDB or Redis is away: the next try finds what was written
 */
export type ApplyMembers = (tenant: string, batch: readonly Collected[]) => Promise<() => Promise<void>>;

export const makeApplyMembers = (deps: MemberDeps): ApplyMembers => {
  return async (tenant, batch) => {
    const written: (() => Promise<void>)[] = [];
    for (const collected of batch) if (collected.type === 'Group') written.push(await applyChanges(deps, tenant, collected));
    await tidy(deps, tenant, batch);
    return async () => {
      for (const settle of written) await settle();
    };
  };
};

/** Writes the changes of one group that Redis holds, its own and those of its stages. */
async function applyChanges(deps: MemberDeps, tenant: string, group: Collected): Promise<() => Promise<void>> {
  const keys = deps.keys.tenant(tenant);
  const own: (readonly [string, string])[] = [];
  for await (const part of scan(deps, keys.deltas(group.id))) {
    await write(
      deps,
      part.map(([member, change]) => edge(tenant, group.id, member, ...versioned(change))),
    );
    own.push(...part);
  }
  for (const { stage, version } of group.stages) {
    for await (const part of scan(deps, keys.stage(group.id, stage))) {
      await write(
        deps,
        part.map(([member, change]) => edge(tenant, group.id, member, version, change)),
      );
    }
  }
  return async () => {
    await forget(deps, tenant, group.id, undefined, own);
    for (const published of group.stages) await closeWhole(deps, tenant, group.id, published);
  };
}

/** Whom the changes of a group that are not settled yet name, in parts. Somebody may come twice. */
export async function* changedMembers(
  deps: Pick<MemberDeps, 'redis' | 'keys'>,
  tenant: string,
  group: Collected,
): AsyncGenerator<string[]> {
  const keys = deps.keys.tenant(tenant);
  for (const key of [keys.deltas(group.id), ...group.stages.map(({ stage }) => keys.stage(group.id, stage))]) {
    for await (const part of scan(deps, key)) yield part.map(([member]) => member);
  }
}

async function closeWhole(deps: MemberDeps, tenant: string, group: string, published: PublishedStage): Promise<void> {
  const keys = deps.keys.tenant(tenant);
  for await (const part of scan(deps, keys.stage(group, published.stage))) await forget(deps, tenant, group, published.stage, part);
  await onRedis(closeStage.run(deps.redis.redis, { keys, group, ...published }));
}

async function forget(
  deps: MemberDeps,
  tenant: string,
  group: string,
  stage: string | undefined,
  changes: readonly (readonly [string, string])[],
) {
  const keys = deps.keys.tenant(tenant);
  for (let at = 0; at < changes.length; at += FORGET_MAX) {
    const applied = changes.slice(at, at + FORGET_MAX);
    const call = { keys, group, fillAgeMax_ms: deps.fillAgeMax_ms, applied, ...(stage === undefined ? {} : { stage }) };
    await onRedis(settleMembers.run(deps.redis.redis, call));
  }
}

/** Reads a hash in parts, whatever its size. A field may come twice, which does no harm here. */
async function* scan({ redis }: Pick<MemberDeps, 'redis'>, key: string): AsyncGenerator<(readonly [string, string])[]> {
  let cursor = '0';
  do {
    const [next, flat] = await onRedis(redis.redis.hscan(key, cursor, 'COUNT', PART));
    cursor = next;
    const part = Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2]!, flat[i * 2 + 1]!] as const);
    if (part.length > 0) yield part;
  } while (cursor !== '0');
}

function versioned(change: string): [version: number, change: string] {
  const [version = '', ...rest] = change.split(' ');
  return [Number(version), rest.join(' ')];
}

function edge(tenant: string, group: string, member: string, version: number, change: string): StoredMembership {
  const { type, present } = readChange(change);
  return {
    _id: `${group}/${member}`,
    tenant,
    group,
    member,
    type,
    version,
    removed: !present,
    ...(present ? {} : { removedAt: new Date() }),
  };
}

async function write({ mongo: link, timeout_ms }: MemberDeps, edges: readonly StoredMembership[]): Promise<void> {
  const operations = edges.map((one) => ({
    updateOne: {
      filter: { _id: one._id, tenant: one.tenant },
      update: [{ $replaceWith: { $cond: [{ $lt: [{ $ifNull: ['$version', 0] }, one.version] }, { $literal: one }, '$$ROOT'] } }],
      upsert: true,
    },
  }));
  await transiently(() =>
    link
      .collection('memberships')
      .bulkWrite(operations, { ordered: false, writeConcern: { w: 'majority', journal: true }, timeoutMS: timeout_ms }),
  );
}

/** Takes away the edges that deletions, revivals and replacements of this batch void. Readers judge by themselves; this keeps the collection small. */
async function tidy(deps: MemberDeps, tenant: string, batch: readonly Collected[]): Promise<void> {
  const set = { $set: { removed: true, removedAt: new Date() } };
  const operations = batch.flatMap((collected) => {
    const { id, type, version, since } = collected;
    const { deleted } = readDocument(collected.document);
    // What was named as a member after it was deleted is kept, where the tenant keeps such.
    const below = deleted ? (since ?? version) : since;
    if (below === undefined) return [];
    const older = { tenant, removed: false, version: { $lt: below } };
    const asMember = { updateMany: { filter: { ...older, member: id }, update: set } };
    const asGroup = { updateMany: { filter: { ...older, group: id }, update: set } };
    if (type === 'User') return [asMember];
    return deleted ? [asGroup, asMember] : [asGroup];
  });
  if (operations.length === 0) return;
  await transiently(() =>
    deps.mongo
      .collection('memberships')
      .bulkWrite(operations, { ordered: false, writeConcern: { w: 'majority', journal: true }, timeoutMS: deps.timeout_ms }),
  );
}

/** @throws TransientError also where two writers met on a new edge: the next try finds it there */
async function transiently<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await onMongo(call());
  } catch (error) {
    if (error instanceof mongo.MongoBulkWriteError && (error.code === 11000 || isMongoTransient(error))) {
      throw new TransientError('memberships were not all written', { cause: error });
    }
    throw mongoError(error);
  }
}

const PART = 1_000;
const FORGET_MAX = 500;
