import { onRedis } from './errors.js';
import type { Keys } from './redis/keys.js';
import type { RedisLink } from './redis/link.js';

/** What waits to be applied of one tenant, and what MongoDB refused for good. */
export interface TenantBacklog {
  readonly tenant: string;
  readonly pending: number;
  /** 0 where nothing is pending. */
  readonly oldestPending_ms: number;
  readonly dead: number;
}

/** What is pending, dead, and not yet copied, of the whole deployment. */
export interface Survey {
  /** Each tenant that has something pending. Tenants that have only dead letters: see `readBacklog`. */
  readonly tenants: readonly TenantBacklog[];
  readonly history: number;
  /** Dead letters of all tenants, also of those with nothing pending. */
  readonly dead: number;
  /** Changes whenever a dead letter comes or goes. */
  readonly deadMark: string;
}

export interface SurveyDeps {
  readonly redis: Pick<RedisLink, 'redis' | 'now_us'>;
  readonly keys: Keys;
}

/** Looks at every partition's pending set, so at every tenant that has work, and at no other. @throws TransientError while Redis is away */
export async function survey({ redis: link, keys }: SurveyDeps): Promise<Survey> {
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

/**
 * Every tenant that has something pending or dead, the one that has waited longest first. It asks Redis alone, so it answers while MongoDB is away.
 * @throws TransientError while Redis is away
 */
export async function readBacklog(deps: SurveyDeps): Promise<TenantBacklog[]> {
  const { tenants } = await survey(deps);
  const known = new Set(tenants.map(({ tenant }) => tenant));
  const onlyDead = [...(await tenantsWithDeadLetters(deps))].filter((tenant) => !known.has(tenant));
  const others = await Promise.all(
    onlyDead.map(async (tenant) => {
      const dead = await onRedis(deps.redis.redis.zcard(deps.keys.tenant(tenant).dead()));
      return { tenant, pending: 0, oldestPending_ms: 0, dead };
    }),
  );
  return [...tenants, ...others.filter(({ dead }) => dead > 0)].sort(
    (one, other) => other.oldestPending_ms - one.oldestPending_ms || (one.tenant < other.tenant ? -1 : 1),
  );
}

/** The partitions' sets name each dead letter as `<tenant> <member>`. */
async function tenantsWithDeadLetters({ redis: { redis }, keys }: SurveyDeps): Promise<ReadonlySet<string>> {
  const tenants = new Set<string>();
  const ofPartition = async (number: number) => {
    for (let from = 0; from < DEAD_READ_MAX; from += DEAD_PAGE) {
      const names = await onRedis(redis.zrange(keys.partition(number).dead(), String(from), String(from + DEAD_PAGE - 1)));
      for (const name of names) tenants.add(name.split(' ', 1)[0]!);
      if (names.length < DEAD_PAGE) return;
    }
  };
  await Promise.all(Array.from({ length: keys.partitions }, (_, number) => ofPartition(number)));
  return tenants;
}

const DEAD_PAGE = 1_000;
/** Dead letters of a partition that are looked through for their tenants; beyond it a tenant may be missing from the list, never from the sum. */
const DEAD_READ_MAX = 100_000;
