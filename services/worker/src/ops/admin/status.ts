// …/status: is it working?
import { onRedis } from '@rollcall/store';
import { readActivity } from '@rollcall/tenancy';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.js';
import { type AdminDeps, tenantOf } from './context.js';
import { type AdminRoute, route, Time } from './route.js';

const StatusForm = z
  .object({
    tenant: z.string(),
    status: z.enum(['active', 'suspended', 'deleting']),
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
      .describe('what the identity provider was last refused, or could not be answered'),
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
      .describe(
        'people who are refused (`ambiguous`, `recycled`, `asked`) until an administrator says which account is theirs (`…/accounts/{id}/adopt`) or is not (`…/separate`), and those to look at: who got an account back under another externalId (`revived`), or a new one beside an account that has something in common (`separated`); the newest hundred',
      ),
    pending: z.int().describe('accepted, and not yet in MongoDB'),
    oldestPendingMs: z.int(),
    deadLetters: z.int(),
    indexComplete: z.boolean().describe('whether everything is answered without asking MongoDB who holds a name'),
  })
  .meta({ id: 'Status' });

export interface StatusRouteDeps extends AdminDeps {
  readonly accounts: Pick<Accounts, 'undecided'>;
}

export function statusRoutes(deps: StatusRouteDeps): AdminRoute[] {
  const { mongo, redis, keys, accounts } = deps;
  return [
    route({
      method: 'GET',
      path: '/tenants/{tenant}/status',
      summary: 'Is it working?',
      answers: { 200: StatusForm },
      handle: async (request) => {
        const tenant = await tenantOf(deps, request);
        const of = keys.tenant(tenant._id);
        const [activity, undecided, now_us, pending, oldest, deadLetters, complete] = await Promise.all([
          readActivity(mongo, tenant._id),
          accounts.undecided(tenant._id),
          redis.now_us(),
          onRedis(redis.redis.zcard(of.pending())),
          onRedis(redis.redis.zrange(of.pending(), '0', '0', 'WITHSCORES')),
          onRedis(redis.redis.zcard(of.dead())),
          onRedis(redis.redis.hget(of.head(), 'complete')),
        ]);
        const since_us = oldest[1];
        const { lastRequestAt, lastError } = activity ?? {};
        return {
          status: 200,
          body: {
            tenant: tenant._id,
            status: tenant.status,
            lastRequestAt: lastRequestAt?.toISOString() ?? null,
            lastError: lastError ? { ...lastError, at: lastError.at.toISOString() } : null,
            undecided: undecided.map(({ at, reason, userName, externalId, accounts, requestId }) => ({
              ...{ at: at.toISOString(), reason, userName },
              ...(externalId === undefined ? {} : { externalId }),
              ...{ accounts, requestId },
            })),
            pending,
            oldestPendingMs: since_us === undefined ? 0 : Math.max(0, Math.round((now_us - Number(since_us)) / 1_000)),
            deadLetters,
            indexComplete: complete === '1',
          },
        };
      },
    }),
  ];
}
