/** The resource types that a tenant has: the core ones, what the deployment declares, and what the tenant declares itself. */
import type { JsonValue } from '../json.js';
import { isObject, typeName } from '../json.js';
import { ROLLCALL_USER_URN } from '../urns.js';
import {
  type AttributeDefinition,
  defineSchema,
  extendResourceType,
  KEY_LENGTH_MAX,
  type ResourceTypeDefinition,
  type SchemaDefinition,
} from './definition.js';
import { schemaFromJson } from './from-json.js';
import { GROUP } from './group.js';
import { USER } from './user.js';

export interface ResourceTypes {
  readonly User: ResourceTypeDefinition;
  readonly Group: ResourceTypeDefinition;
}

export const CORE_TYPES: ResourceTypes = { User: USER, Group: GROUP };

/** What a deployment or a tenant declares, by resource type. */
export interface Extensions {
  readonly User: readonly SchemaDefinition[];
  readonly Group: readonly SchemaDefinition[];
}

/**
 * Extension schemas as they are declared: `{ "User": [schema, …], "Group": [schema, …] }`, each schema as RFC 7643 §7 has it.
 * Nothing of an extension is required, and no value of one is unique: neither could hold for what is there already.
 *
 * @throws Error that says what is wrong, for whoever wrote it
 */
export function extensionsFromJson(json: JsonValue): Extensions {
  if (!isObject(json)) throw new Error(`expected an object, got ${typeName(json)}`);
  const unknown = Object.keys(json).find((key) => key !== 'User' && key !== 'Group');
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)}: expected User or Group`);
  return { User: schemasFrom(json.User, 'User'), Group: schemasFrom(json.Group, 'Group') };
}

/** These types with extensions added. @throws Error where one has a URN that is there already */
export function extendTypes({ User, Group }: ResourceTypes, extensions: Extensions): ResourceTypes {
  return { User: extendResourceType(User, { schemas: extensions.User }), Group: extendResourceType(Group, { schemas: extensions.Group }) };
}

const USER_PRINCIPAL_NAME = {
  name: 'userPrincipalName',
  maxLength: KEY_LENGTH_MAX,
  description: 'The name by which the person signs in to cloud applications; taken at the top level of the User, too.',
} as const;

/** These types with `userPrincipalName` for users, wherever it comes: at the top level, or in the extension of ours that announces it. */
export function withUserPrincipalName({ User, Group }: ResourceTypes): ResourceTypes {
  return { User: extendResourceType(User, { schemas: [ROLLCALL_USER], custom: [USER_PRINCIPAL_NAME] }), Group };
}

const ROLLCALL_USER = defineSchema({
  id: ROLLCALL_USER_URN,
  name: 'RollcallUser',
  description: 'What rollcall knows of a user besides',
  attributes: [USER_PRINCIPAL_NAME],
});

function schemasFrom(value: JsonValue | undefined, name: string): SchemaDefinition[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Error(`${name}: expected an array of schemas, got ${typeName(value)}`);
  return value.map((each, at) => {
    try {
      const schema = schemaFromJson(each);
      if (schema.id.toLowerCase() === ROLLCALL_USER_URN.toLowerCase()) throw new Error(`${schema.id}: this URN is rollcall's own`);
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
