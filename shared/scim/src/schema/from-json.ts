/** A schema that a deployment or a tenant declares in the form of RFC 7643 §7, for an extension of its own. */
import { z } from 'zod';
import type { JsonValue } from '../json.js';
import { type AttributeInput, defineSchema, type SchemaDefinition } from './definition.js';

const Characteristics = z.object({
  name: z.string(),
  type: z.enum(['string', 'boolean', 'decimal', 'integer', 'dateTime', 'binary', 'reference', 'complex']).optional(),
  multiValued: z.boolean().optional(),
  description: z.string().optional(),
  required: z.boolean().optional(),
  caseExact: z.boolean().optional(),
  mutability: z.enum(['readOnly', 'readWrite', 'immutable', 'writeOnly']).optional(),
  returned: z.enum(['always', 'never', 'default', 'request']).optional(),
  uniqueness: z.enum(['none', 'server', 'global']).optional(),
  canonicalValues: z.array(z.string()).optional(),
  referenceTypes: z.array(z.string()).optional(),
});
const Attribute = Characteristics.extend({ subAttributes: z.array(Characteristics).optional() });
/** The form, before the table's own rules. Members that belong to a schema as a resource (`schemas`, `meta`) are left out. */
export const SchemaForm = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().optional(),
  attributes: z.array(Attribute).min(1),
});

/** @throws Error that lists what is wrong, for whoever wrote it */
export function schemaFromJson(json: JsonValue): SchemaDefinition {
  const parsed = SchemaForm.safeParse(json);
  if (!parsed.success) throw new Error(`schema: ${z.prettifyError(parsed.error)}`);
  const { description, attributes, ...rest } = parsed.data;
  // JSON has no undefined, so a member that is there has a value: what zod calls optional is what `AttributeInput` calls absent.
  return defineSchema({ ...rest, ...(description === undefined ? {} : { description }), attributes: attributes as AttributeInput[] });
}
