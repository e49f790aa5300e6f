// /admin/v1/tenants: make, set, suspend, resume, delete.
import type { Reader, StoredTenant } from '@rollcall/store';
import {
  changeTenant,
  createTenant,
  hashConfirmation,
  isShortened,
  listTenants,
  NotNowError,
  newConfirmation,
  newWebhookSecret,
  SettingsChange,
  settingsOf,
  settingsUpdate,
  shownSettings,
  TenantId,
  TenantSettingsForm,
} from '@rollcall/tenancy';
import { z } from 'zod';
import type { WebhookTargets } from '../../webhook-targets.js';
import { Problem } from '../problem.js';
import { type AdminDeps, contextOf, noTenant, part, tenantOf } from './context.js';
import { type AdminRoute, listOf, PageQuery, route, Time, wrongMembers } from './route.js';
import { sharedNames } from './shared-names.js';

const Name = z.string().trim().min(1).max(200);
const Source = z.enum(['scim', 'directory', 'manual']);

export const TenantForm = z
  .object({
    id: z.string(),
    name: z.string().optional(),
    status: z.enum(['active', 'suspended', 'deleting']),
    source: Source,
    settings: TenantSettingsForm,
    createdAt: Time,
    deletion: z
      .object({ askedAt: Time, after: Time, confirmed: z.boolean() })
      .optional()
      .describe('only while it is being deleted: nothing is removed before `after`, and nothing that is not confirmed'),
  })
  .meta({ id: 'Tenant' });

const withSecret = TenantForm.extend({
  webhookSecret: z.string().optional().describe('shown once, with the first webhook: what is sent there is signed with it'),
});

const CreateForm = z.strictObject({
  id: TenantId,
  name: Name.optional(),
  source: Source.default('scim'),
  settings: SettingsChange.default({}),
});
/** Settings may also be named without `settings` around them: both say the same. */
const ChangeForm = SettingsChange.extend({ name: Name.optional(), settings: SettingsChange.optional() });
const DeleteQuery = z.strictObject({
  graceHours: z.coerce.number('expected a whole number of hours, from 0 to 2160').int().min(0).max(2_160).default(168),
});

export const tenantForm = ({ _id, name, status, source, settings, createdAt, deletion }: StoredTenant) => ({
  id: _id,
  ...(name === undefined ? {} : { name }),
  status,
  source,
  settings: shownSettings(settingsOf(settings)),
  createdAt: createdAt.toISOString(),
  ...(deletion === undefined
    ? {}
    : {
        deletion: {
          askedAt: deletion.askedAt.toISOString(),
          after: deletion.after.toISOString(),
          confirmed: deletion.confirmedAt !== undefined,
        },
      }),
});

export interface TenantRouteDeps extends AdminDeps {
  readonly reader: Reader;
  readonly webhookTargets: Pick<WebhookTargets, 'fault'>;
}

export function tenantRoutes(deps: TenantRouteDeps): AdminRoute[] {
  const { mongo, records, now, webhookTargets } = deps;
  /**
   * Settings as they are to be stored: the address of a webhook that is sent back as it was shown is the one that is there.
   * @throws Problem 400 for an address that is not whole, or that webhooks may not go to
   */
  const checkedSettings = (settings: SettingsChange, current?: StoredTenant): SettingsChange => {
    const url = settings.webhook?.url;
    if (url === undefined) return settings;
    const there = settingsOf(current?.settings ?? {});
    if (shownSettings(there).webhook?.url === url) return { ...settings, webhook: there.webhook };
    const fault = isShortened(url) ? 'expected the whole address, got its beginning as it is shown' : webhookTargets.fault(url);
    if (fault !== undefined) throw wrongMembers([{ pointer: '#/settings/webhook/url', detail: fault }]);
    return settings;
  };
  /** Changes a tenant in both stores: the answer is given once Redis has it. */
  const changed = async (request: Parameters<typeof contextOf>[1], action: string, decide: Parameters<typeof changeTenant>[3]) => {
    const id = part(request, 'tenant');
    if (!TenantId.safeParse(id).success) throw noTenant();
    const stored = await changeTenant(contextOf(deps, request), id, action, decide);
    if (!stored) throw noTenant();
    await records.carryTenant(stored);
    return stored;
  };
  /** @throws Problem 409 that lists names which more than one group has */
  const refuseSharedNames = async (tenant: string): Promise<void> => {
    const { names, more } = await sharedNames(deps, tenant);
    if (names.length === 0) return;
    const some = names.slice(0, 3).map(({ displayName }) => JSON.stringify(displayName));
    const all = `${some.join(', ')}${names.length > some.length ? ` and ${more ? 'more than ' : ''}${names.length - some.length} more` : ''}`;
    const detail = `settings.groupNames: several groups have one name: ${all}; duplicates has them: rename them, or delete all but one of each`;
    throw new Problem(409, detail, { members: { duplicates: names } });
  };

  return [
    route({
      method: 'POST',
      path: '/tenants',
      summary: 'Makes a tenant',
      body: CreateForm,
      answers: { 201: withSecret },
      handle: async (request) => {
        const stored = await createTenant(contextOf(deps, request), { ...request.body, settings: checkedSettings(request.body.settings) });
        await records.carryTenant(stored);
        const secret = stored.webhookSecret === undefined ? {} : { webhookSecret: stored.webhookSecret };
        return {
          status: 201,
          secret: 'webhookSecret' in secret,
          headers: { Location: `/admin/v1/tenants/${stored._id}` },
          body: { ...tenantForm(stored), ...secret },
        };
      },
    }),
    route({
      method: 'GET',
      path: '/tenants',
      summary: 'Lists tenants, by id',
      query: PageQuery,
      answers: { 200: listOf(TenantForm) },
      handle: async ({ query: { cursor, limit } }) => {
        const page = await listTenants(mongo, { after: cursor, limit: limit + 1 });
        const items = page.slice(0, limit);
        const next = page.length > limit ? items.at(-1)?._id : undefined;
        return { status: 200, body: { items: items.map(tenantForm), next } };
      },
    }),
    route({
      method: 'GET',
      path: '/tenants/{tenant}',
      summary: 'Shows a tenant',
      answers: { 200: TenantForm },
      handle: async (request) => ({ status: 200, body: tenantForm(await tenantOf(deps, request)) }),
    }),
    route({
      method: 'PATCH',
      path: '/tenants/{tenant}',
      summary: 'Changes name and settings; what is left out stays',
      body: ChangeForm,
      answers: { 200: withSecret },
      handle: async (request) => {
        let before: StoredTenant | undefined;
        const { name, settings: inner, ...outer } = request.body;
        const settings = { ...outer, ...inner };
        const claims = settings.groupNames === 'unique' && settingsOf((await tenantOf(deps, request)).settings).groupNames === 'shared';
        if (claims) await refuseSharedNames(part(request, 'tenant'));
        const stored = await changed(request, 'tenant.change', (current) => {
          before = current;
          if (current.status === 'deleting') throw new NotNowError('this tenant is being deleted: resume it first');
          return settingsUpdate(current, { name, settings: checkedSettings(settings, current) });
        });
        if (claims) {
          // From here on no commit makes another, as each has the settings as a premise. Those that were quicker are looked for once more.
          await refuseSharedNames(stored._id).catch(async (error) => {
            await changed(request, 'tenant.change', (current) => settingsUpdate(current, { settings: { groupNames: 'shared' } }));
            throw error;
          });
        }
        const fresh = stored.webhookSecret !== undefined && stored.webhookSecret !== before?.webhookSecret;
        return { status: 200, body: { ...tenantForm(stored), ...(fresh ? { webhookSecret: stored.webhookSecret } : {}) } };
      },
    }),
    route({
      method: 'POST',
      path: '/tenants/{tenant}/webhook/secret',
      summary: 'Makes a new secret for the webhook; the old one signs nothing from then on',
      answers: { 201: z.object({ webhookSecret: z.string() }) },
      handle: async (request) => {
        const webhookSecret = newWebhookSecret();
        await changed(request, 'tenant.webhook-secret', (current) => {
          if (current.webhookSecret === undefined) throw new NotNowError('this tenant has no webhook: set settings.webhook first');
          return { $set: { webhookSecret } };
        });
        return { status: 201, secret: true, body: { webhookSecret } };
      },
    }),
    route({
      method: 'POST',
      path: '/tenants/{tenant}/suspend',
      summary: 'Suspends a tenant: SCIM answers 403 that says so, from then on',
      answers: { 200: TenantForm },
      handle: async (request) => ({
        status: 200,
        body: tenantForm(
          await changed(request, 'tenant.suspend', ({ status }) => {
            if (status === 'deleting') throw new NotNowError('this tenant is being deleted, and SCIM answers 403 already');
            return status === 'suspended' ? undefined : { $set: { status: 'suspended' } };
          }),
        ),
      }),
    }),
    route({
      method: 'POST',
      path: '/tenants/{tenant}/resume',
      summary: 'Resumes a tenant that was suspended; or takes back a deletion: one that was suspended before is so again',
      answers: { 200: TenantForm },
      handle: async (request) => ({
        status: 200,
        body: tenantForm(
          await changed(request, 'tenant.resume', ({ status, deletion }) => {
            if (deletion?.confirmedAt && deletion.after <= now()) throw new NotNowError('its grace period is over: it is being removed');
            return status === 'active' ? undefined : { $set: { status: deletion?.statusBefore ?? 'active' }, $unset: { deletion: '' } };
          }),
        ),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/tenants/{tenant}',
      summary:
        'Begins to delete a tenant: SCIM answers 403 from then on. Nothing is removed until `purge` confirms, and the grace period is over; `resume` takes it back until then',
      query: DeleteQuery,
      answers: { 202: TenantForm.extend({ confirm: z.string().describe('what `purge` asks for; a repeated DELETE makes a new one') }) },
      handle: async (request) => {
        const { confirm, hash } = newConfirmation();
        const stored = await changed(request, 'tenant.delete', ({ status, deletion }) => {
          if (deletion?.confirmedAt)
            throw new NotNowError('its deletion is confirmed already: resume takes it back until its grace period is over');
          const askedAt = now();
          const after = new Date(askedAt.getTime() + request.query.graceHours * HOUR_MS);
          const statusBefore = status === 'deleting' ? (deletion?.statusBefore ?? 'active') : status;
          return { $set: { status: 'deleting', deletion: { askedAt, statusBefore, after, confirm: hash } } };
        });
        return { status: 202, body: { ...tenantForm(stored), confirm } };
      },
    }),
    route({
      method: 'POST',
      path: '/tenants/{tenant}/purge',
      summary: 'Confirms that a tenant is to be removed, with all its data, when its grace period is over',
      body: z.strictObject({ confirm: z.string().min(1).max(200) }),
      answers: { 202: TenantForm },
      handle: async (request) => ({
        status: 202,
        body: tenantForm(
          await changed(request, 'tenant.purge', ({ deletion }) => {
            if (!deletion) throw new Problem(409, 'its deletion was not asked for: DELETE it first');
            if (deletion.confirm !== hashConfirmation(request.body.confirm))
              throw new Problem(409, '#/confirm: not what the last DELETE answered');
            return deletion.confirmedAt ? undefined : { $set: { 'deletion.confirmedAt': now() } };
          }),
        ),
      }),
    }),
  ];
}

const HOUR_MS = 3_600_000;
