// /admin/v1/tenants/{tenant}/profiles: what there is to get.
import type { StoredTenant } from '@rollcall/store';
import { takesStorage } from '@rollcall/tenancy';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.js';
import { Problem } from '../problem.js';
import { type AdminDeps, changeStanding, part, standingTenantOf, tenantOf } from './context.js';
import { mappingsOf } from './mappings.js';
import { type AdminRoute, listOf, route } from './route.js';

export interface ProfileRouteDeps extends AdminDeps {
  readonly accounts: Pick<Accounts, 'like'>;
}

const Name = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const ProfileForm = z.strictObject({ workloads: z.array(z.string().regex(/^[A-Za-z][A-Za-z0-9]{0,62}$/)).max(50) });
const NamedProfile = ProfileForm.extend({ name: z.string() });

type Profile = z.infer<typeof ProfileForm>;
type Asked = Parameters<typeof changeStanding>[1];
interface Used {
  readonly tenant: StoredTenant;
  readonly name: string;
  /** As it is, and will be again where somebody uses it. */
  readonly before: Profile;
  /** Only storage by it counts. */
  readonly what?: 'storage';
}
const profilesOf = ({ settings }: Pick<StoredTenant, 'settings'>) => (settings.profiles ?? {}) as Record<string, Profile>;

export function profileRoutes(deps: ProfileRouteDeps): AdminRoute[] {
  return [
    route({
      method: 'GET',
      path: '/tenants/{tenant}/profiles',
      summary: 'Lists profiles, and the workloads that each enables',
      answers: { 200: listOf(NamedProfile) },
      handle: async (request) => ({
        status: 200,
        body: { items: Object.entries(profilesOf(await tenantOf(deps, request))).map(([name, profile]) => ({ name, ...profile })) },
      }),
    }),
    route({
      method: 'PUT',
      path: '/tenants/{tenant}/profiles/{name}',
      summary: 'Makes or changes a profile. Its last workload for storage stays while an account or a mapping has storage by it: 409',
      body: ProfileForm,
      answers: { 200: NamedProfile },
      handle: async (request) => {
        const { body } = request;
        const name = part(request, 'name');
        if (!Name.test(name)) throw new Problem(400, 'name: expected up to 63 letters, digits, dots, hyphens and underscores');
        const tenant = await standingTenantOf(deps, request);
        const before = own(tenant, name);
        const put = () => changeProfile(request, name, body);
        if (before && takesStorage(before) && !takesStorage(body)) await whileFree(request, { tenant, name, before, what: 'storage' }, put);
        else await put();
        return { status: 200, body: { name, ...body } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/tenants/{tenant}/profiles/{name}',
      summary: 'Removes a profile that nobody uses',
      answers: { 204: null },
      handle: async (request) => {
        const name = part(request, 'name');
        const tenant = await standingTenantOf(deps, request);
        const before = own(tenant, name);
        if (!before) throw new Problem(404, `there is no profile ${JSON.stringify(name)}`);
        await whileFree(request, { tenant, name, before }, () => changeProfile(request, name, undefined));
        return { status: 204 };
      },
    }),
  ];

  /** @param profile undefined: it is no more */
  async function changeProfile(request: Asked, name: string, profile: Profile | undefined): Promise<StoredTenant> {
    return changeStanding(deps, request, profile ? 'profile.put' : 'profile.delete', (current) => {
      const { [name]: _, ...others } = profilesOf(current);
      return { settings: { ...current.settings, profiles: profile ? { ...others, [name]: profile } : others } };
    });
  }

  /**
   * Changes a profile that nobody uses. From the change on no commit gives it to anybody, as each has the settings as a premise; those that were
   * quicker are looked for once more, and then it is as it was. @throws Problem 409 where it is used
   */
  async function whileFree(request: Asked, { tenant, name, before, what }: Used, change: () => Promise<StoredTenant>): Promise<void> {
    await checkFree(tenant, name, what);
    const changed = await change();
    await checkFree(changed, name, what).catch(async (error) => {
      await changeProfile(request, name, before);
      throw error;
    });
  }

  /** @throws Problem 409 where an account has a profile, or storage by it, or a mapping gives it */
  async function checkFree(tenant: StoredTenant, name: string, what: 'storage' | undefined): Promise<void> {
    const has = ({ profile, storage }: { readonly profile?: string | undefined; readonly storage?: unknown }) =>
      profile === name && (what === undefined || storage !== undefined);
    const { rules, default: last } = mappingsOf(tenant);
    const rule = [...rules, ...(last ? [{ name: 'the default', ...last }] : [])].find(has);
    const profile = `profile ${JSON.stringify(name)}`;
    const given = what === undefined ? profile : `storage by ${profile}`;
    if (rule) throw new Problem(409, `${given} is given by the mapping ${JSON.stringify(rule.name)}`);
    const query = { 'account.profile': name, ...(what === undefined ? {} : { 'account.storage': { $exists: true } }) };
    const { count, examples } = await deps.accounts.like(tenant._id, query, has, EXAMPLES_MAX);
    if (count > 0) throw new Problem(409, `${given} is used by ${count} accounts, such as ${examples.join(', ')}`);
  }
}

const own = (tenant: StoredTenant, name: string): Profile | undefined => {
  const profiles = profilesOf(tenant);
  return Object.hasOwn(profiles, name) ? profiles[name] : undefined;
};

const EXAMPLES_MAX = 3;
