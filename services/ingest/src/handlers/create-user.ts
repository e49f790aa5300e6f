import type { Handler } from '../exchange.js';
import { resourceResponse } from '../respond/representation.js';
import { parseCreate } from '../validate/body.js';
import { parseSelection } from '../validate/query.js';
import type { Execute } from './execute.js';

/**
 * POST /Users (RFC 7644 §3.3): 201 with the resource, also where the person was known and is revived or adopted; 409 `uniqueness`;
 * 503 + Retry-After while Redis is away.
 */
export const createUser =
  ({ execute }: { execute: Execute }): Handler =>
  async (request, caller) => {
    const selection = parseSelection(request.query);
    const command = await parseCreate(request);
    const { versioned } = await execute(caller, command, request.id);
    return resourceResponse(201, versioned, { request, tenant: caller.tenant, selection });
  };
