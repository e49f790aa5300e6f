import type { ResourceTypeName } from '@rollcall/directory';
import type { Handler } from '../exchange.js';
import { parseDelete } from '../validate/body.js';
import type { Execute } from './execute.js';

/** DELETE /Users/{id}, DELETE /Groups/{id} (RFC 7644 §3.6): 204, then 404 and not listed. The account behind a user is preserved. */
export const deleteResource =
  (type: ResourceTypeName, { execute }: { readonly execute: Execute }) =>
  (id: string): Handler =>
  async (request, caller) => {
    const asked = parseDelete(type, request, id);
    const { versioned } = await execute(caller, asked, request.id);
    return { status: 204, about: { tenant: caller.tenant, id: versioned.resource.id, version: versioned.version } };
  };
