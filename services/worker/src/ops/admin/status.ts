// …/status: is it working?
import { onRedis } from '@rollcall/store';
import { readActivity } from '@rollcall/tenancy';
import { z } from 'zod';
import { type AdminDeps, tenantOf } from './context.js';
import { type AdminRoute, route, Time } from './route.js';

const StatusForm = z
  .object({
    tenant: z.string(),
    status: z.enum(['active', 'suspended', 'deleting']),
    lastRequestAt: Time.nullable().describe('of the last request that signed in, to some seconds'),
    lastError: z
      .object({ at: Time, status: z.int(), detail: z.string(), method: z.string(), route: z.string(), requestId: z.string() })
      .nullable()
      .describe('what the identity provider was last refused, or could not be answered'),
    pending: z.int().describe('accepted, and not yet in MongoDB'),
    oldestPendingMs: z.int(),
    deadLetters: z.int(),
    indexComplete: z.boolean().describe('whether everything is answered without asking MongoDB who holds a name'),
  })
  .meta({ id: 'Status' });

export function statusRoutes(deps: AdminDeps): AdminRoute[] {
  const { mongo, redis, keys } = deps;
  return [
    route({
      method: 'GET',
      path: '/tenants/{tenant}/status',
      summary: 'Is it working?',
      answers: { 200: StatusForm },
      handle: async (request) => {
        const tenant = await tenantOf(deps, request);
        const of = keys.tenant(tenant._id);
        const [activity, now_us, pending, oldest, deadLetters, complete] = await Promise.all([
          readActivity(mongo, tenant._id),
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
