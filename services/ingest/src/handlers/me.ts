import { ScimError } from '@rollcall/scim';
import type { Handler } from '../exchange.js';

/** /Me (RFC 7644 §3.11): 501, as a token is a tenant's identity provider, and nobody's own. */
export const me: Handler = async () => {
  throw new ScimError(501, undefined, '/Me: a token stands for a tenant, not for a person');
};
