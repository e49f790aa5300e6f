// /admin/v1/openapi.json: what the routes declare, as OpenAPI 3.1.
import { z } from 'zod';
import { type AdminRoute, route } from './route.js';

/** The description of these routes, and of the one that shows it. */
export function openApiRoute(routes: readonly AdminRoute[]): AdminRoute {
  let made: object | undefined;
  const self: AdminRoute = route({
    method: 'GET',
    path: '/openapi.json',
    summary: 'This description',
    answers: { 200: z.looseObject({}) },
    handle: async () => {
      made ??= describe([...routes, self]);
      return { status: 200, body: made };
    },
  });
  return self;
}

function describe(routes: readonly AdminRoute[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of routes) paths[each.path] = { ...paths[each.path], [each.method.toLowerCase()]: operation(each) };
  return {
    openapi: '3.1.0',
    info: {
      title: 'rollcall admin API',
      version: '1',
      description: 'On the worker’s operations port. Errors are problem+json (RFC 9457).',
    },
    servers: [{ url: '/admin/v1' }],
    security: [{ operator: [] }],
    paths,
    components: {
      securitySchemes: { operator: { type: 'http', scheme: 'bearer', description: 'an operator’s token' } },
      schemas: { Problem: PROBLEM },
      responses: { Problem: { description: 'what went wrong', content: { 'application/problem+json': { schema: ref('Problem') } } } },
    },
  };
}

function operation({ method, path, summary, query, body, bodyType, answers }: AdminRoute): object {
  const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const headers =
    method === 'POST'
      ? [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: false,
            schema: { type: 'string', maxLength: 255 },
            description: 'a request that is repeated under its key is done once; kept for 24 h',
          },
        ]
      : [];
  const optional = body?.safeParse({}).success ?? true;
  const content =
    bodyType !== undefined
      ? { [bodyType]: { schema: { type: 'string' } } }
      : body && { 'application/json': { schema: jsonSchema(body, 'input') } };
  return {
    operationId: operationId(method, path),
    summary,
    parameters: [...parts, ...queryParameters(query), ...headers],
    ...(content ? { requestBody: { required: !optional, content } } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, form]) => [
          status,
          { description: summary, ...(form ? { content: { 'application/json': { schema: jsonSchema(form, 'output') } } } : {}) },
        ]),
      ),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function queryParameters(query: z.ZodType | undefined): object[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  // OpenAPI 3.1's dialect is this one; each schema stands by itself.
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any', reused: 'inline' });
  return rest;
}

const operationId = (method: string, path: string): string =>
  method.toLowerCase() +
  path
    .split(/[^A-Za-z]+/)
    .filter(Boolean)
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('');

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

const PROBLEM = {
  type: 'object',
  required: ['title', 'status', 'detail'],
  properties: { title: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' } },
};
