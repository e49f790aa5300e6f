// Which tenants need an administrator: asked by `rollcall status`, and by the page of tenants.
import { type MongoLink, onMongo, type RedisLink, readBacklog, type SurveyDeps, type TenantBacklog } from '@rollcall/store';
import { waitsForDecision } from '@rollcall/tenancy';
import type { Accounts } from './accounts/accounts.js';
import { known } from './known.js';
import { type StoreStates, storeStates } from './store-states.js';

export interface TenantAttention extends TenantBacklog {
  /** People that wait until an administrator says which account is theirs; undefined: not known, as MongoDB does not answer. */
  readonly undecided: number | undefined;
}

export interface Attention {
  readonly stores: StoreStates;
  /** Whether an operator has paused the queue, so that only leavers are applied; undefined: not known. */
  readonly isPaused: boolean | undefined;
  /** The tenant that has waited longest first. */
  readonly tenants: readonly TenantAttention[];
  /** What could not be found out, as a store does not answer. */
  readonly unknown: readonly ('pending' | 'deadLetters' | 'undecided')[];
}

export interface AttentionDeps extends SurveyDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly accounts: Pick<Accounts, 'undecided'>;
  readonly pausedByOperator: () => Promise<boolean | undefined>;
}

/**
 * Every tenant with pending changes, dead letters or undecided people, and each store that is away. It never throws, and takes some seconds at
 * most: what a store that is away would have to say is named in `unknown`.
 * @example (await readAttention(deps)).tenants → [{ tenant: 'acme', pending: 2, oldestPending_ms: 410, dead: 0, undecided: 1 }]
 */
export async function readAttention(deps: AttentionDeps): Promise<Attention> {
  const stores = storeStates(deps);
  const [backlog, isPaused, undecided] = await Promise.all([
    stores.redis.status === 'up' ? known(LIMIT_MS, () => readBacklog(deps)) : undefined,
    stores.redis.status === 'up' ? known(LIMIT_MS, deps.pausedByOperator) : undefined,
    stores.redis.status === 'up' && stores.mongodb.status === 'up' ? known(LIMIT_MS, () => countUndecided(deps)) : undefined,
  ]);
  const listed = new Set((backlog ?? []).map(({ tenant }) => tenant));
  const others = [...(undecided?.keys() ?? [])].filter((tenant) => !listed.has(tenant)).sort();
  return {
    stores,
    isPaused,
    tenants: [...(backlog ?? []), ...others.map((tenant) => ({ tenant, pending: 0, oldestPending_ms: 0, dead: 0 }))].map((each) => ({
      ...each,
      undecided: undecided && (undecided.get(each.tenant) ?? 0),
    })),
    unknown: [...(backlog ? [] : (['pending', 'deadLetters'] as const)), ...(undecided ? [] : (['undecided'] as const))],
  };
}

/** Undecided people by tenant, without tenants that have none. */
async function countUndecided({ mongo, accounts }: AttentionDeps): Promise<ReadonlyMap<string, number>> {
  const noted = await onMongo(
    mongo
      .collection('undecided')
      .aggregate<{ _id: string }>([{ $group: { _id: '$tenant' } }, { $limit: TENANTS_MAX }], { maxTimeMS: LIMIT_MS })
      .toArray(),
  );
  // A note may be out of date: each is compared with the accounts as they are.
  const counts = await Promise.all(
    noted.map(async ({ _id }) => [_id, (await accounts.undecided(_id)).filter(waitsForDecision).length] as const),
  );
  return new Map(counts.filter(([, count]) => count > 0));
}

const LIMIT_MS = 2_000;
/** Of so many tenants undecided people are counted. */
const TENANTS_MAX = 200;
