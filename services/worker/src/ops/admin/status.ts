// /admin/v1/status and …/{tenant}/status: is it working?
import { onRedis, type Reader, type StoredActivity } from '@rollcall/store';
import { expiringCredentials, readActivity } from '@rollcall/tenancy';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.js';
import { countPeople } from '../../accounts/count-people.js';
import type { Attention } from '../../attention.js';
import { known } from '../../known.js';
import { type StoreState, type StoreStates, storeStates } from '../../store-states.js';
import { type AdminDeps, tenantEvenIfAway } from './context.js';
import { type AdminRequest, type AdminRoute, route, Time } from './route.js';

const StoreForm = z
  .object({ status: z.enum(['up', 'away']), since: Time.optional().describe('when the outage began; absent before its first answer') })
  .meta({ id: 'Store' });
const Stores = { redis: StoreForm, mongodb: StoreForm };

const AttentionForm = z
  .object({
    ...Stores,
    queue: z
      .enum(['running', 'paused by an operator'])
      .nullable()
      .describe('whether an operator has paused the queue: then only deactivations and deletions are applied; null: not known'),
    tenants: z
      .array(
        z.object({
          tenant: z.string(),
          pending: z.int().describe('accepted, and not yet in MongoDB'),
          oldestPendingMs: z.int(),
          deadLetters: z.int(),
          undecided: z.int().nullable().describe('people who wait until an administrator says which account is theirs; null: not known'),
        }),
      )
      .describe('every tenant with pending changes, dead letters or undecided people; the one that has waited longest first'),
    unknown: z.array(z.enum(['pending', 'deadLetters', 'undecided'])).describe('what could not be found out, as a store is away'),
  })
  .meta({ id: 'Attention' });

const CredentialExpiry = z.object({
  kind: z.enum(['token', 'client secret']),
  id: z.string(),
  name: z.string(),
  prefix: z.string(),
  expiresAt: Time,
});

const StatusForm = z
  .object({
    tenant: z.string(),
    status: z.enum(['active', 'suspended', 'deleting']),
    ...Stores,
    lastRequestAt: Time.nullable().describe('of the last request that signed in, to some seconds'),
    lastError: z
      .object({
        ...{ at: Time, status: z.int(), detail: z.string(), method: z.string(), route: z.string(), requestId: z.string() },
        reason: z.string().optional().describe('a stable code, as the log has it'),
        scimType: z.string().optional(),
        path: z.string().optional().describe('of a request that led to no endpoint'),
        id: z.string().optional().describe('the resource'),
      })
      .nullable()
      .describe('the last error that was sent to the identity provider'),
    credentials: z
      .array(CredentialExpiry)
      .nullable()
      .describe('tokens and client secrets that were neither revoked nor replaced; those that expire first, ten at most'),
    users: z
      .object({ active: z.int(), deactivated: z.int(), blocked: z.int(), deleted: z.int() })
      .nullable()
      .describe('how many users there are, by state, a moment late; a deleted user is counted as deleted only'),
    groups: z.int().nullable(),
    undecided: z
      .array(
        z.object({
          at: Time,
          reason: z.enum(['ambiguous', 'recycled', 'asked', 'revived', 'separated']),
          userName: z.string(),
          externalId: z.string().optional(),
          accounts: z.array(z.string()).describe('ids of those that could be theirs'),
          requestId: z.string(),
        }),
      )
      .nullable()
      .describe(
        'people who are refused (`ambiguous`, `recycled`, `asked`) until an administrator says which account is theirs (`…/accounts/{id}/adopt`) or is not (`…/separate`), and those to look at: who got an account back under another externalId (`revived`), or a new one beside an account that has something in common (`separated`); the newest hundred',
      ),
    pending: z.int().nullable().describe('accepted, and not yet in MongoDB'),
    oldestPendingMs: z.int().nullable(),
    deadLetters: z.int().nullable(),
    indexComplete: z.boolean().nullable().describe('whether everything is answered without asking MongoDB who holds a name'),
    unknown: z.array(z.string()).describe('members that could not be found out, as a store is away or slow: they are null'),
  })
  .meta({ id: 'Status' });

export interface StatusRouteDeps extends AdminDeps {
  readonly accounts: Pick<Accounts, 'undecided'>;
  readonly reader: Pick<Reader, 'view' | 'liveCount'>;
  /** What needs an administrator, see `readAttention`. */
  readonly attention: () => Promise<Attention>;
}

export function statusRoutes(deps: StatusRouteDeps): AdminRoute[] {
  return [
    route({
      method: 'GET',
      path: '/status',
      summary:
        'Names what needs an administrator: a store that is away, and tenants with pending changes, dead letters or undecided people',
      answers: { 200: AttentionForm },
      handle: async () => {
        const { stores, isPaused, tenants, unknown } = await deps.attention();
        const body = {
          ...storeForms(stores),
          queue: isPaused === undefined ? null : isPaused ? ('paused by an operator' as const) : ('running' as const),
          tenants: tenants.map(({ tenant, pending, oldestPending_ms, dead, undecided }) => ({
            ...{ tenant, pending, oldestPendingMs: oldestPending_ms, deadLetters: dead },
            undecided: undecided ?? null,
          })),
          unknown,
        };
        return { status: 200, body };
      },
    }),
    route({
      method: 'GET',
      path: '/tenants/{tenant}/status',
      summary: 'Is it working? While a store is away, it says what it knows',
      answers: { 200: StatusForm },
      handle: async (request) => ({ status: 200, body: await statusOf(deps, request) }),
    }),
  ];
}

async function statusOf(deps: StatusRouteDeps, request: AdminRequest<unknown, unknown>): Promise<z.infer<typeof StatusForm>> {
  const { mongo, accounts } = deps;
  const stores = storeStates(deps);
  const isMongoUp = stores.mongodb.status === 'up';
  const isRedisUp = stores.redis.status === 'up';
  const tenant = await tenantEvenIfAway(deps, request);
  const inMongo = <T>(look: () => Promise<T>) => (isMongoUp ? known(LIMIT_MS, look) : undefined);
  const inBoth = <T>(look: () => Promise<T>) => (isRedisUp ? inMongo(look) : undefined);
  const [activity, credentials, undecided, counts, backlog] = await Promise.all([
    inMongo(async () => ({ ...(await readActivity(mongo, tenant.id)) })),
    inMongo(() => expiringCredentials(mongo, tenant.id, CREDENTIALS_MAX)),
    inBoth(() => accounts.undecided(tenant.id)),
    inBoth(() => countPeople(deps, tenant.id)),
    isRedisUp ? known(LIMIT_MS, () => backlogOf(deps, tenant.id)) : undefined,
  ]);
  const { lastRequestAt, lastError }: Partial<StoredActivity> = activity ?? {};
  const form = {
    tenant: tenant.id,
    status: tenant.status,
    ...storeForms(stores),
    lastRequestAt: lastRequestAt?.toISOString() ?? null,
    lastError: lastError ? { ...lastError, at: lastError.at.toISOString() } : null,
    credentials:
      credentials?.map(({ _id, name, prefix, expiresAt, client }) => ({
        kind: client === undefined ? ('token' as const) : ('client secret' as const),
        ...{ id: _id, name, prefix, expiresAt: expiresAt.toISOString() },
      })) ?? null,
    users: counts?.users ?? null,
    groups: counts?.groups ?? null,
    undecided:
      undecided?.map(({ at, reason, userName, externalId, accounts, requestId }) => ({
        ...{ at: at.toISOString(), reason, userName },
        ...(externalId === undefined ? {} : { externalId }),
        ...{ accounts, requestId },
      })) ?? null,
    ...(backlog ?? { pending: null, oldestPendingMs: null, deadLetters: null, indexComplete: null }),
  };
  const unknown = [
    ...(activity ? [] : ['lastRequestAt', 'lastError']),
    ...(['credentials', 'users', 'groups', 'undecided', 'pending', 'oldestPendingMs', 'deadLetters', 'indexComplete'] as const).filter(
      (name) => form[name] === null,
    ),
  ];
  return { ...form, unknown };
}

async function backlogOf({ redis, keys }: AdminDeps, tenant: string) {
  const of = keys.tenant(tenant);
  const [now_us, pending, oldest, deadLetters, complete] = await Promise.all([
    redis.now_us(),
    onRedis(redis.redis.zcard(of.pending())),
    onRedis(redis.redis.zrange(of.pending(), '0', '0', 'WITHSCORES')),
    onRedis(redis.redis.zcard(of.dead())),
    onRedis(redis.redis.hget(of.head(), 'complete')),
  ]);
  const since_us = oldest[1];
  const oldestPendingMs = since_us === undefined ? 0 : Math.max(0, Math.round((now_us - Number(since_us)) / 1_000));
  return { pending, oldestPendingMs, deadLetters, indexComplete: complete === '1' };
}

const storeForm = ({ status, since }: StoreState) => ({ status, ...(since ? { since: since.toISOString() } : {}) });
const storeForms = ({ redis, mongodb }: StoreStates) => ({ redis: storeForm(redis), mongodb: storeForm(mongodb) });

const LIMIT_MS = 2_000;
const CREDENTIALS_MAX = 10;
