import { type Doorbell, isOfResource } from '@rollcall/queue';
import { type Collected, type Keys, memberOf, onRedis, type RedisLink, collect as script, untry } from '@rollcall/store';

export interface CollectDeps {
  readonly redis: RedisLink;
  readonly keys: Keys;
  readonly batchMax: number;
}

/** Takes what a doorbell means: the oldest pending of its tenant, or one resource, if it is pending. Each is counted as tried once more. */
export function collect({ redis, keys, batchMax }: CollectDeps, doorbell: Doorbell): Promise<Collected[]> {
  const call = { keys: keys.tenant(doorbell.tenant), count: batchMax };
  const member = isOfResource(doorbell) ? memberOf(doorbell.type, doorbell.id) : undefined;
  return onRedis(script.run(redis.redis, { ...call, member }));
}

/** Takes the tries back, as what came in between says nothing about the resources. Where Redis is away too, they stay counted. */
export async function uncollect({ redis, keys }: CollectDeps, tenant: string, tried: readonly Collected[]): Promise<void> {
  if (tried.length === 0) return;
  await onRedis(untry.run(redis.redis, { keys: keys.tenant(tenant), tried })).catch(() => 0);
}
