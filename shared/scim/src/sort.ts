/** Sorting (RFC 7644 §3.4.2.3), the same in memory as in MongoDB's search tree. */
import { comparable } from './comparable.js';
import { quote, ScimError } from './errors.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import { type AttributePath, resolvePath } from './path.js';
import type { ResourceTypeDefinition } from './schema/definition.js';
import { compareCodePoints } from './text.js';

export type SortValue = string | number | boolean | undefined;

/** The attribute that `sortBy` names; a complex one stands for its `value`. @throws ScimError `invalidPath` */
export function parseSortBy(type: ResourceTypeDefinition, text: string): AttributePath {
  const resolved = resolvePath(type, text);
  if (resolved.kind !== 'attribute') throw ScimError.of('invalidPath', `sortBy: expected an attribute, got ${quote(text)}`);
  const { path } = resolved;
  if (path.sub !== undefined || path.attribute.type !== 'complex') return path;
  const sub = path.attribute.byName.get('value');
  if (sub === undefined) throw ScimError.of('invalidPath', `sortBy: ${path.attribute.name} is complex; expected one of its sub-attributes`);
  return { ...path, sub };
}

/** What a resource is sorted by: of a multi-valued attribute the primary value, else the first. Folded unless caseExact. */
export function sortValue({ urn, attribute, sub }: AttributePath, resource: JsonObject): SortValue {
  const container = urn === undefined ? resource : resource[urn];
  const value = isObject(container) ? one(container[attribute.name]) : undefined;
  const leaf = sub === undefined ? value : isObject(value) ? one(value[sub.name]) : undefined;
  return leaf === undefined || leaf === null ? undefined : comparable(sub ?? attribute, leaf);
}

/** Ascending: text by code point, false before true, and what has no value last (first, where the order is turned round). */
export function compareSortValues(a: SortValue, b: SortValue): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return typeof a === 'string' && typeof b === 'string' ? compareCodePoints(a, b) : Number(a) - Number(b);
}

function one(value: JsonValue | undefined): JsonValue | undefined {
  if (!Array.isArray(value)) return value;
  return value.find((each) => isObject(each) && each.primary === true) ?? value[0];
}
