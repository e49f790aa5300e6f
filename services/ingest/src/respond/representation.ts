import { type Versioned, withActive } from '@rollcall/directory';
import { etag, GROUP, type JsonObject, locationOf, project, type Selection, toResource, USER } from '@rollcall/scim';
import type { ScimRequest, ScimResponse } from '../exchange.js';

/** A resource as the client asked to see it. */
export function represent({ resource, version, modified_ms }: Versioned, baseUrl: string, selection: Selection): JsonObject {
  const type = typeOf(resource.type);
  const whole = toResource(type, {
    id: resource.id,
    attributes: withActive(resource),
    version,
    created: resource.created,
    lastModified: new Date(modified_ms).toISOString(),
    baseUrl,
  });
  return project(type, whole, selection);
}

/** 200 or 201 with the resource, its ETag and, where it is new, its Location (RFC 7644 §3.3, §3.14). */
export function resourceResponse(
  status: 200 | 201,
  versioned: Versioned,
  { request, tenant, selection }: { request: ScimRequest; tenant: string; selection: Selection },
): ScimResponse {
  const { resource, version } = versioned;
  return {
    status,
    headers: {
      ETag: etag(version),
      ...(status === 201 ? { Location: locationOf(typeOf(resource.type), resource.id, request.baseUrl) } : {}),
    },
    body: represent(versioned, request.baseUrl, selection),
    about: { tenant, id: resource.id, version },
  };
}

const typeOf = (type: 'User' | 'Group') => (type === 'User' ? USER : GROUP);
