import { etag, etagMatches, ScimError } from '@rollcall/scim';
import type { Reader } from '@rollcall/store';
import type { Handler } from '../exchange.js';
import { resourceResponse } from '../respond/representation.js';
import { parseId } from '../validate/path.js';
import { parseSelection } from '../validate/query.js';

/** GET /Users/{id} (RFC 7644 §3.4.1): 200 with what was last accepted; 304 where the client has it; 404, for another tenant's exactly as for none. */
export const getUser =
  ({ reader }: { reader: Pick<Reader, 'view' | 'resource'> }) =>
  (idInPath: string): Handler =>
  async (request, { tenant }) => {
    const selection = parseSelection(request.query);
    const id = parseId('User', idInPath);
    const found = await reader.resource(await reader.view(tenant, 'read'), id);
    if (!found || found.resource.deleted || found.resource.type !== 'User') throw new ScimError(404, undefined, `User ${id} not found`);
    const known = request.header('if-none-match');
    if (known !== undefined && etagMatches(known, found.version))
      return { status: 304, headers: { ETag: etag(found.version) }, about: { tenant, id, version: found.version } };
    return resourceResponse(200, found, { request, tenant, selection });
  };
