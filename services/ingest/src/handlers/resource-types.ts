import { quote, resourceType, resourceTypes, ScimError } from '@rollcall/scim';
import { document } from './discovery.js';
import { served, type TypesDeps } from './types.js';

/** GET /ResourceTypes (RFC 7643 §6). */
export const getResourceTypes = (deps: TypesDeps) =>
  document(async ({ baseUrl }, caller) => resourceTypes(await served(deps, caller), baseUrl));

/** GET /ResourceTypes/{name}, in any case. */
export const getResourceType = (deps: TypesDeps) => (name: string) =>
  document(async ({ baseUrl }, caller) => {
    const type = (await served(deps, caller)).find((each) => each.name.toLowerCase() === name.toLowerCase());
    if (!type) throw new ScimError(404, undefined, `ResourceType ${quote(name)} not found`);
    return resourceType(type, baseUrl);
  });
