import { TransientError, type Versioned } from '@rollcall/directory';
import {
  type CachedMark,
  type CachedState,
  collectionOf,
  fill,
  fromStored,
  isTrusted,
  type Keys,
  type MongoLink,
  type Outages,
  onMongo,
  onRedis,
  type RedisLink,
  readMarks,
  readStates,
  type StoredResource,
  writeDocument,
} from '@rollcall/store';
import type { Log, WorkerMetrics } from '@rollcall/telemetry';
import { type ReacceptDeps, reaccept } from './reaccept.js';

export interface AuditDeps extends ReacceptDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly keys: Keys;
  readonly metrics: WorkerMetrics;
  readonly log: Log;
  readonly outages: Pick<Outages, 'note'>;
  readonly fillAgeMax_ms: number;
  readonly settledTtl_s: number;
}

/** What a settled copy in Redis and MongoDB's document say of each other. A copy is settled only once MongoDB has it, so it can't be ahead. */
export function compare(
  copy: { readonly version: number; readonly stamp: string },
  document: { readonly version: number; readonly stamp: string } | undefined,
): 'same' | 'lost' | 'behind' {
  if (document === undefined || document.version < copy.version) return 'lost';
  if (document.version > copy.version) return 'behind';
  return document.stamp === copy.stamp ? 'same' : 'lost';
}

/** Compares a moving sample of what Redis holds as settled with MongoDB. What MongoDB has lost is accepted again; what Redis missed is filled. */
export function makeAudit(deps: AuditDeps): () => Promise<void> {
  let cursor = '0';
  return async () => {
    const { redis, keys } = deps;
    const [next, found] = await onRedis(redis.redis.scan(cursor, 'MATCH', keys.anyResource(), 'COUNT', SCAN_COUNT));
    cursor = next;
    const sample = new Map<string, string[]>();
    for (const key of found) {
      const resource = keys.resourceOf(key);
      if (resource) sample.set(resource.tenant, [...(sample.get(resource.tenant) ?? []), resource.id]);
    }
    for (const [tenant, ids] of sample) await auditTenant(deps, tenant, ids);
  };
}

async function auditTenant(deps: AuditDeps, tenant: string, ids: readonly string[]): Promise<void> {
  const { redis, keys, mongo, metrics, log } = deps;
  const epoch = Number((await onRedis(redis.redis.hget(keys.tenant(tenant).head(), 'epoch'))) ?? 0);
  // Redis first: what it holds as settled then is in MongoDB already.
  const taken_us = await redis.now_us();
  const settled = (await readMarks(redis.redis, keys.tenant(tenant), ids)).filter((mark) => !mark.pending && isTrusted(mark, epoch));
  const documents = new Map<string, Pick<StoredResource, '_id' | 'type' | 'version' | 'stamp'>>();
  for (const type of ['User', 'Group'] as const) {
    const looked = settled.filter((mark) => mark.type === undefined || mark.type === type).map(({ id }) => id);
    if (looked.length === 0) continue;
    const found = mongo.collection(collectionOf(type)).find({ _id: { $in: looked }, tenant }, { projection: MARK });
    for (const document of await onMongo(found.toArray())) documents.set(document._id, document);
  }
  for (const { id, version, stamp } of settled) {
    const document = documents.get(id);
    const difference = compare({ version, stamp }, document);
    if (difference === 'same') continue;
    const { mark, copy } = await unchanged(deps, tenant, id, version);
    if (mark === undefined) continue;
    metrics.auditDifferences.inc();
    log.error(
      { event: 'stores.differ', tenant, id, version, inMongo: document?.version ?? 0, difference },
      'Redis and MongoDB differ about a resource',
    );
    if (difference === 'behind' && document) await refill(deps, tenant, document.type, id, epoch, taken_us);
    else if (copy) await repair(deps, tenant, copy, 'audit');
    else
      log.error(
        { event: 'audit.repair.impossible', tenant, id, version },
        'MongoDB has lost a version whose copy in Redis was evicted: only a backup has it',
      );
  }
}

/**
 * The copy, if it is what it was: if not, it moved on between the two readings, and nothing is wrong.
 * @returns `copy` is absent where only a marker is left of it; nothing where it moved on
 */
async function unchanged(
  { redis, keys }: AuditDeps,
  tenant: string,
  id: string,
  version: number,
): Promise<{ readonly mark?: CachedMark; readonly copy?: CachedState }> {
  const of = keys.tenant(tenant);
  const [mark] = (await readMarks(redis.redis, of, [id])).filter((mark) => mark.version === version && !mark.pending);
  if (mark === undefined) return {};
  const [copy] = await readStates(redis.redis, of, [id]);
  return copy?.version === version && !copy.pending ? { mark, copy } : { mark };
}

/** Accepts again, under a new version, what MongoDB does not have. */
export async function repair(deps: AuditDeps, tenant: string, copy: Versioned, reason: 'audit' | 'epoch'): Promise<void> {
  const { id } = copy.resource;
  try {
    const outcome = await reaccept(deps, tenant, 'repair', copy);
    if (outcome.kind === 'ok') deps.metrics.reaccepted.inc({ reason });
    else
      deps.log.error(
        { event: 'repair.refused', tenant, id, version: copy.version, ...outcome, committed: undefined },
        'a difference between the stores could not be repaired',
      );
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    // The sample comes by again.
    deps.outages.note(error, { event: 'repair.failed', tenant, id }, 'a difference between the stores could not be repaired yet');
  }
}

async function refill(
  { redis, mongo, keys, fillAgeMax_ms, settledTtl_s }: AuditDeps,
  tenant: string,
  type: StoredResource['type'],
  id: string,
  epoch: number,
  taken_us: number,
) {
  const document = await onMongo(mongo.collection(collectionOf(type)).findOne({ _id: id, tenant }));
  if (!document) return; // purged meanwhile
  const { resource, version, born, modified_ms, since } = fromStored(document);
  const copy = {
    id: resource.id,
    document: writeDocument(resource),
    version,
    modified_us: modified_ms * 1_000,
    born,
    epoch,
    stamp: document.stamp,
    type: resource.type,
    gone: resource.deleted,
    since,
  };
  await onRedis(fill.run(redis.redis, { keys: keys.tenant(tenant), ...copy, taken_us, fillAgeMax_ms, settledTtl_s }));
}

const MARK = { type: 1, version: 1, stamp: 1 } as const;
/** How much of the key space one round looks at: all of it that is a resource is compared, so that each pass misses none. */
const SCAN_COUNT = 200;
