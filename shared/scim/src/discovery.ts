/**
 * What the service says about itself (RFC 7643 §5–7, RFC 7644 §4, RFC 9865 §4), made of the tables, so that it is true.
 * No member is added that the RFCs don't know.
 */
import type { JsonObject } from './json.js';
import { listResponse, withoutSlash } from './resource.js';
import type { AttributeDefinition, ResourceTypeDefinition, SchemaDefinition } from './schema/definition.js';
import { RESOURCE_TYPE_URN, SCHEMA_URN, SERVICE_PROVIDER_CONFIG_URN } from './urns.js';

export interface AuthenticationScheme {
  readonly type: 'oauthbearertoken' | 'oauth2' | 'oauth' | 'httpbasic' | 'httpdigest';
  readonly name: string;
  readonly description: string;
  readonly specUri?: string;
  readonly documentationUri?: string;
  readonly primary?: boolean;
}

/** What is supported; what is left out is not. */
export interface ServiceOptions {
  readonly baseUrl: string;
  readonly documentationUri?: string;
  readonly patch?: boolean;
  readonly bulk?: { readonly maxOperations: number; readonly maxPayloadSize: number };
  readonly filter?: { readonly maxResults: number };
  readonly sort?: boolean;
  readonly etag?: boolean;
  readonly pagination?: {
    readonly cursor: boolean;
    readonly index: boolean;
    readonly defaultPaginationMethod?: 'cursor' | 'index';
    readonly defaultPageSize?: number;
    readonly maxPageSize?: number;
    /** Seconds for which a cursor is good. */
    readonly cursorTimeout?: number;
  };
  readonly authenticationSchemes?: readonly AuthenticationScheme[];
}

export const BEARER_TOKEN_SCHEME: AuthenticationScheme = {
  type: 'oauthbearertoken',
  name: 'OAuth Bearer Token',
  description: 'Authentication by a bearer token of the tenant',
  specUri: 'https://www.rfc-editor.org/info/rfc6750',
  primary: true,
};

/** `/ServiceProviderConfig` (RFC 7643 §5). */
export function serviceProviderConfig(options: ServiceOptions): JsonObject {
  const { bulk, filter, pagination, authenticationSchemes = [BEARER_TOKEN_SCHEME] } = options;
  return {
    schemas: [SERVICE_PROVIDER_CONFIG_URN],
    ...(options.documentationUri === undefined ? {} : { documentationUri: options.documentationUri }),
    patch: { supported: options.patch ?? true },
    bulk: { supported: bulk !== undefined, maxOperations: bulk?.maxOperations ?? 0, maxPayloadSize: bulk?.maxPayloadSize ?? 0 },
    filter: { supported: filter !== undefined, maxResults: filter?.maxResults ?? 0 },
    changePassword: { supported: false },
    sort: { supported: options.sort ?? false },
    etag: { supported: options.etag ?? false },
    ...(pagination === undefined ? {} : { pagination: { ...pagination } }),
    authenticationSchemes: authenticationSchemes.map((scheme) => ({ ...scheme })),
    meta: { resourceType: 'ServiceProviderConfig', location: `${withoutSlash(options.baseUrl)}/ServiceProviderConfig` },
  };
}

/** `/ResourceTypes` (RFC 7643 §6), as a list. */
export function resourceTypes(types: readonly ResourceTypeDefinition[], baseUrl: string): JsonObject {
  return whole(types.map((type) => resourceType(type, baseUrl)));
}

/** `/ResourceTypes/{name}`. */
export function resourceType(type: ResourceTypeDefinition, baseUrl: string): JsonObject {
  return {
    schemas: [RESOURCE_TYPE_URN],
    id: type.name,
    name: type.name,
    description: type.description,
    endpoint: type.endpoint,
    schema: type.schema.id,
    schemaExtensions: type.extensions.map(({ schema: { id }, required }) => ({ schema: id, required })),
    meta: { resourceType: 'ResourceType', location: `${withoutSlash(baseUrl)}/ResourceTypes/${type.name}` },
  };
}

/** Each schema of these resource types once, in their order. */
export function schemasOf(types: readonly ResourceTypeDefinition[]): SchemaDefinition[] {
  const all = types.flatMap((type) => [type.schema, ...type.extensions.map(({ schema: extension }) => extension)]);
  return [...new Map(all.map((each) => [each.id, each])).values()];
}

/** `/Schemas` (RFC 7643 §7), as a list. */
export function schemas(types: readonly ResourceTypeDefinition[], baseUrl: string): JsonObject {
  return whole(schemasOf(types).map((each) => schema(each, baseUrl)));
}

/** `/Schemas/{urn}`. */
export function schema({ id, name, description, attributes }: SchemaDefinition, baseUrl: string): JsonObject {
  return {
    schemas: [SCHEMA_URN],
    id,
    name,
    description,
    attributes: attributes.map(announce),
    meta: { resourceType: 'Schema', location: `${withoutSlash(baseUrl)}/Schemas/${id}` },
  };
}

function whole(resources: JsonObject[]): JsonObject {
  return listResponse(resources, { totalResults: resources.length, startIndex: 1, itemsPerPage: resources.length });
}

/** An attribute's characteristics. caseExact says nothing of a boolean, a number, a date or a complex value, and is left out there. */
function announce(attribute: AttributeDefinition): JsonObject {
  const { name, type, subAttributes, multiValued, description, required, canonicalValues, mutability, returned, referenceTypes } =
    attribute;
  const textual = type === 'string' || type === 'reference' || type === 'binary';
  return {
    name,
    type,
    ...(subAttributes === undefined ? {} : { subAttributes: subAttributes.filter(({ neverSet }) => !neverSet).map(announce) }),
    multiValued,
    description,
    required,
    ...(canonicalValues === undefined ? {} : { canonicalValues: [...canonicalValues] }),
    ...(textual ? { caseExact: attribute.caseExact } : {}),
    mutability,
    returned,
    uniqueness: attribute.uniqueness,
    ...(referenceTypes === undefined ? {} : { referenceTypes: [...referenceTypes] }),
  };
}
