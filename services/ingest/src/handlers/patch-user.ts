import type { Handler } from '../exchange.js';
import { resourceResponse } from '../respond/representation.js';
import { parseChange } from '../validate/body.js';
import { parseSelection } from '../validate/query.js';
import type { Execute } from './execute.js';

/** PATCH /Users/{id} (RFC 7644 §3.5.2): all of it or nothing; 200 with the resource, of the same version where nothing changed; 404; 409; 412. */
export const patchUser =
  ({ execute }: { execute: Execute }) =>
  (id: string): Handler =>
  async (request, caller) => {
    const selection = parseSelection(request.query);
    const command = await parseChange(request, id);
    const { versioned } = await execute(caller, command, request.id);
    return resourceResponse(200, versioned, { request, tenant: caller.tenant, selection });
  };
