import { ScimError } from '@rollcall/scim';
import type { Handler, ScimRequest } from '../exchange.js';

/** An answer made of the schema tables alone. A filter on it is 403 (RFC 7644 §4). */
export const document =
  (make: (request: ScimRequest) => NonNullable<Awaited<ReturnType<Handler>>['body']>): Handler =>
  async (request, { tenant }) => {
    if (request.query.has('filter')) throw new ScimError(403, undefined, 'filter: what the service says about itself is not filtered');
    return { status: 200, body: make(request), about: { tenant } };
  };
