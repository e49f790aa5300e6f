// /admin/v1/operators: who else may sign in to this port.
import { createOperator, listOperators, removeOperator } from '@rollcall/tenancy';
import { z } from 'zod';
import { Problem } from '../problem.js';
import { type AdminDeps, contextOf, part } from './context.js';
import { type AdminRoute, listOf, route, Time } from './route.js';

const Role = z.enum(['viewer', 'operator']);
const OperatorForm = z
  .object({ id: z.string(), name: z.string(), role: Role, prefix: z.string(), createdAt: Time })
  .meta({ id: 'Operator' });

type Stored = Awaited<ReturnType<typeof listOperators>>[number];
const operatorForm = ({ _id, name, role, prefix, createdAt }: Stored) => ({
  id: _id,
  name,
  role,
  prefix,
  createdAt: createdAt.toISOString(),
});

export function operatorRoutes(deps: AdminDeps): AdminRoute[] {
  return [
    route({
      method: 'POST',
      path: '/operators',
      summary: 'Makes an operator, or a viewer; the token is shown this once',
      body: z.strictObject({ name: z.string().trim().min(1).max(200), role: Role }),
      answers: { 201: OperatorForm.extend({ token: z.string().describe('shown this once, kept nowhere') }) },
      handle: async (request) => {
        const { stored, token } = await createOperator(contextOf(deps, request), request.body);
        return { status: 201, secret: true, body: { ...operatorForm(stored), token } };
      },
    }),
    route({
      method: 'GET',
      path: '/operators',
      summary: 'Lists operators; the first one, whose token is in the settings, is not among them',
      answers: { 200: listOf(OperatorForm) },
      handle: async () => ({ status: 200, body: { items: (await listOperators(deps.mongo)).map(operatorForm) } }),
    }),
    route({
      method: 'DELETE',
      path: '/operators/{id}',
      summary: 'Removes an operator: token and sessions end at once',
      answers: { 204: null },
      handle: async (request) => {
        if (!(await removeOperator(contextOf(deps, request), part(request, 'id')))) throw new Problem(404, 'there is no such operator');
        return { status: 204 };
      },
    }),
  ];
}
