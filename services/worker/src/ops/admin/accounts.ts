// /admin/v1/tenants/{tenant}/accounts: find, make, keep out, let in, provide, decide who is who, purge.
import { TransientError, WrongProvision } from '@rollcall/directory';
import { type JsonValue, type ResourceTypes, ScimError } from '@rollcall/scim';
import { Region } from '@rollcall/tenancy';
import { z } from 'zod';
import type { ShownAccount } from '../../accounts/account.js';
import type { AccountQuery, Accounts } from '../../accounts/accounts.js';
import type { Asked } from '../../accounts/carry-out.js';
import { told } from '../../accounts/told.js';
import { Problem } from '../problem.js';
import { type AdminDeps, part, standingTenantOf, tenantEvenIfAway, tenantOf } from './context.js';
import { csvCell } from './csv.js';
import type { ShowAnew } from './idempotency.js';
import {
  type AdminAnswer,
  type AdminRequest,
  type AdminRoute,
  badCursor,
  listOf,
  PageQuery,
  type RawRequest,
  route,
  Time,
  wrongMembers,
} from './route.js';

export interface AccountRouteDeps extends AdminDeps {
  readonly accounts: Accounts;
}

export const StorageForm = z.strictObject({
  region: Region.optional(),
  quotaBytes: z.number().int().nonnegative().optional(),
});
const Profile = z.string().min(1).max(63);
const Reason = z.string().trim().min(1).max(1_000);

export const AccountForm = z
  .object({
    id: z.string(),
    userName: z.string().optional(),
    displayName: z
      .string()
      .optional()
      .describe('the user’s displayName, else name.formatted, else first and last name as far as they are known, else the userName'),
    status: z.enum(['active', 'preserved']),
    reason: z
      .enum(['deactivated', 'blocked', 'deleted'])
      .optional()
      .describe(
        'why it is preserved: deleted by the identity provider, else blocked by an administrator, else deactivated by the identity provider',
      ),
    preservedBy: z.array(z.enum(['idp', 'administrator'])),
    deleted: z.boolean().describe('the identity provider deleted the person; the account is preserved'),
    origin: z.enum(['scim', 'manual', 'import', 'directory']),
    managedBy: z.enum(['scim', 'manual', 'directory']),
    profile: z.string().optional(),
    profileBy: z.enum(['mapping', 'administrator']).optional(),
    storage: StorageForm.optional(),
    storageBy: z.literal('administrator').optional().describe('no mapping changes such storage'),
    separate: z
      .array(z.object({ userName: z.string().optional(), externalId: z.string().optional() }))
      .optional()
      .describe('people of whom an administrator has said that they are not this account'),
    user: z.record(z.string(), z.unknown()).describe('the SCIM resource'),
    version: z.number(),
    createdAt: Time,
    updatedAt: Time,
  })
  .meta({ id: 'Account' });

const NewestChangeForm = z
  .object({
    state: z.enum(['applied', 'pending', 'dead']).describe('in MongoDB; accepted and on its way there; refused by MongoDB for good'),
    since: Time.optional().describe('when it was applied, accepted or given up; absent where that is not known'),
    cause: z.string().optional().describe('why MongoDB refused it'),
  })
  .meta({ id: 'NewestChange' });

const ListQuery = PageQuery.extend({
  filter: z.string().min(1).max(8_192).optional().describe('a SCIM filter over the user'),
  status: z.enum(['active', 'preserved']).optional(),
  managedBy: z.enum(['scim', 'manual', 'directory']).optional(),
  profile: Profile.optional(),
});
const Email = z.union([z.string(), z.looseObject({ value: z.string() })]);
/** Beside these: what the tenant takes of a user besides, at the top level or by an extension's URN. */
const MakeForm = z.looseObject({
  userName: z.string(),
  emails: z.array(Email).max(50).optional(),
  name: z.looseObject({}).optional(),
  externalId: z.string().optional(),
  displayName: z.string().optional(),
  profile: Profile.optional(),
  storage: StorageForm.optional(),
  managedBy: z.enum(['manual', 'directory']).optional(),
});
const ChangeForm = z.strictObject({ profile: Profile.nullable().optional(), storage: StorageForm.nullable().optional() });
/** How a person of the identity provider is named: by one of the two. */
const personForm = (name: z.ZodString) =>
  z
    .strictObject({ userName: name.optional(), externalId: name.optional() })
    .refine(
      ({ userName, externalId }) => (userName === undefined) !== (externalId === undefined),
      'expected one of userName and externalId',
    );
const AdoptForm = personForm(z.string().min(1));
const SeparateForm = personForm(z.string().min(1).max(1_024));

const personOf = ({ userName, externalId }: z.infer<typeof AdoptForm>) => ({
  ...(userName === undefined ? {} : { userName }),
  ...(externalId === undefined ? {} : { externalId }),
});

const bodyOf = (shown: ShownAccount) => ({ body: shown, headers: { ETag: `W/"${shown.version}"` } });

/** An account as it is now, for an answer that is repeated. */
export const showAnew =
  (accounts: Pick<Accounts, 'get'>): ShowAnew =>
  async ({ tenant, id }) =>
    bodyOf(await plainly(accounts.get(tenant, id)));

export function accountRoutes(deps: AccountRouteDeps): AdminRoute[] {
  const { accounts, now } = deps;
  const asked = ({ operator, requestId }: RawRequest | AdminRequest<unknown, unknown>): Asked => ({
    by: operator.id,
    requestId,
    now: now(),
  });
  const answered = async (tenant: string, account: Promise<ShownAccount>, status = 200): Promise<AdminAnswer> => {
    const shown = await plainly(account);
    return { status, ...bodyOf(shown), account: { tenant, id: shown.id } };
  };
  const at = '/tenants/{tenant}/accounts';

  return [
    route({
      method: 'GET',
      path: at,
      summary: 'Lists accounts in the order of creation, those that the identity provider deleted too',
      query: ListQuery,
      answers: { 200: listOf(AccountForm) },
      handle: async (request) => {
        const tenant = await tenantOf(deps, request);
        const { cursor, ...query } = request.query;
        if (/^text\/csv\b/i.test(request.header('accept') ?? ''))
          return {
            status: 200,
            headers: {
              'Content-Type': 'text/csv; charset=utf-8',
              'Content-Disposition': `attachment; filename="accounts-${tenant._id}.csv"`,
            },
            stream: await csvOf(accounts, tenant._id, query),
          };
        const page = await plainly(accounts.list(tenant._id, { ...query, after: readCursor(cursor) }));
        return { status: 200, body: { items: page.items, next: page.after === undefined ? undefined : writeCursor(page.after) } };
      },
    }),
    route({
      method: 'POST',
      path: at,
      summary: 'Makes an account by hand',
      body: MakeForm,
      answers: { 201: AccountForm },
      handle: async (request) => {
        const tenant = await standingTenantOf(deps, request);
        const { profile, storage, managedBy, emails, ...user } = request.body;
        checkNames(user, await accounts.types(tenant._id));
        if (managedBy === 'directory' && tenant.source !== 'directory')
          throw new Problem(409, '#/managedBy: this tenant’s source is not the directory');
        const addresses = emails?.map((email) => (typeof email === 'string' ? { value: email } : email));
        return answered(
          tenant._id,
          accounts.make(
            tenant._id,
            {
              user: { ...user, ...(addresses ? { emails: addresses } : {}) } as JsonValue,
              managedBy,
              profile,
              storage: storageOf(storage),
            },
            asked(request),
          ),
          201,
        );
      },
    }),
    route({
      method: 'GET',
      path: `${at}/{id}`,
      summary: 'Shows an account, and whether its newest change is applied',
      answers: { 200: AccountForm.extend({ newestChange: NewestChangeForm }) },
      handle: async (request) => {
        const { id: tenant } = await plainly(tenantEvenIfAway(deps, request));
        const id = part(request, 'id');
        const shown = await plainly(accounts.get(tenant, id));
        const newestChange = await plainly(accounts.newestChange(tenant, id));
        return { status: 200, body: { ...shown, newestChange }, headers: { ETag: `W/"${shown.version}"` } };
      },
    }),
    route({
      method: 'PATCH',
      path: `${at}/{id}`,
      summary: 'Sets what the account may use; null takes it away, and lets the mappings choose',
      body: ChangeForm,
      answers: { 200: AccountForm },
      handle: async (request) => {
        const tenant = await standingTenantOf(deps, request);
        const { profile, storage } = request.body;
        const ifMatch = request.header('if-match');
        const wanted = {
          ...(profile === undefined ? {} : { profile }),
          ...(storage === undefined ? {} : { storage: storage === null ? null : storageOf(storage)! }),
          ...(ifMatch === undefined ? {} : { ifMatch }),
        };
        return answered(
          tenant._id,
          accounts.run(tenant._id, { kind: 'setAccount', type: 'User', id: part(request, 'id'), ...wanted }, asked(request)),
        );
      },
    }),
    route({
      method: 'POST',
      path: `${at}/{id}/preserve`,
      summary: 'Keeps the person out until an administrator reactivates the account, whatever the identity provider says',
      body: z.strictObject({ reason: Reason.optional() }),
      answers: { 200: AccountForm },
      handle: async (request) => {
        const { reason } = request.body;
        const command = { kind: 'preserve', type: 'User', id: part(request, 'id'), ...(reason === undefined ? {} : { reason }) } as const;
        const { _id: tenant } = await standingTenantOf(deps, request);
        return answered(tenant, accounts.run(tenant, command, asked(request)));
      },
    }),
    route({
      method: 'POST',
      path: `${at}/{id}/reactivate`,
      summary: 'Lifts the administrator’s mark, and never the identity provider’s',
      answers: { 200: AccountForm },
      handle: async (request) => {
        const { _id: tenant } = await standingTenantOf(deps, request);
        return answered(tenant, accounts.run(tenant, { kind: 'reactivate', type: 'User', id: part(request, 'id') }, asked(request)));
      },
    }),
    route({
      method: 'POST',
      path: `${at}/{id}/adopt`,
      summary: 'Says that this account is the person who comes under a userName or externalId: decides an ambiguity, or a recycled address',
      body: AdoptForm,
      answers: { 200: AccountForm },
      handle: async (request) => {
        const { _id: tenant } = await standingTenantOf(deps, request);
        const command = { kind: 'expect', type: 'User', id: part(request, 'id'), ...personOf(request.body) } as const;
        return answered(tenant, accounts.run(tenant, command, asked(request)));
      },
    }),
    route({
      method: 'POST',
      path: `${at}/{id}/separate`,
      summary:
        'Says that this account is not the person who comes under a userName or externalId: the person gets an account of their own, also where this one is preserved',
      body: SeparateForm,
      answers: { 200: AccountForm },
      handle: async (request) => {
        const { _id: tenant } = await standingTenantOf(deps, request);
        const command = { kind: 'separate', type: 'User', id: part(request, 'id'), ...personOf(request.body) } as const;
        return answered(tenant, accounts.run(tenant, command, asked(request)));
      },
    }),
    route({
      method: 'DELETE',
      path: `${at}/{id}`,
      summary: 'Asks to purge an account: nothing is done until `purge` confirms it',
      answers: { 202: z.object({ confirm: z.string() }) },
      handle: async (request) => ({
        status: 202,
        body: { confirm: await plainly(accounts.askToPurge((await standingTenantOf(deps, request))._id, part(request, 'id'))) },
      }),
    }),
    route({
      method: 'POST',
      path: `${at}/{id}/purge`,
      summary: 'Takes away everything of the person, for good; the id stays behind, and the identity is free',
      body: z.strictObject({ confirm: z.string().min(1).max(200) }),
      answers: { 204: null },
      handle: async (request) => {
        const tenant = await standingTenantOf(deps, request);
        await plainly(accounts.purge(tenant._id, part(request, 'id'), request.body.confirm, asked(request)));
        return { status: 204 };
      },
    }),
  ];
}

/** @throws Problem 400 that names a member which nobody would keep */
function checkNames(user: Readonly<Record<string, unknown>>, { User }: ResourceTypes): void {
  const known = new Set([
    ...Object.keys(MakeForm.shape),
    ...User.custom.map(({ name }) => name),
    ...User.extensions.map((each) => each.schema.id),
  ]);
  const stranger = Object.keys(user).find((name) => !known.has(name));
  if (stranger !== undefined) throw new Problem(400, `#/${stranger}: this tenant’s accounts have no such member`);
}

const CSV_COLUMNS = [
  ...(['id', 'userName', 'displayName', 'status', 'preservedBy', 'deleted', 'origin', 'managedBy', 'profile'] as const),
  ...(['region', 'quotaBytes', 'createdAt', 'updatedAt'] as const),
] as const;

type CsvQuery = Omit<AccountQuery, 'after'>;

/** All accounts that a query means, as CSV: as many as there are, page by page. @throws Problem before anything is sent, where the first page can't be read */
async function csvOf(accounts: Accounts, tenant: string, query: CsvQuery): Promise<AsyncGenerator<string>> {
  return csvFrom(await plainly(accounts.list(tenant, query)), (after) => accounts.list(tenant, { ...query, after }));
}

async function* csvFrom(
  first: Awaited<ReturnType<Accounts['list']>>,
  next: (after: number) => ReturnType<Accounts['list']>,
): AsyncGenerator<string> {
  yield `${CSV_COLUMNS.map(csvCell).join(',')}\r\n`;
  for (let page = first; ; page = await next(page.after)) {
    for (const account of page.items) {
      const { preservedBy, storage } = account;
      const cells = { ...account, preservedBy: preservedBy.join(' '), region: storage?.region, quotaBytes: storage?.quotaBytes };
      yield `${CSV_COLUMNS.map((name) => csvCell(cells[name])).join(',')}\r\n`;
    }
    if (page.after === undefined) return;
  }
}

/** What the protocol's core refuses, as this API says it. */
export async function plainly<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw plain(error);
  }
}

function plain(error: unknown): unknown {
  if (error instanceof WrongProvision) return wrongMembers([{ pointer: `#/${error.member}`, detail: error.what }]);
  if (error instanceof ScimError) return new Problem(error.status, told(error), {}, { cause: error });
  if (error instanceof TransientError)
    return new Problem(503, `${error.message}; try again`, { headers: { 'Retry-After': String(error.retryAfter_s) } }, { cause: error });
  return error;
}

const storageOf = (storage: z.infer<typeof StorageForm> | undefined) =>
  storage && {
    ...(storage.region === undefined ? {} : { region: storage.region }),
    ...(storage.quotaBytes === undefined ? {} : { quotaBytes: storage.quotaBytes }),
  };

const writeCursor = (after: number): string => after.toString(36);
function readCursor(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const after = /^[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor, 36) : Number.NaN;
  if (!Number.isSafeInteger(after)) throw badCursor();
  return after;
}
