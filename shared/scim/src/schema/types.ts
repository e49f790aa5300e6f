/** The resource types that a deployment serves: the core ones, and what it declares itself. */
import type { JsonValue } from '../json.js';
import { isObject, typeName } from '../json.js';
import { type AttributeDefinition, defineResourceType, type ResourceTypeDefinition, type SchemaDefinition } from './definition.js';
import { schemaFromJson } from './from-json.js';
import { GROUP, GROUP_PARTS } from './group.js';
import { USER, USER_PARTS } from './user.js';

export interface ResourceTypes {
  readonly User: ResourceTypeDefinition;
  readonly Group: ResourceTypeDefinition;
}

export const CORE_TYPES: ResourceTypes = { User: USER, Group: GROUP };

/**
 * The core types with extension schemas of a deployment's own: `{ "User": [schema, …], "Group": [schema, …] }`, each schema as RFC 7643 §7 has it.
 * Nothing of an extension is required, and no value of one is unique: neither could hold for what is there already.
 *
 * @throws Error that says what is wrong, for the operator who wrote the file
 */
export function typesWithExtensions(json: JsonValue): ResourceTypes {
  if (!isObject(json)) throw new Error(`expected an object, got ${typeName(json)}`);
  const unknown = Object.keys(json).find((key) => key !== 'User' && key !== 'Group');
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)}: expected User or Group`);
  const [ofUsers, ofGroups] = [json.User, json.Group].map((value, at) => extensionsFrom(value, at === 0 ? 'User' : 'Group'));
  return { User: extended(USER_PARTS, ofUsers!), Group: extended(GROUP_PARTS, ofGroups!) };
}

function extensionsFrom(value: JsonValue | undefined, name: string): SchemaDefinition[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Error(`${name}: expected an array of schemas, got ${typeName(value)}`);
  return value.map((each, at) => {
    try {
      const schema = schemaFromJson(each);
      for (const attribute of schema.attributes.flatMap((top) => [top, ...(top.subAttributes ?? [])])) check(attribute);
      return schema;
    } catch (error) {
      throw new Error(`${name}[${at}]: ${(error as Error).message}`, { cause: error });
    }
  });
}

function check({ name, required, uniqueness, mutability, returned }: AttributeDefinition): void {
  if (required) throw new Error(`${name}: required: expected false`);
  if (uniqueness !== 'none') throw new Error(`${name}: uniqueness: expected "none"`);
  if (mutability === 'readOnly') throw new Error(`${name}: mutability: nobody could ever set what is "readOnly"`);
  // RFC 7643 §7: what is writeOnly is never returned.
  if (mutability === 'writeOnly' && returned !== 'never') throw new Error(`${name}: returned: expected "never" for what is "writeOnly"`);
}

const extended = (parts: typeof USER_PARTS, schemas: readonly SchemaDefinition[]): ResourceTypeDefinition =>
  defineResourceType({ ...parts, extensions: [...(parts.extensions ?? []), ...schemas.map((schema) => ({ schema, required: false }))] });
