// …/accounts/{id}/separate: says that an account is not a person who comes.
import { z } from 'zod';
import { AccountForm, type AccountRouteDeps, plainly } from './accounts.js';
import { part, standingTenantOf } from './context.js';
import { type AdminRoute, route } from './route.js';

const SeparateForm = z
  .strictObject({ userName: z.string().min(1).max(1_024).optional(), externalId: z.string().min(1).max(1_024).optional() })
  .refine(({ userName, externalId }) => (userName === undefined) !== (externalId === undefined), 'expected one of userName and externalId');

export const separateRoute = ({ accounts, now, mongo }: AccountRouteDeps): AdminRoute =>
  route({
    method: 'POST',
    path: '/tenants/{tenant}/accounts/{id}/separate',
    summary:
      'Says that this account is not the person who comes under a userName or externalId: the person gets an account of their own, also where this one is preserved',
    body: SeparateForm,
    answers: { 200: AccountForm },
    handle: async (request) => {
      const { userName, externalId } = request.body;
      const person = { ...(userName === undefined ? {} : { userName }), ...(externalId === undefined ? {} : { externalId }) };
      const tenant = await standingTenantOf({ mongo }, request);
      const command = { kind: 'separate', type: 'User', id: part(request, 'id'), ...person } as const;
      const asked = { by: request.operator.id, requestId: request.requestId, now: now() };
      const account = await plainly(accounts.run(tenant._id, command, asked));
      return { status: 200, body: account, headers: { ETag: `W/"${account.version}"` }, account: { tenant: tenant._id, id: account.id } };
    },
  });
