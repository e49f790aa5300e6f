import { quote, resourceType, resourceTypes, ScimError } from '@rollcall/scim';
import { document } from './discovery.js';
import { served, type TypesDeps } from './types.js';

/** GET /ResourceTypes (RFC 7643 §6). */
export const getResourceTypes = (deps: TypesDeps) => document(({ baseUrl }) => resourceTypes(served(deps), baseUrl));

/** GET /ResourceTypes/{name}. */
export const getResourceType = (deps: TypesDeps) => (name: string) =>
  document(({ baseUrl }) => {
    const type = served(deps).find((each) => each.name === name);
    if (!type) throw new ScimError(404, undefined, `ResourceType ${quote(name)} not found`);
    return resourceType(type, baseUrl);
  });
