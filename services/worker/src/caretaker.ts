import { type Keys, type MongoLink, type Outages, onMongo, onRedis, type RedisLink, type StoredTenant } from '@rollcall/store';
import type { Log, Service } from '@rollcall/telemetry';
import { type Records, transact } from '@rollcall/tenancy';
import type { StandingLease } from './lease.js';
import { Loop } from './loop.js';

export interface CaretakerDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly keys: Keys;
  readonly records: Pick<Records, 'carryAll'>;
  readonly lease: Pick<StandingLease, 'held'>;
  readonly log: Log;
  readonly outages: Pick<Outages, 'note'>;
  readonly interval_ms: number;
  readonly now: () => Date;
}

/** Ends what operators began: carries changes to Redis that it did not get, and removes tenants whose deletion is confirmed and whose grace period is over. */
export function caretaker(deps: CaretakerDeps): Service {
  return new Loop('caretaker', deps.outages, deps.interval_ms, async (stopped) => {
    if (!deps.lease.held) return;
    const carried = await deps.records.carryAll();
    if (carried > 0) deps.log.warn({ event: 'records.carried', carried }, 'changes by operators had not reached Redis; they have now');
    const due = {
      status: 'deleting' as const,
      removedAt: { $exists: false },
      'deletion.confirmedAt': { $exists: true },
      'deletion.after': { $lte: deps.now() },
    };
    for (const tenant of await onMongo(deps.mongo.collection('tenants').find(due).limit(TENANTS_MAX).toArray())) {
      if (stopped() || !deps.lease.held) return;
      await remove(deps, tenant, () => stopped() || !deps.lease.held);
    }
  });
}

/**
 * Removes all that a tenant has. What is on its way to MongoDB gets there first; and as something may still have been on its way, the tenant counts
 * as removed only after a round that found nothing.
 */
async function remove(deps: CaretakerDeps, { _id: tenant }: StoredTenant, stopped: () => boolean): Promise<void> {
  const { mongo, log, now } = deps;
  const keys = deps.keys.tenant(tenant);
  const redis = deps.redis.redis;
  if ((await onRedis(redis.zcard(keys.pending()))) > 0) return;
  let found = 0;
  // Tokens first: nobody signs in from then on.
  const tokens = await onMongo(
    mongo
      .collection('tokens')
      .find({ tenant }, { projection: { hash: 1 } })
      .toArray(),
  );
  if (tokens.length > 0) await onRedis(redis.unlink(tokens.map(({ hash }) => deps.keys.token(hash))));
  for (const name of OF_TENANTS) found += await removeAll(mongo, name, tenant, stopped);
  found += (await onMongo(mongo.collection('activity').deleteOne({ _id: tenant }))).deletedCount;
  found += await removeKeys(deps, tenant);
  if (found > 0 || stopped()) return;

  const at = now();
  await transact(mongo, async (session) => {
    const gone = {
      $set: { removedAt: at, settings: {} },
      $unset: { name: '' as const, webhookSecret: '' as const, deletion: '' as const },
    };
    await mongo.collection('tenants').updateOne({ _id: tenant, status: 'deleting' }, gone, { session });
    const actor = { id: 'rollcall', name: 'rollcall', requestId: '' };
    return { result: undefined, entry: { actor, at, tenant, action: 'tenant.removed', target: { kind: 'tenant', id: tenant } } };
  });
  log.warn({ event: 'tenant.removed', tenant }, 'tenant removed: its deletion was confirmed, and its grace period is over');
}

async function removeAll(mongo: MongoLink, name: (typeof OF_TENANTS)[number], tenant: string, stopped: () => boolean): Promise<number> {
  const collection = mongo.connection.db?.collection(name);
  if (!collection) return 0;
  let removed = 0;
  while (!stopped()) {
    const page = await onMongo(
      collection
        .find({ tenant }, { projection: { _id: 1 } })
        .limit(CHUNK)
        .toArray(),
    );
    if (page.length === 0) break;
    removed += (await onMongo(collection.deleteMany({ _id: { $in: page.map(({ _id }) => _id) } }))).deletedCount;
  }
  return removed;
}

async function removeKeys({ redis: { redis }, keys }: CaretakerDeps, tenant: string): Promise<number> {
  const of = keys.tenant(tenant);
  let removed = 0;
  const dead = await onRedis(redis.zrange(of.dead(), '0', '-1'));
  for (let at = 0; at < dead.length; at += CHUNK) {
    await onRedis(redis.zrem(of.partition.dead(), ...dead.slice(at, at + CHUNK).map((member) => `${tenant} ${member}`)));
  }
  await onRedis(redis.zrem(of.partition.pending(), tenant));
  let cursor = '0';
  do {
    const [next, found] = await onRedis(redis.scan(cursor, 'MATCH', of.all(), 'COUNT', CHUNK));
    // The settings stay till the end: they say that nobody is let in.
    const mine = found.filter((key) => key !== of.settings());
    if (mine.length > 0) removed += await onRedis(redis.unlink(mine));
    cursor = next;
  } while (cursor !== '0');
  if (removed === 0) await onRedis(redis.unlink(of.settings()));
  return removed;
}

/** Collections with a `tenant` in each document. The audit trail is not among them: it stays. */
const OF_TENANTS = ['accounts', 'groups', 'memberships', 'history', 'tokens', 'reminders', 'jobs', 'jobLines', 'undecided'] as const;
const CHUNK = 1_000;
const TENANTS_MAX = 10;
