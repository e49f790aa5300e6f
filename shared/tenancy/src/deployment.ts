import { type MongoLink, onMongo } from '@rollcall/store';

/**
 * Fixes the number of partitions when a deployment is first started.
 * @throws Error where the deployment was started with another number: its keys would not be found
 */
export async function ensurePartitions(mongo: MongoLink, partitions: number): Promise<void> {
  const stored = await onMongo(
    mongo
      .collection('deployment')
      .findOneAndUpdate({ _id: 'deployment' }, { $setOnInsert: { partitions } }, { upsert: true, returnDocument: 'after' }),
  );
  if (stored!.partitions !== partitions) {
    throw new Error(`PARTITIONS: this deployment was started with ${stored!.partitions}; set it to that, as the number can't change`);
  }
}
