// …/tokens: generate, list, revoke, regenerate.
import type { Reader, StoredToken } from '@rollcall/store';
import { type Generated, generateToken, listTokens, regenerateToken, TOKEN_DAYS, withdrawToken } from '@rollcall/tenancy';
import { z } from 'zod';
import { Problem } from '../problem.js';
import { type AdminDeps, contextOf, part, standingTenantOf, tenantOf } from './context.js';
import { type AdminRoute, badCursor, listOf, PageQuery, route, Time } from './route.js';

export const CredentialName = z.string().trim().min(1).max(200).describe('for whom it is: shown in lists and reminders');
export const Days = z.int().min(1).max(3_650);

const Scope = z.enum(['me', 'tenant']).describe('`me`: /Me and the discovery endpoints alone; `tenant`: all of the tenant’s SCIM');

export const CredentialForm = z.object({
  id: z.string(),
  name: z.string(),
  prefix: z.string().describe('how it begins, to tell it from others'),
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Time.optional().describe('to the minute'),
  revokedAt: Time.optional().describe('from then on it is invalid'),
  replacedBy: z.string().optional().describe('the one that was made in its place: this one holds until `expiresAt`'),
  user: z.string().optional().describe('the user whom it stands for: /Me is that one'),
  scope: Scope,
});
const TokenForm = CredentialForm.meta({ id: 'Token' });
const NewTokenForm = z.object({ token: z.string().describe('shown this once, kept nowhere'), ...CredentialForm.shape });

/** `?cursor=&limit=&revoked=true` */
export const CredentialsQuery = PageQuery.extend({
  revoked: z.enum(['true', 'false']).default('false').describe('whether revoked ones are listed, too'),
});

export const GenerateForm = z
  .strictObject({
    name: CredentialName,
    expiresInDays: Days.default(TOKEN_DAYS),
    user: z.string().min(1).max(100).optional().describe('id of the user whom it stands for: /Me is that one; left out: /Me is 501'),
    scope: Scope.optional().describe('left out: `me` where `user` is given, else `tenant`'),
  })
  .refine(({ user, scope }) => scope !== 'me' || user !== undefined, {
    path: ['scope'],
    error: 'expected `user` beside `me`: whose /Me is it?',
  })
  .transform(({ scope, ...rest }) => ({ ...rest, scope: scope ?? (rest.user === undefined ? ('tenant' as const) : ('me' as const)) }));
export const RegenerateForm = z.strictObject({
  overlapHours: z.number().min(0).max(24).default(0).describe('how long the previous one holds; 0: not a moment'),
  expiresInDays: Days.optional().describe('as long as the previous one was made for, where it is left out'),
});

export const credentialForm = ({
  _id,
  name,
  prefix,
  createdAt,
  expiresAt,
  lastUsedAt,
  revokedAt,
  replacedBy,
  user,
  scope,
}: StoredToken) => ({
  id: _id,
  name,
  prefix,
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt.toISOString(),
  ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt.toISOString() }),
  ...(revokedAt === undefined ? {} : { revokedAt: revokedAt.toISOString() }),
  ...(replacedBy === undefined ? {} : { replacedBy }),
  ...(user === undefined ? {} : { user }),
  scope: scope ?? ('tenant' as const),
});

/** @throws Problem 400 where the tenant has no such user */
export async function checkUser({ reader }: { readonly reader: Reader }, tenant: string, user: string | undefined): Promise<void> {
  if (user === undefined) return;
  const found = await reader.resource(await reader.view(tenant, 'read'), user);
  if (found?.resource.type !== 'User' || found.resource.deleted) throw new Problem(400, '#/user: this tenant has no user with this id');
}

export function tokenRoutes(deps: AdminDeps & { readonly reader: Reader }): AdminRoute[] {
  const { mongo, records } = deps;
  // First: it is what is copied.
  const shown = ({ stored, token }: Generated) => ({ token, ...credentialForm(stored) });
  return [
    route({
      method: 'POST',
      path: '/tenants/{tenant}/tokens',
      summary: 'Generates a token; it is shown this once',
      body: GenerateForm,
      answers: { 201: NewTokenForm },
      handle: async (request) => {
        const { _id: tenant } = await standingTenantOf(deps, request);
        const { name, expiresInDays: days, user, scope } = request.body;
        await checkUser(deps, tenant, user);
        const generated = await generateToken(contextOf(deps, request), { tenant, name, days, user, scope });
        await records.carryToken(generated.stored);
        return { status: 201, secret: true, body: shown(generated) };
      },
    }),
    route({
      method: 'GET',
      path: '/tenants/{tenant}/tokens',
      summary: 'Lists tokens, the oldest first; those that were revoked only with `revoked=true`',
      query: CredentialsQuery,
      answers: { 200: listOf(TokenForm) },
      handle: async (request) => {
        const { _id: tenant } = await tenantOf(deps, request);
        const page = await listTokens(mongo, { tenant, secrets: false, ...request.query, revoked: request.query.revoked === 'true' });
        if (!page) throw badCursor();
        return { status: 200, body: { ...page, items: page.items.map(credentialForm) } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/tenants/{tenant}/tokens/{id}',
      summary: 'Revokes a token, from this moment on',
      answers: { 204: null },
      handle: async (request) => {
        const { _id: tenant } = await tenantOf(deps, request);
        const revoked = await withdrawToken(contextOf(deps, request), { tenant, id: part(request, 'id'), isSecret: false });
        if (!revoked) throw noToken();
        await records.carryToken(revoked); // also where it was revoked before: that may not have reached Redis
        return { status: 204 };
      },
    }),
    route({
      method: 'POST',
      path: '/tenants/{tenant}/tokens/{id}/regenerate',
      summary: 'Makes a token in place of another, which is invalid at once, or after an overlap',
      body: RegenerateForm,
      answers: { 201: NewTokenForm },
      handle: async (request) => {
        const { _id: tenant } = await standingTenantOf(deps, request);
        const { overlapHours, expiresInDays: days } = request.body;
        const old = { tenant, id: part(request, 'id'), isSecret: false };
        const made = await regenerateToken(contextOf(deps, request), old, { overlap_ms: overlapHours * HOUR_MS, days });
        if (!made) throw noToken();
        await records.carryToken(made.replaced);
        await records.carryToken(made.stored);
        return { status: 201, secret: true, body: shown(made) };
      },
    }),
  ];
}

const noToken = () => new Problem(404, 'this tenant has no such token');
export const HOUR_MS = 3_600_000;
