/** What the service takes and answers, as an OpenAPI 3.1 document, made of the tables that it runs by. */

import { SCIM_TYPES } from './errors.js';
import type { JsonObject } from './json.js';
import { withoutSlash } from './resource.js';
import type { AttributeDefinition, ResourceTypeDefinition } from './schema/definition.js';
import { USER } from './schema/user.js';
import { BULK_REQUEST_URN, BULK_RESPONSE_URN, ERROR_URN, LIST_RESPONSE_URN, PATCH_OP_URN, SEARCH_REQUEST_URN } from './urns.js';

export interface OpenApiOptions {
  readonly baseUrl: string;
  /** Of the service. */
  readonly version: string;
  /** Whether /Me is there: the token stands for a user. */
  readonly me?: boolean;
  readonly page: { readonly count: number; readonly max: number };
  readonly bulk: { readonly operationsMax: number; readonly payloadBytesMax: number };
}

/** All paths, parameters, bodies, answers and errors. Schemas of resources come from the same tables as `/Schemas`. */
export function openapi(types: readonly ResourceTypeDefinition[], options: OpenApiOptions): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'rollcall',
      summary: 'SCIM 2.0 provisioning (RFC 7643, RFC 7644, RFC 9865)',
      description:
        'A token belongs to one tenant and decides which one a request is for. Whatever was answered with 2xx is kept. 429 and 503 name the time after which to try again.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      version: options.version,
    },
    servers: [{ url: withoutSlash(options.baseUrl) }],
    security: [{ bearer: [] }],
    tags: [...types.map(({ endpoint, description }) => ({ name: endpoint.slice(1), description })), ...TAGS],
    paths: {
      ...Object.assign({}, ...types.map((type) => resourcePaths(type))),
      '/.search': { post: searchOf('all', 'Searches all resource types together, in one order', 'Search', ref('AnyList')) },
      '/Bulk': { post: bulkOperation(options.bulk) },
      '/Me': options.me
        ? mePath(types)
        : Object.fromEntries(['get', 'post', 'put', 'patch', 'delete'].map((method) => [method, notImplemented(method)])),
      ...discoveryPaths(),
    },
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: "A token of the tenant's (RFC 6750). The scheme's name is taken in any case.",
        },
      },
      parameters: parameters(options.page),
      headers: HEADERS,
      responses: Object.fromEntries(ERRORS.map(([status, , description]) => [`Error${status}`, errorResponseOf(status, description)])),
      schemas: { ...Object.assign({}, ...types.map(resourceSchemas)), ...messages(types, options.bulk) },
    },
  };
}

function resourcePaths(type: ResourceTypeDefinition): JsonObject {
  const { name, endpoint } = type;
  const tag = endpoint.slice(1);
  const shown = [parameter('attributes'), parameter('excludedAttributes')];
  const one = ok(`The ${name}, as it is now`, name, { ETag: header('ETag') });
  const large =
    name === 'Group' ? { '204': { description: 'Done; the group is too large to be shown', headers: { ETag: header('ETag') } } } : {};
  return {
    [endpoint]: {
      get: {
        ...about(`list${tag}`, tag, `Lists those that match, on pages`),
        parameters: [...shown, ...['filter', 'sortBy', 'sortOrder', 'startIndex', 'count', 'cursor'].map(parameter)],
        responses: { '200': ok('A page', `${name}List`), ...errors(400) },
      },
      post: {
        ...about(`create${name}`, tag, 'Creates one, or takes up one that was known before'),
        parameters: shown,
        requestBody: body(`${name}Input`),
        responses: {
          '201': ok('What was made', name, { ETag: header('ETag'), Location: header('Location') }),
          ...errors(400, 403, 409, 413, 415),
        },
      },
    },
    [`${endpoint}/.search`]: { post: searchOf(tag, 'The same as a list, asked for by a body', tag, ref(`${name}List`)) },
    [`${endpoint}/{id}`]: {
      parameters: [parameter('id')],
      get: {
        ...about(`get${name}`, tag, 'Shows one'),
        parameters: [...shown, parameter('If-Match'), parameter('If-None-Match')],
        responses: { '200': one, '304': { description: 'The client has it', headers: { ETag: header('ETag') } }, ...errors(400, 404, 412) },
      },
      put: {
        ...about(`replace${name}`, tag, 'Replaces what a client may set'),
        parameters: [...shown, parameter('If-Match')],
        requestBody: body(`${name}Input`),
        responses: { '200': one, ...errors(400, 403, 404, 409, 412, 413, 415) },
      },
      patch: {
        ...about(`patch${name}`, tag, 'Changes it by operations, all of them or none'),
        parameters: [...shown, parameter('If-Match')],
        requestBody: body('PatchOp'),
        responses: { '200': one, ...large, ...errors(400, 403, 404, 409, 412, 413, 415) },
      },
      delete: {
        ...about(`delete${name}`, tag, 'Deletes it'),
        parameters: [parameter('If-Match')],
        responses: { '204': { description: 'It is gone' }, ...errors(404, 412) },
      },
    },
  };
}

const searchOf = (name: string, summary: string, tag: string, result: JsonObject): JsonObject => ({
  ...about(`search${name === 'all' ? '' : name}`, tag, summary),
  requestBody: body('SearchRequest'),
  responses: { '200': { description: 'A page', content: content(result) }, ...errors(400, 413, 415) },
});

const bulkOperation = ({ operationsMax, payloadBytesMax }: OpenApiOptions['bulk']): JsonObject => ({
  ...about('bulk', 'Bulk', `Carries out up to ${operationsMax} operations, in at most ${payloadBytesMax} bytes`),
  parameters: [parameter('Idempotency-Key')],
  requestBody: body('BulkRequest'),
  responses: { '200': ok('What became of each operation', 'BulkResponse'), ...errors(400, 413, 415, 422) },
});

/** The user whom the token stands for, as under /Users/{id}. */
function mePath(types: readonly ResourceTypeDefinition[]): JsonObject {
  const user = types.find(({ name }) => name === 'User') ?? USER;
  const { parameters: _, ...methods } = resourcePaths(user)[`${user.endpoint}/{id}`] as Record<string, JsonObject>;
  const named = Object.entries(methods).map(([method, operation]) => [method, { ...operation, operationId: `${method}Me`, tags: ['Me'] }]);
  return Object.fromEntries(named);
}

const notImplemented = (method: string): JsonObject => ({
  ...about(`${method}Me`, 'Me', "Not there: a token is a tenant's, and nobody's own"),
  responses: { ...errors(501) },
});

function discoveryPaths(): JsonObject {
  const shown = (id: string, summary: string, result: JsonObject, ...statuses: number[]): JsonObject => ({
    get: {
      ...about(id, 'Discovery', summary),
      responses: { '200': { description: 'What is so', content: content(result) }, ...errors(403, ...statuses) },
    },
  });
  const any = { type: 'object' };
  return {
    '/ServiceProviderConfig': shown('getServiceProviderConfig', 'What is supported (RFC 7643 §5)', any),
    '/ResourceTypes': shown('listResourceTypes', 'The resource types (RFC 7643 §6)', ref('ListResponse')),
    '/ResourceTypes/{id}': { parameters: [parameter('id')], ...shown('getResourceType', 'One resource type, by its name', any, 404) },
    '/Schemas': shown('listSchemas', 'The schemas (RFC 7643 §7)', ref('ListResponse')),
    '/Schemas/{id}': { parameters: [parameter('id')], ...shown('getSchema', 'One schema, by its URN', any, 404) },
    '/openapi.json': {
      get: {
        ...about('getOpenApi', 'Discovery', 'This document'),
        responses: { '200': { description: 'This document', content: { 'application/json': { schema: any } } }, ...errors() },
      },
    },
  };
}

/** A resource as it is answered, and what of it a client may send. */
function resourceSchemas(type: ResourceTypeDefinition): JsonObject {
  const { name, schema, extensions, attributes, defaults } = type;
  const common = attributes.filter((each) => !schema.attributes.some((own) => own.name === each.name));
  const properties = (isTaken: boolean): JsonObject => {
    const shown = isTaken
      ? attributes.filter((each) => each.mutability !== 'readOnly')
      : attributes.filter((each) => each.returned !== 'never');
    const own = Object.fromEntries(shown.map((each) => [each.name, attributeSchema(each)]));
    const more = extensions.map(({ schema: extension }) => [
      extension.id,
      {
        type: 'object',
        description: extension.description,
        properties: Object.fromEntries(extension.attributes.map((each) => [each.name, attributeSchema(each)])),
      },
    ]);
    return { ...own, ...Object.fromEntries(more) };
  };
  const required = schema.attributes.filter(
    (each) => each.required && each.mutability !== 'readOnly' && !Object.hasOwn(defaults, each.name),
  );
  const schemas = attributeSchema(common.find((each) => each.name === 'schemas')!);
  const { readOnly: _, ...named } = schemas;
  return {
    [name]: { type: 'object', description: type.description, properties: properties(false), required: ['schemas', 'id'] },
    [`${name}Input`]: {
      type: 'object',
      description: `${type.description}, as a client sends it. What is read-only may stand in it, and is ignored.`,
      properties: { schemas: named, ...properties(true) },
      required: ['schemas', ...required.map((each) => each.name)],
    },
    [`${name}List`]: listOf(ref(name)),
  };
}

function attributeSchema(attribute: AttributeDefinition): JsonObject {
  const { type, multiValued, description, mutability, maxLength, canonicalValues, subAttributes } = attribute;
  const value: JsonObject =
    subAttributes === undefined
      ? {
          ...PRIMITIVES[type],
          ...(maxLength === undefined ? {} : { maxLength }),
          ...(canonicalValues === undefined ? {} : { examples: [...canonicalValues] }),
        }
      : {
          type: 'object',
          ...membersOf(subAttributes),
          ...requiredOf(subAttributes),
        };
  return {
    ...(description === '' ? {} : { description }),
    ...(multiValued ? { type: 'array', items: value } : value),
    ...(mutability === 'readOnly' ? { readOnly: true } : mutability === 'writeOnly' ? { writeOnly: true } : {}),
  };
}

/** Tools take any member called `$ref` for a reference, so that attribute is described by a pattern, which means the same. */
function membersOf(attributes: readonly AttributeDefinition[]): JsonObject {
  const announced = attributes.filter(({ neverSet }) => !neverSet);
  const described = announced.map((each): [string, JsonObject] => [each.name, attributeSchema(each)]);
  const reference = described.find(([name]) => name === '$ref')?.[1];
  return {
    properties: Object.fromEntries(described.filter(([name]) => name !== '$ref')),
    ...(reference === undefined ? {} : { patternProperties: { '^\\$ref$': reference } }),
  };
}

function requiredOf(attributes: readonly AttributeDefinition[]): JsonObject {
  const required = attributes.filter((each) => each.required && each.mutability !== 'readOnly').map(({ name }) => name);
  return required.length === 0 ? {} : { required };
}

/** Texts may be whatever they are: canonicalValues are no limit, and a reference may be relative. */
const PRIMITIVES: Readonly<Record<AttributeDefinition['type'], JsonObject>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  decimal: { type: 'number' },
  integer: { type: 'integer' },
  dateTime: { type: 'string', format: 'date-time' },
  binary: { type: 'string', contentEncoding: 'base64' },
  reference: { type: 'string', format: 'uri-reference' },
  complex: { type: 'object' },
};

function messages(types: readonly ResourceTypeDefinition[], { operationsMax }: OpenApiOptions['bulk']): JsonObject {
  const text = { type: 'string' };
  const count = { type: 'integer', minimum: 0 };
  const texts = { type: 'array', items: text };
  const anything = { description: 'Of the type that the attribute has' };
  return {
    ListResponse: listOf({ type: 'object' }),
    AnyList: listOf({ oneOf: types.map(({ name }) => ref(name)) }),
    SearchRequest: message(SEARCH_REQUEST_URN, {
      attributes: texts,
      excludedAttributes: texts,
      filter: text,
      sortBy: text,
      sortOrder: { enum: ['ascending', 'descending'] },
      startIndex: { type: 'integer' },
      count,
      cursor: text,
    }),
    PatchOp: message(
      PATCH_OP_URN,
      {
        Operations: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            properties: { op: { enum: ['add', 'remove', 'replace'], description: 'In any case' }, path: text, value: anything },
            required: ['op'],
          },
        },
      },
      ['Operations'],
    ),
    BulkRequest: message(
      BULK_REQUEST_URN,
      {
        failOnErrors: { type: 'integer', minimum: 1 },
        Operations: {
          type: 'array',
          minItems: 1,
          maxItems: operationsMax,
          items: {
            type: 'object',
            properties: {
              method: { enum: ['POST', 'PUT', 'PATCH', 'DELETE'] },
              bulkId: { ...text, description: 'Of a POST; elsewhere in the request `bulkId:` and this stands for the id' },
              version: { ...text, description: 'As in If-Match' },
              path: { ...text, examples: ['/Users', '/Groups/bulkId:g1'] },
              data: { description: 'The body that a request of its own would have' },
            },
            required: ['method', 'path'],
          },
        },
      },
      ['Operations'],
    ),
    BulkResponse: message(
      BULK_RESPONSE_URN,
      {
        Operations: {
          type: 'array',
          items: {
            type: 'object',
            properties: { location: text, method: text, bulkId: text, version: text, status: text, response: ref('Error') },
            required: ['status'],
          },
        },
      },
      ['Operations'],
    ),
    Error: message(
      ERROR_URN,
      { status: { ...text, pattern: '^[45][0-9]{2}$' }, scimType: { enum: Object.keys(SCIM_TYPES) }, detail: text },
      ['status'],
    ),
  };
}

const message = (urn: string, properties: JsonObject, required: string[] = []): JsonObject => ({
  type: 'object',
  properties: { schemas: { type: 'array', items: { type: 'string' }, examples: [[urn]] }, ...properties },
  required: ['schemas', ...required],
});

const listOf = (items: JsonObject): JsonObject =>
  message(
    LIST_RESPONSE_URN,
    {
      totalResults: { type: 'integer', minimum: 0 },
      startIndex: { type: 'integer', minimum: 1 },
      itemsPerPage: { type: 'integer', minimum: 0 },
      nextCursor: { type: 'string' },
      previousCursor: { type: 'string' },
      Resources: { type: 'array', items },
    },
    ['totalResults', 'Resources'],
  );

function parameters({ count, max }: OpenApiOptions['page']): JsonObject {
  const query = (name: string, description: string, schema: JsonObject = { type: 'string' }): [string, JsonObject] => [
    name,
    { name, in: 'query', description, schema },
  ];
  const inHeader = (name: string, description: string): [string, JsonObject] => [
    name,
    { name, in: 'header', description, schema: { type: 'string' } },
  ];
  return Object.fromEntries([
    ['id', { name: 'id', in: 'path', required: true, description: 'As the answer to the creation had it', schema: { type: 'string' } }],
    query('attributes', 'What to show, with commas; excludes excludedAttributes'),
    query('excludedAttributes', 'What not to show, with commas'),
    query('filter', 'RFC 7644 §3.4.2.2'),
    query('sortBy', 'An attribute; members and groups are not sorted by'),
    query('sortOrder', 'In any case', { type: 'string', enum: ['ascending', 'descending'], default: 'ascending' }),
    query('startIndex', 'First resource of the page, from 1 on', { type: 'integer', default: 1 }),
    query('count', `Most resources on the page, and never more than ${max}`, { type: 'integer', default: count, minimum: 0 }),
    query('cursor', 'RFC 9865: empty for the first page, then the nextCursor of the one before; excludes startIndex'),
    inHeader('If-Match', 'The version, or one of several, that the resource must have'),
    inHeader('If-None-Match', 'Versions that the client has'),
    inHeader('Idempotency-Key', 'Of 1 to 255 visible characters: the same request under the same key is done once, and answered as before'),
  ]);
}

const HEADERS: JsonObject = {
  ETag: { description: 'The version, weak', schema: { type: 'string' } },
  Location: { description: 'Where it is', schema: { type: 'string', format: 'uri' } },
  RetryAfter: { description: 'Seconds after which to try again', schema: { type: 'integer', minimum: 1 } },
  Allow: { description: 'The methods that are taken', schema: { type: 'string' } },
  WwwAuthenticate: { description: 'RFC 6750 §3', schema: { type: 'string' } },
};

/** Status, the header that comes with it, and what it means. */
const ERRORS: readonly (readonly [number, readonly [string, string] | undefined, string])[] = [
  [400, undefined, 'Not understood; `scimType` says what'],
  [401, ['WWW-Authenticate', 'WwwAuthenticate'], 'No token, or none that is valid'],
  [403, undefined, 'Understood, and not allowed'],
  [404, undefined, 'There is no such thing'],
  [405, ['Allow', 'Allow'], 'Not by this method'],
  [409, undefined, 'Somebody else has the name, or what is referred to cannot be resolved'],
  [412, undefined, 'The resource has another version'],
  [413, undefined, 'Too large, or too many'],
  [415, undefined, 'Not JSON in UTF-8'],
  [422, undefined, 'Another request was sent under this Idempotency-Key'],
  [429, ['Retry-After', 'RetryAfter'], 'Too much is still to be done, or too many sign-ins failed'],
  [500, undefined, 'A fault of ours'],
  [501, undefined, 'Not implemented'],
  [503, ['Retry-After', 'RetryAfter'], 'Not now; nothing was changed'],
];

function errorResponseOf(status: number, description: string): JsonObject {
  const named = ERRORS.find(([each]) => each === status)?.[1];
  return { description, ...(named ? { headers: { [named[0]]: header(named[1]) } } : {}), content: content(ref('Error')) };
}

/** What any request may be answered, and more. */
const errors = (...statuses: readonly number[]): JsonObject =>
  Object.fromEntries(
    [...new Set([...statuses, 401, 403, 429, 500, 503])]
      .sort((a, b) => a - b)
      .map((status) => [String(status), { $ref: `#/components/responses/Error${status}` }]),
  );

const TAGS: JsonObject[] = [
  { name: 'Search', description: 'Several resource types together' },
  { name: 'Bulk', description: 'Many operations in one request' },
  { name: 'Me', description: 'Whom the token stands for' },
  { name: 'Discovery', description: 'What the service says about itself' },
];

const about = (operationId: string, tag: string, summary: string): JsonObject => ({ operationId, tags: [tag], summary });
const ref = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const parameter = (name: string): JsonObject => ({ $ref: `#/components/parameters/${name}` });
const header = (name: string): JsonObject => ({ $ref: `#/components/headers/${name}` });
const content = (schema: JsonObject): JsonObject => ({ 'application/scim+json': { schema } });
const body = (name: string): JsonObject => ({
  required: true,
  content: { ...content(ref(name)), 'application/json': { schema: ref(name) } },
});
const ok = (description: string, name: string, headers?: JsonObject): JsonObject => ({
  description,
  ...(headers === undefined ? {} : { headers }),
  content: content(ref(name)),
});
