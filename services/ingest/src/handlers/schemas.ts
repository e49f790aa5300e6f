import { quote, ScimError, schema, schemas, schemasOf } from '@rollcall/scim';
import { document } from './discovery.js';
import { served, type TypesDeps } from './types.js';

/** GET /Schemas (RFC 7643 §7). */
export const getSchemas = (deps: TypesDeps) => document(async ({ baseUrl }, caller) => schemas(await served(deps, caller), baseUrl));

/** GET /Schemas/{urn}. URNs of schemas are compared without regard to case. */
export const getSchema = (deps: TypesDeps) => (urn: string) =>
  document(async ({ baseUrl }, caller) => {
    const found = schemasOf(await served(deps, caller)).find(({ id }) => id.toLowerCase() === urn.toLowerCase());
    if (!found) throw new ScimError(404, undefined, `Schema ${quote(urn)} not found`);
    return schema(found, baseUrl);
  });
