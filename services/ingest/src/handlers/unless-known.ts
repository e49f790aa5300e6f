import type { ResourceTypeName } from '@rollcall/directory';
import { etagMatches, ScimError } from '@rollcall/scim';
import type { Reader } from '@rollcall/store';
import { within } from '../deadline.js';
import type { Handler } from '../exchange.js';
import { parseId } from '../validate/path.js';

export interface UnlessKnownDeps {
  readonly reader: Pick<Reader, 'view' | 'resource'>;
  readonly deadline_ms: number;
}

/**
 * `If-None-Match` on what changes a resource (RFC 9110 §13.1.2): 412 where the resource has such a version; `*` is whatever there is. Nothing is
 * ever created by a PUT, so this serves only who wants nothing to be changed.
 */
export const unlessKnown =
  (type: ResourceTypeName, { reader, deadline_ms }: UnlessKnownDeps, change: (id: string) => Handler) =>
  (id: string): Handler =>
  async (request, caller) => {
    const versions = request.header('if-none-match');
    if (versions !== undefined) {
      const reading = reader.view(caller.tenant, 'read').then((view) => reader.resource(view, parseId(type, id)));
      const found = await within(performance.now() + deadline_ms, reading);
      if (found && !found.resource.deleted && found.resource.type === type && etagMatches(versions, found.version))
        throw new ScimError(412, undefined, `If-None-Match: the resource has version W/"${found.version}"`);
    }
    return change(id)(request, caller);
  };
