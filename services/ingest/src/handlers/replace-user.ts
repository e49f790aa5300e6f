import type { Handler } from '../exchange.js';
import { resourceResponse } from '../respond/representation.js';
import { parseReplace } from '../validate/body.js';
import { parseSelection } from '../validate/query.js';
import type { Execute } from './execute.js';

/** PUT /Users/{id} (RFC 7644 §3.5.1): 200 with the resource, of the same version where nothing changed; 404; 409 `uniqueness`; 412. */
export const replaceUser =
  ({ execute }: { execute: Execute }) =>
  (id: string): Handler =>
  async (request, caller) => {
    const selection = parseSelection(request.query);
    const command = await parseReplace(request, id);
    const { versioned } = await execute(caller, command, request.id);
    return resourceResponse(200, versioned, { request, tenant: caller.tenant, selection });
  };
