import { collect, collectionOf, readDocument, settle, toStored } from '@rollcall/store';
import type { Stores } from './stores.js';

/**
 * Writes what is pending to MongoDB, as a worker does that nothing befalls. With `settles` false it dies before it can say so in Redis;
 * with `keepsCopies` false Redis is short of memory.
 */
export async function drain(stores: Stores, tenant: string, { count = 1_000, settles = true, keepsCopies = true } = {}): Promise<number> {
  const { redis, mongo, keys } = stores;
  const of = keys.tenant(tenant);
  const batch = await collect.run(redis.redis, { keys: of, count });
  for (const type of ['User', 'Group'] as const) {
    const documents = batch
      .filter((each) => each.type === type)
      .map(({ document, version, born, modified_us, stamp, since }) => {
        const versioned = { resource: readDocument(document), version, born, modified_ms: Math.floor(modified_us / 1_000), since };
        return toStored(tenant, versioned, stamp);
      });
    if (documents.length === 0) continue;
    const collection = mongo.collection(collectionOf(type));
    // Names are given back first, so that swaps and chains pass.
    await collection.updateMany({ _id: { $in: documents.map(({ _id }) => _id) } }, { $unset: { nameKey: true } });
    await collection.bulkWrite(
      documents.map((replacement) => ({ replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true } })),
    );
  }
  if (settles && batch.length > 0) await settle.run(redis.redis, { keys: of, tenant, settledTtl_s: 3_600, keepsCopies, applied: batch });
  return batch.length;
}

/** Redis forgets everything of this corner, as after the loss of its disk. */
export async function emptyRedis({ redis, corner }: Stores): Promise<void> {
  const all = await redis.redis.keys(`${corner.prefix}:*`);
  if (all.length > 0) await redis.redis.del(...all);
}
