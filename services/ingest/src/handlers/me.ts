import { locationOf, ScimError, USER } from '@rollcall/scim';
import type { Handler } from '../exchange.js';
import { pick } from '../pick.js';
import { errorResponse } from '../respond/errors.js';

/** How a user is answered for, by method and id. */
export type UserMethods = Readonly<Partial<Record<string, (id: string) => Handler>>>;

/**
 * /Me (RFC 7644 §3.11): the user whom the token stands for, as under /Users/{id}; whatever is answered says in `Location` where that is.
 * 501 for a token that is a tenant's identity provider, and nobody's own; 405 for POST, as the user is there already.
 */
export const me =
  (users: UserMethods): Handler =>
  async (request, caller) => {
    if (caller.user === undefined) throw new ScimError(501, undefined, '/Me: this token stands for a tenant, not for a person');
    const { user, tenant } = caller;
    const answer = async () => pick(users, request)(user)(request, caller);
    const answered = await answer().catch((error: unknown) => ({ about: { tenant }, ...errorResponse(error, request.id) }));
    return { ...answered, headers: { ...answered.headers, Location: locationOf(USER, user, request.baseUrl) } };
  };
