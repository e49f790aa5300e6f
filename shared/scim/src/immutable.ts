import { sameValue } from './equal.js';
import { ScimError } from './errors.js';
import { isObject, type JsonObject } from './json.js';
import type { AttributeDefinition, ResourceTypeDefinition } from './schema/definition.js';

/**
 * What a replace does to immutable attributes (RFC 7644 §3.5.1): one that has a value keeps it where the client leaves it out.
 * `after` with these filled in.
 *
 * @throws ScimError `mutability`, where the client gives another value
 */
export function keepImmutable(type: ResourceTypeDefinition, before: JsonObject, after: JsonObject): JsonObject {
  let result = keep(type.attributes, before, after, '');
  for (const { schema } of type.extensions) {
    const [old, next] = [before[schema.id], result[schema.id] ?? {}];
    if (!isObject(old) || !isObject(next)) continue;
    const kept = keep(schema.attributes, old, next, `${schema.id}:`);
    if (kept !== next) result = { ...result, [schema.id]: kept };
  }
  return result;
}

function keep(table: readonly AttributeDefinition[], before: JsonObject, after: JsonObject, prefix: string): JsonObject {
  let result = after;
  for (const { name, mutability } of table) {
    const value = before[name];
    if (mutability !== 'immutable' || value === undefined) continue;
    if (after[name] === undefined) result = { ...result, [name]: value };
    else if (!sameValue(value, after[name])) throw ScimError.of('mutability', `${prefix}${name}: is immutable, and has a value`);
  }
  return result;
}
