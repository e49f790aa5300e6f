// /admin/v1/tenants/{tenant}/imports: accounts from CSV.
import type { StoredJob } from '@rollcall/store';
import { parse as csvParser } from 'csv-parse';
import { z } from 'zod';
import { furtherColumns, IMPORT_COLUMNS } from '../../accounts/import-row.js';
import type { Jobs } from '../../accounts/jobs.js';
import { Problem } from '../problem.js';
import { type AdminDeps, part, standingTenantOf, tenantOf } from './context.js';
import { type AdminRoute, route, Time } from './route.js';

export interface ImportRouteDeps extends AdminDeps {
  readonly jobs: Jobs;
}

export const JobForm = z
  .object({
    id: z.string(),
    kind: z.enum(['import', 'mappings']),
    status: z.enum(['running', 'done']),
    total: z.number(),
    done: z.number(),
    failed: z.number(),
    failures: z.array(z.object({ line: z.number(), reason: z.string() })).describe('the first thousand'),
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
  return [
    route({
      method: 'POST',
      path: '/tenants/{tenant}/imports',
      summary: `Imports accounts from CSV with a header line: ${IMPORT_COLUMNS.join(', ')}; only userName is required. Attributes of extensions have columns by their whole URN`,
      bodyType: 'text/csv',
      answers: { 202: JobForm },
      handle: async (request) => {
        const tenant = await standingTenantOf(deps, request);
        const columns = [...IMPORT_COLUMNS, ...furtherColumns(await deps.jobs.deps.accounts.types(tenant._id)).keys()];
        const rows = request.stream.pipe(
          csvParser({
            columns: checkHeader(columns),
            bom: true,
            skip_empty_lines: true,
            trim: true,
            max_record_size: RECORD_CHARACTERS_MAX,
          }),
        );
        request.stream.on('error', (error) => rows.destroy(error));
        try {
          const job = await deps.jobs.beginImport(tenant._id, request.operator.id, rows as AsyncIterable<Record<string, string>>);
          return { status: 202, body: jobForm(job), headers: { Location: `/admin/v1/tenants/${tenant._id}/imports/${job._id}` } };
        } catch (error) {
          if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_')) throw new Problem(400, error.message);
          throw error;
        }
      },
    }),
    route({
      method: 'GET',
      path: '/tenants/{tenant}/imports/{id}',
      summary: 'Shows how far an import is, and which lines failed',
      answers: { 200: JobForm },
      handle: async (request) => {
        const job = await deps.jobs.find((await tenantOf(deps, request))._id, 'import', part(request, 'id'));
        if (!job) throw new Problem(404, 'there is no such import');
        return { status: 200, body: jobForm(job) };
      },
    }),
  ];
}

/** Checks a header. It throws Problem 400 for one that is none. */
const checkHeader =
  (known: readonly string[]) =>
  (header: string[]): string[] => {
    const strangers = header.filter((name) => !known.includes(name));
    if (strangers.length > 0)
      throw new Problem(400, `unknown columns ${strangers.map((name) => JSON.stringify(name)).join(', ')}; known: ${known.join(', ')}`);
    if (!header.includes('userName')) throw new Problem(400, 'the first line names the columns; userName is required');
    return header;
  };

const RECORD_CHARACTERS_MAX = 100_000;
