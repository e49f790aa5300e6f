import { quote, ScimError, schema, schemas, schemasOf } from '@rollcall/scim';
import { document } from './discovery.js';
import { RESOURCE_TYPES } from './types.js';

/** GET /Schemas (RFC 7643 §7). */
export const getSchemas = document(({ baseUrl }) => schemas(RESOURCE_TYPES, baseUrl));

/** GET /Schemas/{urn}. URNs of schemas are compared without regard to case. */
export const getSchema = (urn: string) =>
  document(({ baseUrl }) => {
    const found = schemasOf(RESOURCE_TYPES).find(({ id }) => id.toLowerCase() === urn.toLowerCase());
    if (!found) throw new ScimError(404, undefined, `Schema ${quote(urn)} not found`);
    return schema(found, baseUrl);
  });
