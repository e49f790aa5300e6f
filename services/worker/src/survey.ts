import { type Keys, onRedis, type RedisLink } from '@rollcall/store';
import type { Metrics } from '@rollcall/telemetry';
import type { TenantBacklog } from './ops/index.js';

/** What is pending, dead, and not yet copied, of the whole deployment. */
export interface Survey {
  readonly tenants: readonly TenantBacklog[];
  readonly history: number;
  /** Dead letters of all tenants, also of those with nothing pending. */
  readonly dead: number;
  /** Changes whenever a dead letter comes or goes. */
  readonly deadMark: string;
}

/** Looks at every partition's pending set, so at every tenant that has work, and at no other. */
export async function survey({ redis: link, keys }: { readonly redis: RedisLink; readonly keys: Keys }): Promise<Survey> {
  const redis = link.redis;
  const now_us = await link.now_us();
  const numbers = Array.from({ length: keys.partitions }, (_, number) => keys.partition(number));
  const partitions = await onRedis(
    Promise.all(
      numbers.map(async (partition) => {
        const [pending, dead, newestDead, history] = await Promise.all([
          redis.zrange(partition.pending(), '0', '-1', 'WITHSCORES'),
          redis.zcard(partition.dead()),
          redis.zrange(partition.dead(), '-1', '-1', 'WITHSCORES'),
          redis.xlen(partition.history()),
        ]);
        return { pending, dead, newestDead, history };
      }),
    ),
  );
  const tenants = await onRedis(
    Promise.all(
      partitions
        .flatMap(({ pending }) =>
          Array.from({ length: pending.length / 2 }, (_, i) => [pending[2 * i]!, Number(pending[2 * i + 1])] as const),
        )
        .map(async ([tenant, since_us]) => {
          const of = keys.tenant(tenant);
          const [pending, dead] = await Promise.all([redis.zcard(of.pending()), redis.zcard(of.dead())]);
          return { tenant, pending, oldestPending_ms: Math.max(0, Math.round((now_us - since_us) / 1_000)), dead };
        }),
    ),
  );
  return {
    tenants,
    history: partitions.reduce((sum, { history }) => sum + history, 0),
    dead: partitions.reduce((sum, { dead }) => sum + dead, 0),
    deadMark: partitions.map(({ dead, newestDead }) => `${dead}@${newestDead[1] ?? ''}`).join(),
  };
}

/** Shows a survey to whoever scrapes. */
export function show({ pending, oldestPendingAge, deadLetters, historyLength }: Metrics, { tenants, history, dead }: Survey): void {
  pending.set(tenants.reduce((sum, tenant) => sum + tenant.pending, 0));
  oldestPendingAge.set(tenants.reduce((oldest, { oldestPending_ms }) => Math.max(oldest, oldestPending_ms), 0) / 1_000);
  deadLetters.set(dead);
  historyLength.set(history);
}
