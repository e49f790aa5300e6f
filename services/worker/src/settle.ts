import { bury, type Collected, type Keys, type MemoryGauge, markerTtl_s, onRedis, type RedisLink, settle as script } from '@rollcall/store';
import type { Cause } from './refusal.js';

export interface SettleDeps {
  readonly redis: RedisLink;
  readonly keys: Keys;
  readonly settledTtl_s: number;
  readonly fillAgeMax_ms: number;
  readonly gauge: Pick<MemoryGauge, 'mayFill'>;
}

/** Marks what MongoDB has as settled. Where Redis is short of memory, the copies are not kept. @returns how many of the tenant are still pending */
export async function settle(deps: SettleDeps, tenant: string, applied: readonly Collected[]): Promise<number> {
  const { redis, keys, gauge } = deps;
  const keepsCopies = gauge.mayFill();
  const settledTtl_s = keepsCopies ? deps.settledTtl_s : markerTtl_s(deps.fillAgeMax_ms);
  const { left } = await onRedis(script.run(redis.redis, { keys: keys.tenant(tenant), tenant, settledTtl_s, keepsCopies, applied }));
  return left;
}

/** Makes a dead letter of a resource, unless it has a newer state by now. @returns whether it is one */
export async function hold(
  { redis, keys }: SettleDeps,
  tenant: string,
  { type, id, version, tries }: Collected,
  cause: Cause,
  now_us: number,
): Promise<boolean> {
  const text = JSON.stringify({ ...cause, at: new Date(now_us / 1_000).toISOString(), attempt: tries });
  const { kind } = await onRedis(bury.run(redis.redis, { keys: keys.tenant(tenant), tenant, type, id, version, cause: text }));
  return kind === 'buried';
}
