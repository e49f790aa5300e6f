// …/audit: who changed what.
import { findTenant, readTrail, TenantId, type TrailLine, wasTenant } from '@rollcall/tenancy';
import { z } from 'zod';
import { type FirstValuesDeps, withFirstValues } from '../../history/first-values.js';
import { withNames } from '../../history/names.js';
import { type AdminDeps, noTenant, part } from './context.js';
import { type AdminRoute, badCursor, listOf, PageQuery, route, Time } from './route.js';

const LineForm = z
  .object({
    id: z.string(),
    at: Time,
    who: z.object({
      id: z.string().describe('an operator, or the credential of an identity provider'),
      name: z.string().optional().describe('of the operator, token or OAuth client'),
      prefix: z.string().optional().describe('how the token or client secret begins'),
    }),
    action: z.string(),
    target: z.object({ kind: z.string(), id: z.string() }),
    before: z.unknown().optional(),
    after: z.unknown().optional(),
    changes: z
      .unknown()
      .optional()
      .describe('of an account or group: per attribute what was (before) and what is (after); of its creation the first values'),
    version: z.number().optional(),
    requestId: z.string(),
  })
  .meta({ id: 'AuditLine' });

export function auditRoutes(deps: AdminDeps & FirstValuesDeps): AdminRoute[] {
  const read = async (query: Parameters<typeof readTrail>[1]): Promise<{ items: TrailLine[]; next?: string }> => {
    const page = await readTrail(deps.mongo, query);
    if (!page) throw badCursor();
    const isThere = query.tenant !== undefined && (await findTenant(deps.mongo, query.tenant)) !== undefined;
    const items = isThere ? await withFirstValues(deps, query.tenant, page.items) : page.items;
    return { ...page, items: await withNames(deps.mongo, items) };
  };
  return [
    route({
      method: 'GET',
      path: '/tenants/{tenant}/audit',
      summary:
        'Every change of a tenant, also of one that was removed, the newest first: by operators, and by writes to accounts and groups',
      query: PageQuery.extend({
        account: z.string().min(1).max(200).optional().describe('only what is about this account (or group, or token)'),
      }),
      answers: { 200: listOf(LineForm) },
      handle: async (request) => {
        const tenant = part(request, 'tenant');
        if (!TenantId.safeParse(tenant).success || !(await wasTenant(deps.mongo, tenant))) throw noTenant();
        const { account: target, ...page } = request.query;
        return { status: 200, body: await read({ tenant, target, ...page }) };
      },
    }),
    route({
      method: 'GET',
      path: '/audit',
      summary: 'Changes of the deployment itself, its operators, the newest first',
      query: PageQuery,
      answers: { 200: listOf(LineForm) },
      handle: async ({ query }) => ({ status: 200, body: await read({ tenant: undefined, ...query }) }),
    }),
  ];
}
