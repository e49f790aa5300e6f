import { ScimError } from '@rollcall/scim';
import type * as z from 'zod';

/** Parses what came from a URL. @throws ScimError `invalidValue`, which names the parameter and what was expected */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw ScimError.of('invalidValue', `${String(issue?.path[0] ?? 'query')}: ${issue?.message ?? 'not understood'}`);
}
