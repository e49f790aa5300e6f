// /admin/v1/tenants/{tenant}/source and /directory: where a tenant's people come from; one at a time.
import type { StoredTenant } from '@rollcall/store';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.js';
import { Problem } from '../problem.js';
import { type AdminDeps, changeStanding, part, standingTenantOf, tenantOf } from './context.js';
import { type AdminRoute, listOf, route } from './route.js';

export interface SourceRouteDeps extends AdminDeps {
  readonly accounts: Accounts;
}

const Source = z.strictObject({ source: z.enum(['scim', 'directory', 'manual']) });
const DirectoryAccount = z.strictObject({ kind: z.enum(['ad', 'ldap']) });
const DirectoryMapping = z.strictObject({ accounts: z.array(z.string().min(1).max(200)).max(100) });
const Name = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,199}$/;

/** What the directory's connector has configured, as records beside the tenant: the switch looks at them under the same revision. */
interface Directory {
  readonly accounts: Record<string, z.infer<typeof DirectoryAccount>>;
  readonly mappings: Record<string, z.infer<typeof DirectoryMapping>>;
}

interface Blocker {
  readonly kind: 'directoryAccount' | 'directoryMapping' | 'directoryUser';
  readonly count: number;
  readonly examples: readonly string[];
}

const directoryOf = ({ settings }: Pick<StoredTenant, 'settings'>): Directory => ({
  accounts: {},
  mappings: {},
  ...(settings.directory as Partial<Directory> | undefined),
});

export function sourceRoutes(deps: SourceRouteDeps): AdminRoute[] {
  const recordRoutes = <Kind extends keyof Directory>(kind: Kind, form: z.ZodType<Directory[Kind][string]>): AdminRoute[] => [
    route({
      method: 'GET',
      path: `/tenants/{tenant}/directory/${kind}`,
      summary: `Lists the directory's ${kind}`,
      answers: { 200: listOf(z.looseObject({ name: z.string() })) },
      handle: async (request) => ({
        status: 200,
        body: { items: Object.entries(directoryOf(await tenantOf(deps, request))[kind]).map(([name, record]) => ({ name, ...record })) },
      }),
    }),
    route({
      method: 'PUT',
      path: `/tenants/{tenant}/directory/${kind}/{name}`,
      summary: 'Keeps what the directory’s connector has configured',
      body: form,
      answers: { 200: z.looseObject({ name: z.string() }) },
      handle: async (request) => {
        const name = part(request, 'name');
        if (!Name.test(name)) throw new Problem(400, 'name: expected up to 200 letters, digits, spaces, dots, hyphens and underscores');
        const record = request.body as Directory[Kind][string];
        await changeStanding(deps, request, `directory.${kind}.put`, (current) => {
          if (current.source === 'scim') throw new Problem(409, 'people come by SCIM: turn that off before the directory is configured');
          const directory = directoryOf(current);
          return { settings: { ...current.settings, directory: { ...directory, [kind]: { ...directory[kind], [name]: record } } } };
        });
        return { status: 200, body: { name, ...record } };
      },
    }),
    route({
      method: 'DELETE',
      path: `/tenants/{tenant}/directory/${kind}/{name}`,
      summary: 'Forgets what the directory’s connector had configured',
      answers: { 204: null },
      handle: async (request) => {
        const name = part(request, 'name');
        await changeStanding(deps, request, `directory.${kind}.delete`, (current) => {
          const directory = directoryOf(current);
          if (!Object.hasOwn(directory[kind], name)) throw new Problem(404, `there is no ${JSON.stringify(name)}`);
          const { [name]: _, ...rest } = directory[kind];
          return { settings: { ...current.settings, directory: { ...directory, [kind]: rest } } };
        });
        return { status: 204 };
      },
    }),
  ];

  /** What stands in the way of SCIM. */
  async function blockers(tenant: StoredTenant): Promise<Blocker[]> {
    const { accounts, mappings } = directoryOf(tenant);
    // Active or preserved.
    const users = await deps.accounts.like(
      tenant._id,
      { 'account.managedBy': 'directory' },
      ({ managedBy }) => managedBy === 'directory',
      EXAMPLES_MAX,
    );
    const found: Blocker[] = [
      { kind: 'directoryAccount', count: Object.keys(accounts).length, examples: Object.keys(accounts).slice(0, EXAMPLES_MAX) },
      { kind: 'directoryMapping', count: Object.keys(mappings).length, examples: Object.keys(mappings).slice(0, EXAMPLES_MAX) },
      { kind: 'directoryUser', count: users.count, examples: users.examples },
    ];
    return found.filter(({ count }) => count > 0);
  }

  return [
    route({
      method: 'GET',
      path: '/tenants/{tenant}/source',
      summary: 'Shows where the tenant’s people come from',
      answers: { 200: Source },
      handle: async (request) => ({ status: 200, body: { source: (await tenantOf(deps, request)).source } }),
    }),
    route({
      method: 'PUT',
      path: '/tenants/{tenant}/source',
      summary: 'Switches the source. SCIM needs that nothing of a directory is left: 409 lists every blocker',
      body: Source,
      answers: { 200: Source },
      handle: async (request) => {
        const { source } = request.body;
        const tenant = await standingTenantOf(deps, request);
        const found = source === 'scim' ? await blockers(tenant) : [];
        if (found.length > 0) throw new Problem(409, 'the directory is still in use: see blockers', { members: { blockers: found } });
        const stored = await changeStanding(deps, request, 'source.put', (current) => {
          // What was looked at must still be so: the records lie under the revision, and people of a directory are only made while it is the source.
          if (current.revision !== tenant.revision) throw new Problem(409, 'the tenant was changed meanwhile; try again');
          return current.source === source ? undefined : { source };
        });
        return { status: 200, body: { source: stored.source } };
      },
    }),
    ...recordRoutes('accounts', DirectoryAccount),
    ...recordRoutes('mappings', DirectoryMapping),
  ];
}

const EXAMPLES_MAX = 10;
