import type { ResourceTypeName } from '@rollcall/directory';
import type { Handler } from '../exchange.js';
import { answering } from '../respond/answering.js';
import { parseReplace } from '../validate/body.js';
import { parseSelection } from '../validate/query.js';
import type { WriteDeps } from './create-resource.js';

/** PUT /Users/{id}, PUT /Groups/{id} (RFC 7644 §3.5.1): 200 with the resource, of the same version where nothing changed; 404; 409 `uniqueness`; 412. */
export const replaceResource =
  (type: ResourceTypeName, { execute, show }: WriteDeps) =>
  (id: string): Handler =>
  async (request, caller) => {
    const query = parseSelection(request.query);
    const asked = await parseReplace(type, request, id);
    const { versioned, view, types, command, ignored } = await execute(caller, asked, request.id);
    const selection = answering(query, command, types);
    return { ...(await show.resource(200, view, versioned, { request, types, selection, isCommitted: true })), ignored };
  };
