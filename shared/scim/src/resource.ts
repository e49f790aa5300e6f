/** A resource as clients see it (RFC 7643 §3). */
import { etag } from './etag.js';
import type { JsonObject, JsonValue } from './json.js';
import type { ResourceTypeDefinition } from './schema/definition.js';
import { LIST_RESPONSE_URN } from './urns.js';

export interface ResourceParts {
  readonly id: string;
  /** Canonical, as `validateResource` makes them, with computed ones (`groups`, `members`) added. */
  readonly attributes: JsonObject;
  readonly version: number;
  /** Instants as ISO 8601 text. */
  readonly created: string;
  readonly lastModified: string;
  readonly baseUrl: string;
}

/** The full representation; `schemas` names the core schema and each extension that has values. */
export function toResource(
  type: ResourceTypeDefinition,
  { id, attributes, version, created, lastModified, baseUrl }: ResourceParts,
): JsonObject {
  const schemas = [type.schema.id];
  for (const { schema } of type.extensions) if (attributes[schema.id] !== undefined) schemas.push(schema.id);
  return {
    schemas,
    id,
    ...attributes,
    meta: { resourceType: type.name, created, lastModified, location: locationOf(type, id, baseUrl), version: etag(version) },
  };
}

/** Where the resource is, for `meta.location` and the `Location` header. */
export function locationOf(type: ResourceTypeDefinition, id: string, baseUrl: string): string {
  return `${withoutSlash(baseUrl)}${type.endpoint}/${encodeURIComponent(id)}`;
}

export function withoutSlash(url: string): string {
  return url.endsWith('/') ? url.slice(0, -1) : url;
}

export interface ListParts {
  readonly totalResults: number;
  readonly startIndex?: number;
  readonly itemsPerPage?: number;
  /** RFC 9865: where the pages before and after begin. */
  readonly previousCursor?: string;
  readonly nextCursor?: string;
}

/** A list of resources (RFC 7644 §3.4.2). */
export function listResponse(resources: readonly JsonObject[], parts: ListParts): JsonObject {
  const { totalResults, startIndex, itemsPerPage = resources.length, previousCursor, nextCursor } = parts;
  const response: JsonObject = { schemas: [LIST_RESPONSE_URN], totalResults };
  const optional: Record<string, JsonValue | undefined> = { startIndex, itemsPerPage, previousCursor, nextCursor };
  for (const [key, value] of Object.entries(optional)) if (value !== undefined) response[key] = value;
  response.Resources = [...resources];
  return response;
}
