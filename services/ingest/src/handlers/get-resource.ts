import type { ResourceTypeName } from '@rollcall/directory';
import { etag, etagMatches, ScimError } from '@rollcall/scim';
import type { Reader } from '@rollcall/store';
import { within } from '../deadline.js';
import type { Handler } from '../exchange.js';
import type { Show } from '../respond/show.js';
import { parseId } from '../validate/path.js';
import { parseSelection } from '../validate/query.js';
import type { TypesDeps } from './types.js';

export interface GetDeps extends TypesDeps {
  readonly reader: Pick<Reader, 'view' | 'resource'>;
  readonly show: Show;
  /** How long a resource may be read for. */
  readonly deadline_ms: number;
}

/**
 * GET /Users/{id}, GET /Groups/{id} (RFC 7644 §3.4.1): 200 with what was last accepted; 304 where the client has it; 412 where it is at another
 * version than `If-Match` names (RFC 9110 §13.1.1); 404, for another tenant's exactly as for none. What is computed (a user's groups, a group's
 * members) changes without the version, so 304 is answered only without it.
 */
export const getResource =
  (type: ResourceTypeName, { reader, show, types, deadline_ms }: GetDeps) =>
  (idInPath: string): Handler =>
  async (request, caller) => {
    const { tenant } = caller;
    const selection = parseSelection(request.query);
    const id = parseId(type, idInPath);
    const reading = reader.view(tenant, 'read').then(async (view) => ({ view, found: await reader.resource(view, id) }));
    const { view, found } = await within(performance.now() + deadline_ms, reading);
    if (!found || found.resource.deleted || found.resource.type !== type) throw new ScimError(404, undefined, `${type} ${id} not found`);
    const wanted = request.header('if-match');
    if (wanted !== undefined && !etagMatches(wanted, found.version))
      throw new ScimError(412, undefined, `If-Match: the resource is at ${etag(found.version)}`);
    const known = request.header('if-none-match');
    if (known !== undefined && etagMatches(known, found.version) && !show.isComputed(type, selection))
      return { status: 304, headers: { ETag: etag(found.version) }, about: { tenant, id, version: found.version } };
    return show.resource(200, view, found, { request, types: await types(caller), selection });
  };
