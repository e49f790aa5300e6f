// …/clients: OAuth 2.0 client credentials (RFC 6749 §4.4). A client keeps its id; its secrets come and go like tokens.
import { randomUUID } from 'node:crypto';
import type { Reader, StoredToken } from '@rollcall/store';
import { type Generated, generateToken, listTokens, regenerateToken, secretsOf, withdrawToken } from '@rollcall/tenancy';
import { z } from 'zod';
import { Problem } from '../problem.js';
import { type AdminDeps, contextOf, part, standingTenantOf, tenantOf } from './context.js';
import { type AdminRoute, badCursor, listOf, route } from './route.js';
import { CredentialForm, CredentialsQuery, checkUser, credentialForm, GenerateForm, HOUR_MS, RegenerateForm } from './tokens.js';

const ClientForm = CredentialForm.extend({ clientId: z.string() }).meta({ id: 'Client' });
const NewClientForm = CredentialForm.extend({
  clientId: z.string().describe('stays the same when the secret is regenerated'),
  clientSecret: z.string().describe('shown this once, kept nowhere'),
});

const clientForm = (stored: StoredToken) => ({ ...credentialForm(stored), clientId: stored.client ?? '' });

export function clientRoutes(deps: AdminDeps & { readonly reader: Reader }): AdminRoute[] {
  const { mongo, records } = deps;
  const shown = ({ stored, token }: Generated) => ({ clientId: stored.client ?? '', clientSecret: token, ...credentialForm(stored) });
  /** A client's secrets by its id, or the one secret that is named. */
  const named = async (tenant: string, id: string): Promise<StoredToken[]> => {
    const all = await secretsOf(mongo, tenant, id);
    if (all.length > 0) return all;
    const one = await mongo.collection('tokens').findOne({ _id: id, tenant, client: { $exists: true } });
    return one ? [one] : [];
  };
  return [
    route({
      method: 'POST',
      path: '/tenants/{tenant}/clients',
      summary: 'Makes an OAuth 2.0 client; its secret is shown this once',
      body: GenerateForm,
      answers: { 201: NewClientForm },
      handle: async (request) => {
        const { _id: tenant } = await standingTenantOf(deps, request);
        const { name, expiresInDays: days, user, scope } = request.body;
        await checkUser(deps, tenant, user);
        const generated = await generateToken(contextOf(deps, request), { tenant, name, days, client: randomUUID(), user, scope });
        await records.carryToken(generated.stored);
        return { status: 201, secret: true, body: shown(generated) };
      },
    }),
    route({
      method: 'GET',
      path: '/tenants/{tenant}/clients',
      summary: 'Lists clients, one line for each secret, the oldest first; those that were revoked only with `revoked=true`',
      query: CredentialsQuery,
      answers: { 200: listOf(ClientForm) },
      handle: async (request) => {
        const { _id: tenant } = await tenantOf(deps, request);
        const page = await listTokens(mongo, { tenant, secrets: true, ...request.query, revoked: request.query.revoked === 'true' });
        if (!page) throw badCursor();
        return { status: 200, body: { ...page, items: page.items.map(clientForm) } };
      },
    }),
    route({
      method: 'DELETE',
      path: '/tenants/{tenant}/clients/{id}',
      summary: 'Revokes a client with all its secrets (by `clientId`), or one secret (by `id`), and the access tokens given for them',
      answers: { 204: null },
      handle: async (request) => {
        const { _id: tenant } = await tenantOf(deps, request);
        const secrets = await named(tenant, part(request, 'id'));
        if (secrets.length === 0 && !(await wasClient(tenant, part(request, 'id')))) throw noClient();
        for (const { _id: id } of secrets) {
          const revoked = await withdrawToken(contextOf(deps, request), { tenant, id, isSecret: true });
          if (revoked) await records.carryToken(revoked);
        }
        return { status: 204 };
      },
    }),
    route({
      method: 'POST',
      path: '/tenants/{tenant}/clients/{id}/regenerate',
      summary: 'Makes a new secret for a client; the previous one is invalid at once, or after an overlap',
      body: RegenerateForm,
      answers: { 201: NewClientForm },
      handle: async (request) => {
        const { _id: tenant } = await standingTenantOf(deps, request);
        const { overlapHours, expiresInDays: days } = request.body;
        // By the client's id it is the newest secret that is replaced.
        const newest = (await named(tenant, part(request, 'id'))).at(-1);
        if (!newest) throw noClient();
        const old = { tenant, id: newest._id, isSecret: true };
        const made = await regenerateToken(contextOf(deps, request), old, { overlap_ms: overlapHours * HOUR_MS, days });
        if (!made) throw noClient();
        await records.carryToken(made.replaced);
        await records.carryToken(made.stored);
        return { status: 201, secret: true, body: shown(made) };
      },
    }),
  ];

  /** A client that was revoked may be revoked again: its secrets are carried to Redis once more. */
  async function wasClient(tenant: string, client: string): Promise<boolean> {
    const revoked = await mongo.collection('tokens').find({ tenant, client }).toArray();
    for (const secret of revoked) await records.carryToken(secret);
    return revoked.length > 0;
  }
}

const noClient = () => new Problem(404, 'this tenant has no such client');
