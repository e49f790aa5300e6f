import type { ResourceTypeName } from '@rollcall/directory';
import { quote, ScimError } from '@rollcall/scim';
import * as z from 'zod';

const Id = z.uuid();

/**
 * The id in a path. One that is not of our form can't be anybody's: it is answered like any unknown one, and never looked up.
 * @throws ScimError 404
 */
export function parseId(type: ResourceTypeName, text: string): string {
  const id = Id.safeParse(text);
  if (!id.success) throw new ScimError(404, undefined, `${type} ${quote(text)} not found`);
  return id.data;
}
