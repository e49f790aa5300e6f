/** The copy of a resource that MongoDB compares, and the one place that maps extension URNs to keys without dots. */
import { comparable } from './comparable.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import type { AttributeDefinition, ResourceTypeDefinition } from './schema/definition.js';
import { ENTERPRISE_URN } from './urns.js';

/**
 * The key of an extension's object, or of an attribute: without dots and without `$`, as MongoDB reads a path by its dots and `$ref`, where it
 * leads a query on an element, as a database reference. A URN's colon keeps it apart from every attribute's name.
 */
export function searchKey(name: string): string {
  if (name === ENTERPRISE_URN) return 'enterprise';
  return SPECIAL.test(name) ? name.replaceAll('%', '%25').replaceAll('.', '%2E').replaceAll('$', '%24') : name;
}

const SPECIAL = /[%.$]/;
const REF = searchKey('$ref');

/**
 * Same shape as the resource, with every value as {@link comparable} has it and nothing else: what is unassigned, unknown or of another type
 * is not there, so "there" and "has a value" are one.
 */
export function searchTree(type: ResourceTypeDefinition, resource: JsonObject): JsonObject {
  const tree = branch(type.attributes, resource) ?? {};
  for (const { schema } of type.extensions) {
    const extension = resource[schema.id];
    const found = isObject(extension) ? branch(schema.attributes, extension) : undefined;
    if (found !== undefined) tree[searchKey(schema.id)] = found;
  }
  return tree;
}

function branch(attributes: readonly AttributeDefinition[], from: JsonObject): JsonObject | undefined {
  const tree: JsonObject = {};
  let empty = true;
  for (const attribute of attributes) {
    const raw = from[attribute.name];
    const value = raw === undefined || raw === null ? undefined : leaf(attribute, raw);
    if (value === undefined) continue;
    tree[attribute.name === '$ref' ? REF : attribute.name] = value;
    empty = false;
  }
  return empty ? undefined : tree;
}

function leaf(attribute: AttributeDefinition, raw: JsonValue): JsonValue | undefined {
  if (Array.isArray(raw)) {
    const values = raw.map((each) => one(attribute, each)).filter((each) => each !== undefined);
    return values.length === 0 ? undefined : values;
  }
  return one(attribute, raw);
}

function one(attribute: AttributeDefinition, raw: JsonValue): JsonValue | undefined {
  if (attribute.type !== 'complex') return comparable(attribute, raw);
  return isObject(raw) ? branch(attribute.subAttributes ?? [], raw) : undefined;
}
