// /admin/v1/tenants/{tenant}/imports: accounts from CSV.
import type { StoredJob } from '@rollcall/store';
import { z } from 'zod';
import { furtherColumns, IMPORT_COLUMNS } from '../../accounts/import-row.js';
import type { Jobs } from '../../accounts/jobs.js';
import { Problem } from '../problem.js';
import { type AdminDeps, part, standingTenantOf, tenantOf } from './context.js';
import { importFile, tooLarge } from './import-file.js';
import { type AdminRoute, route, Time } from './route.js';

export interface ImportRouteDeps extends AdminDeps {
  readonly jobs: Jobs;
  /** Longest file of an import. */
  readonly bytesMax: number;
}

export const JobForm = z
  .object({
    id: z.string(),
    kind: z.enum(['import', 'mappings']),
    status: z.enum(['running', 'done']),
    total: z.number(),
    done: z.number(),
    failed: z.number(),
    failures: z
      .array(z.object({ line: z.number(), reason: z.string() }))
      .describe('the first thousand; `line` is that of the file, its header the first'),
    createdAt: Time,
    finishedAt: Time.optional(),
  })
  .meta({ id: 'Job' });

export const jobForm = ({ _id, kind, status, total, done, failed, failures, createdAt, finishedAt }: StoredJob) => ({
  ...{ id: _id, kind, status, total, done, failed, failures },
  createdAt: createdAt.toISOString(),
  ...(finishedAt === undefined ? {} : { finishedAt: finishedAt.toISOString() }),
});

export function importRoutes(deps: ImportRouteDeps): AdminRoute[] {
  const { jobs, bytesMax } = deps;
  return [
    route({
      method: 'POST',
      path: '/tenants/{tenant}/imports',
      summary: `Imports accounts from CSV with a header line: ${IMPORT_COLUMNS.join(', ')}; only userName is required. Attributes of extensions have columns by their whole URN`,
      bodyType: 'text/csv',
      answers: { 202: JobForm },
      handle: async (request) => {
        const tenant = await standingTenantOf(deps, request);
        if (Number(request.header('content-length') ?? 0) > bytesMax) throw tooLarge(bytesMax);
        const columns = [...IMPORT_COLUMNS, ...furtherColumns(await jobs.deps.accounts.types(tenant._id)).keys()];
        const file = importFile(request.stream, columns, bytesMax);
        const received = await jobs.receive(tenant._id, file.lines);
        let begins = false;
        try {
          return await request.once(file.digest(), async () => {
            begins = true;
            const job = await jobs.beginImport(received, request.operator.id);
            return { status: 202, body: jobForm(job), headers: { Location: `/admin/v1/tenants/${tenant._id}/imports/${job._id}` } };
          });
        } finally {
          if (!begins) await jobs.discard(received);
        }
      },
    }),
    route({
      method: 'GET',
      path: '/tenants/{tenant}/imports/{id}',
      summary: 'Shows how far an import is, and which lines failed',
      answers: { 200: JobForm },
      handle: async (request) => {
        const job = await jobs.find((await tenantOf(deps, request))._id, 'import', part(request, 'id'));
        if (!job) throw new Problem(404, 'there is no such import');
        return { status: 200, body: jobForm(job) };
      },
    }),
  ];
}
