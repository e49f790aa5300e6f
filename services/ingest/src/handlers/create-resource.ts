import type { ResourceTypeName } from '@rollcall/directory';
import type { Handler } from '../exchange.js';
import { answering } from '../respond/answering.js';
import type { Show } from '../respond/show.js';
import { parseCreate } from '../validate/body.js';
import { parseSelection } from '../validate/query.js';
import type { Execute } from './execute.js';

export interface WriteDeps {
  readonly execute: Execute;
  readonly show: Show;
}

/**
 * POST /Users, POST /Groups (RFC 7644 §3.3): 201 with the resource, also where the person was known and is revived or adopted; 409 `uniqueness`;
 * 503 + Retry-After while Redis is away.
 */
export const createResource =
  (type: ResourceTypeName, { execute, show }: WriteDeps): Handler =>
  async (request, caller) => {
    const query = parseSelection(request.query);
    const asked = await parseCreate(type, request);
    const { operation, versioned, view, types, command, ignored } = await execute(caller, asked, request.id);
    const selection = answering(query, command, types);
    // Who was just made is in no group: nothing need be asked.
    const inNoGroup = operation === 'create';
    return { ...(await show.resource(201, view, versioned, { request, types, selection, inNoGroup, isCommitted: true })), ignored };
  };
