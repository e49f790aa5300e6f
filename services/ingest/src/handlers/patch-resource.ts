import type { ResourceTypeName } from '@rollcall/directory';
import type { Handler } from '../exchange.js';
import { answering } from '../respond/answering.js';
import { parseChange } from '../validate/body.js';
import { parseSelection } from '../validate/query.js';
import type { WriteDeps } from './create-resource.js';

/**
 * PATCH /Users/{id}, PATCH /Groups/{id} (RFC 7644 §3.5.2): all of it or nothing; 200 with the resource, of the same version where nothing changed;
 * 204 for a group with many members, unless attributes are asked for; 404; 409; 412.
 */
export const patchResource =
  (type: ResourceTypeName, { execute, show }: WriteDeps) =>
  (id: string): Handler =>
  async (request, caller) => {
    const query = parseSelection(request.query);
    const asked = await parseChange(type, request, id);
    const { versioned, view, types, command, ignored } = await execute(caller, asked, request.id);
    const selection = answering(query, command, types);
    const answer = (await show.isLarge(view, versioned, selection))
      ? show.nothing(view, versioned)
      : await show.resource(200, view, versioned, { request, types, selection, isCommitted: true });
    return { ...answer, ignored };
  };
