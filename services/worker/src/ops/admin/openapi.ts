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
  const schemas: Record<string, unknown> = { Problem: PROBLEM };
  const paths: Record<string, Record<string, object>> = {};
  for (const each of routes) paths[each.path] = { ...paths[each.path], [each.method.toLowerCase()]: operation(each, schemas) };
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
      schemas,
      responses: { Problem: { description: 'what went wrong', content: { 'application/problem+json': { schema: ref('Problem') } } } },
    },
  };
}

/** @param schemas where forms with a name are put */
function operation({ method, path, summary, query, body, bodyType, answers }: AdminRoute, schemas: Record<string, unknown>): object {
  const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  const content =
    bodyType !== undefined
      ? { [bodyType]: { schema: { type: 'string' } } }
      : body && { 'application/json': { schema: jsonSchema(body, 'input', schemas) } };
  const optional = bodyType === undefined && (body?.safeParse({}).success ?? true);
  return {
    operationId: operationId(method, path),
    summary,
    parameters: [...parts, ...queryParameters(query), ...(method === 'POST' ? [IDEMPOTENCY_KEY] : [])],
    ...(content ? { requestBody: { required: !optional, content } } : {}),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, form]) => [
          status,
          { description: summary, ...(form ? { content: { 'application/json': { schema: jsonSchema(form, 'output', schemas) } } } : {}) },
        ]),
      ),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function queryParameters(query: z.ZodType | undefined): object[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(query, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: required.includes(name), schema }));
}

/** OpenAPI 3.1's dialect is the one that zod writes; only named forms lie elsewhere. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', schemas: Record<string, unknown>): unknown {
  const {
    $schema: _,
    $defs = {},
    ...rest
  } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any', reused: 'inline' });
  for (const [name, form] of Object.entries($defs)) schemas[name] ??= moved(form);
  return moved(rest);
}

/** The same, with references to where OpenAPI keeps named forms, and without the names themselves. */
function moved(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(moved);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).filter(([key, value]) => key !== 'id' || typeof value !== 'string');
  return Object.fromEntries(
    members.map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' ? value.replace('#/$defs/', '#/components/schemas/') : moved(value),
    ]),
  );
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

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  schema: { type: 'string', minLength: 1, maxLength: 255 },
  description: 'a request that is repeated under its key is done once; kept for 24 h',
};
