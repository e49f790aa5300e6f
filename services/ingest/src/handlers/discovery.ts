import { ScimError } from '@rollcall/scim';
import type { Caller, Handler, ScimRequest, ScimResponse } from '../exchange.js';
import { allOf } from '../validate/query.js';

/** An answer made of the tenant's schema tables alone. A filter on it is 403 (RFC 7644 §4). */
export const document =
  (make: (request: ScimRequest, caller: Caller) => Body | Promise<Body>): Handler =>
  async (request, caller) => {
    if (allOf(request.query, 'filter').length > 0)
      throw new ScimError(403, undefined, 'filter: what the service says about itself is not filtered');
    return { status: 200, body: await make(request, caller), about: { tenant: caller.tenant } };
  };

type Body = NonNullable<ScimResponse['body']>;
