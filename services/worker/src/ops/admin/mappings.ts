// /admin/v1/tenants/{tenant}/mappings: who gets which profile.
import { type Resource, wrongProvision } from '@rollcall/directory';
import { parseFilter, type ResourceTypeDefinition, ScimError, sameValue } from '@rollcall/scim';
import type { StoredTenant } from '@rollcall/store';
import { compileMappings, MappingsSetting, profilesOf, type TypesOf } from '@rollcall/tenancy';
import { z } from 'zod';
import type { Accounts } from '../../accounts/accounts.js';
import type { Jobs } from '../../accounts/jobs.js';
import { wouldMove } from '../../accounts/would-move.js';
import { Problem } from '../problem.js';
import { StorageForm } from './accounts.js';
import { type AdminDeps, changeStanding, part, standingTenantOf, tenantOf } from './context.js';
import { JobForm, jobForm } from './imports.js';
import { type AdminRoute, route, type WrongMember, wrongMembers } from './route.js';

export interface MappingRouteDeps extends AdminDeps {
  readonly accounts: Pick<Accounts, 'page' | 'groupsOf'>;
  readonly jobs: Jobs;
  readonly typesOf: TypesOf;
}

const MoveForm = z.object({
  ...{ id: z.string(), userName: z.string().optional() },
  ...{ from: z.string().optional().describe('the profile; absent where there is none yet'), to: z.string() },
  storage: z
    .object({ from: StorageForm.optional(), to: StorageForm.optional() })
    .optional()
    .describe('where it changes; a missing side: none'),
});
const DryRun = z.object({ count: z.number(), accounts: z.array(MoveForm) });

type Move = { readonly is: Resource; readonly becomes: Resource };
function moveForm({ is: { id, attributes, account }, becomes }: Move): z.infer<typeof MoveForm> {
  const { userName } = attributes;
  const [from, to] = [account.storage, becomes.account.storage];
  return {
    id,
    ...(typeof userName === 'string' ? { userName } : {}),
    ...(account.profile === undefined ? {} : { from: account.profile }),
    to: becomes.account.profile!,
    ...(sameValue({ ...from }, { ...to }) ? {} : { storage: { ...(from ? { from } : {}), ...(to ? { to } : {}) } }),
  };
}

type Assigned = NonNullable<MappingsSetting['default']>;

export function mappingRoutes(deps: MappingRouteDeps): AdminRoute[] {
  const { jobs, typesOf } = deps;
  return [
    route({
      method: 'GET',
      path: '/tenants/{tenant}/mappings',
      summary: 'Shows the rules, in their order, and the default that ends the list',
      answers: { 200: MappingsSetting },
      handle: async (request) => ({ status: 200, body: mappingsOf(await tenantOf(deps, request)) }),
    }),
    route({
      method: 'PUT',
      path: '/tenants/{tenant}/mappings',
      summary: 'Sets the rules: for accounts to come, or with apply=all also for those that a mapping provided',
      query: z.strictObject({ apply: z.enum(['new', 'all']).default('new') }),
      body: MappingsSetting,
      answers: { 200: MappingsSetting, 202: JobForm },
      handle: async (request) => {
        const tenant = await standingTenantOf(deps, request);
        await changeStanding(deps, request, 'mappings.put', (current) => {
          checked(current, request.body, typesOf);
          return { settings: { ...current.settings, mappings: request.body } };
        });
        if (request.query.apply === 'new') return { status: 200, body: request.body };
        return { status: 202, body: jobForm(await jobs.beginMappings(tenant._id, request.operator.id)) };
      },
    }),
    route({
      method: 'POST',
      path: '/tenants/{tenant}/mappings/dry-run',
      looks: true,
      summary: 'Says whom these rules would move, and changes nothing; the first hundred are named',
      body: MappingsSetting,
      answers: { 200: DryRun },
      handle: async (request) => {
        const tenant = await tenantOf(deps, request);
        const mappings = checked(tenant, request.body, typesOf);
        let count = 0;
        const accounts: z.infer<typeof DryRun>['accounts'] = [];
        for await (const move of wouldMove(deps.accounts, tenant._id, mappings)) {
          count += 1;
          if (accounts.length < NAMED_MAX) accounts.push(moveForm(move));
        }
        return { status: 200, body: { count, accounts } };
      },
    }),
    route({
      method: 'GET',
      path: '/tenants/{tenant}/mappings/jobs/{id}',
      summary: 'Shows how far rules have been applied to all',
      answers: { 200: JobForm },
      handle: async (request) => {
        const job = await jobs.find((await tenantOf(deps, request))._id, 'mappings', part(request, 'id'));
        if (!job) throw new Problem(404, 'there is no such job');
        return { status: 200, body: jobForm(job) };
      },
    }),
  ];
}

export const mappingsOf = ({ settings }: Pick<StoredTenant, 'settings'>): MappingsSetting => MappingsSetting.parse(settings.mappings ?? {});

/** @throws Problem 400 that names each rule with a profile that is not there, or a filter that is not understood, and what was expected */
function checked({ settings }: StoredTenant, mappings: MappingsSetting, typesOf: TypesOf) {
  const { rules, default: last } = mappings;
  const { User } = typesOf(settings);
  const profiles = profilesOf(settings);
  const given = (pointer: string, whose: string, { profile, storage }: Assigned): WrongMember[] => {
    const wrong = wrongProvision(profiles, { profile, storage });
    return wrong ? [{ pointer: `${pointer}/${wrong.member}`, detail: whose + wrong.what }] : [];
  };
  const wrong = rules.flatMap(({ name, filter, ...gives }, at) => {
    const [pointer, whose, why] = [`#/rules/${at}`, `rule ${JSON.stringify(name)}: `, wrongFilter(filter, User)];
    return [...given(pointer, whose, gives), ...(why === undefined ? [] : [{ pointer: `${pointer}/filter`, detail: whose + why }])];
  });
  if (last) wrong.push(...given('#/default', '', last));
  if (wrong.length > 0) throw wrongMembers(wrong);
  return compileMappings(mappings, profiles, User);
}

/** What is wrong with a filter: where, and what was expected. */
export function wrongFilter(filter: string, user: ResourceTypeDefinition): string | undefined {
  try {
    parseFilter(user, filter);
    return undefined;
  } catch (error) {
    if (error instanceof ScimError) return error.detail.replace(/^filter: /, '');
    throw error;
  }
}

const NAMED_MAX = 100;
