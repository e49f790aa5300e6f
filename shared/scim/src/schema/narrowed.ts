/** What a new declaration of extensions takes away from the one before: values that are stored could then be none, or others. */
import type { AttributeDefinition, SchemaDefinition } from './definition.js';
import type { Extensions } from './types.js';

export interface Narrowed {
  readonly type: 'User' | 'Group';
  readonly urn: string;
  /** Undefined: the whole schema. */
  readonly attribute: string | undefined;
  /** For the administrator. */
  readonly what: string;
}

/**
 * Where the second declaration is no addition to the first: a schema, attribute or sub-attribute that is gone, or whose values would mean something
 * else. Names and URNs count as they are spelled, as values are stored under them. Descriptions, canonical values, what is returned and what may be
 * changed are free: they judge no value that is there.
 */
export function narrowed(before: Extensions, after: Extensions): Narrowed[] {
  return (['User', 'Group'] as const).flatMap((type) =>
    before[type].flatMap((schema): Narrowed[] => {
      const next = after[type].find(({ id }) => id === schema.id);
      if (next === undefined) return [{ type, urn: schema.id, attribute: undefined, what: `${schema.id} would be gone` }];
      return ofAttributes(schema, next).map(([attribute, what]) => ({ type, urn: schema.id, attribute, what: `${schema.id}:${what}` }));
    }),
  );
}

function ofAttributes(before: SchemaDefinition, after: SchemaDefinition): [string, string][] {
  return before.attributes.flatMap((attribute) =>
    changes(attribute, namesake(attribute, after.attributes)).map((what): [string, string] => [attribute.name, what]),
  );
}

function changes(before: AttributeDefinition, after: AttributeDefinition | undefined): string[] {
  const { name, subAttributes = [] } = before;
  if (after === undefined) return [`${name} would be gone`];
  const changed = (['type', 'multiValued', 'caseExact'] as const).find((each) => before[each] !== after[each]);
  if (changed !== undefined) return [`${name}: ${changed} would be ${after[changed]}, and is ${before[changed]}`];
  return subAttributes.flatMap((sub) => changes(sub, namesake(sub, after.subAttributes ?? [])).map((what) => `${name}.${what}`));
}

const namesake = ({ name }: AttributeDefinition, among: readonly AttributeDefinition[]) => among.find((each) => each.name === name);
