// /admin/v1/backlog and /admin/v1/dead-letters.
import type { TenantBacklog } from '@rollcall/store';
import type { Log } from '@rollcall/telemetry';
import { z } from 'zod';
import { DeadLetterQuery, type DeadLetters, Selection } from '../dead-letter.js';
import { Problem } from '../problem.js';
import { type AdminRoute, listOf, route, Time } from './route.js';

const DeadLetterForm = z
  .object({
    ...{ tenant: z.string(), type: z.enum(['User', 'Group']), id: z.string(), version: z.number(), cause: z.string() },
    code: z.union([z.number(), z.string()]).optional(),
    rules: z.array(z.string()).optional().describe('which rules of MongoDB’s validator refused it: attribute and rule, never a value'),
    ...{ tries: z.int(), failedAt: Time, requestId: z.string().describe('of the request that made this version') },
  })
  .meta({ id: 'DeadLetter' });
const BacklogForm = z.object({ tenant: z.string(), pending: z.int(), oldestPending_ms: z.number(), dead: z.int() }).meta({ id: 'Backlog' });
const RefusedForm = z.object({ tenant: z.string(), id: z.string(), holder: z.string() });

export interface DeadLetterRouteDeps {
  readonly deadLetters: DeadLetters;
  /** The one that has waited longest first. */
  readonly tenants: () => Promise<readonly TenantBacklog[]>;
  readonly log: Log;
}

export function deadLetterRoutes({ deadLetters, tenants, log }: DeadLetterRouteDeps): AdminRoute[] {
  return [
    route({
      method: 'GET',
      path: '/backlog',
      summary: 'Every tenant with pending changes or dead letters; the one that has waited longest first. Redis alone is asked',
      answers: { 200: listOf(BacklogForm) },
      handle: async () => ({ status: 200, body: { items: await tenants() } }),
    }),
    route({
      method: 'GET',
      path: '/dead-letters',
      summary: 'Lists dead letters',
      query: DeadLetterQuery,
      answers: { 200: listOf(DeadLetterForm) },
      handle: async ({ query }) => ({ status: 200, body: await deadLetters.list(query) }),
    }),
    route({
      method: 'POST',
      path: '/dead-letters/redrive',
      summary: 'Gives dead letters another try',
      body: Selection,
      answers: { 200: z.object({ redriven: z.int() }) },
      handle: async ({ body, operator, requestId }) => {
        const answer = await deadLetters.redrive(body);
        log.info({ ...answer, by: operator.id, requestId }, 'dead letters redriven');
        return { status: 200, body: answer };
      },
    }),
    route({
      method: 'POST',
      path: '/dead-letters/discard',
      summary: 'Gives up what was accepted: what MongoDB has holds again',
      body: Selection,
      answers: { 200: z.object({ discarded: z.int(), refused: z.array(RefusedForm) }) },
      handle: async ({ body, operator, requestId }) => {
        const answer = await deadLetters.discard(body, operator.id);
        const { discarded, refused } = answer;
        log.info({ discarded, refused: refused.length, by: operator.id, requestId }, 'dead letters discarded');
        if (discarded === 0 && refused.length > 0)
          throw new Problem(409, 'the names are taken: give the holder another one, or redrive', { members: { ...answer } });
        return { status: 200, body: answer };
      },
    }),
  ];
}
