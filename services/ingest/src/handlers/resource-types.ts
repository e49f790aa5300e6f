import { quote, resourceType, resourceTypes, ScimError } from '@rollcall/scim';
import { document } from './discovery.js';
import { RESOURCE_TYPES } from './types.js';

/** GET /ResourceTypes (RFC 7643 §6). */
export const getResourceTypes = document(({ baseUrl }) => resourceTypes(RESOURCE_TYPES, baseUrl));

/** GET /ResourceTypes/{name}. */
export const getResourceType = (name: string) =>
  document(({ baseUrl }) => {
    const type = RESOURCE_TYPES.find((each) => each.name === name);
    if (!type) throw new ScimError(404, undefined, `ResourceType ${quote(name)} not found`);
    return resourceType(type, baseUrl);
  });
