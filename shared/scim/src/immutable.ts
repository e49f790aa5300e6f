import { likenessOf } from './comparable.js';
import { ScimError } from './errors.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import type { AttributeDefinition, ResourceTypeDefinition } from './schema/definition.js';
import { elementKey, inOrder, inTableOrder } from './value.js';

/**
 * What a replace does to immutable attributes and sub-attributes (RFC 7644 §3.5.1): one that has a value keeps it, as it is, where the client leaves
 * it out or says the same in other words (case, order of values). An element of a multi-valued attribute is the same where value and type are;
 * others come and go. Out comes `after` with what is kept.
 *
 * @throws ScimError `mutability`, where the client gives another value
 */
export function keepImmutable(type: ResourceTypeDefinition, before: JsonObject, after: JsonObject): JsonObject {
  let result = keep(type.attributes, type.immutable, before, after, '');
  for (const { schema } of type.extensions) {
    const [old, next = {}] = [before[schema.id], result[schema.id]];
    if (schema.immutable.length === 0 || !isObject(old) || !isObject(next)) continue;
    const kept = keep(schema.attributes, schema.immutable, old, next, `${schema.id}:`);
    if (kept !== next) result = { ...result, [schema.id]: kept };
  }
  return result;
}

/** @param immutable those of the table to look at */
function keep(
  table: readonly AttributeDefinition[],
  immutable: readonly AttributeDefinition[],
  before: JsonObject,
  after: JsonObject,
  prefix: string,
): JsonObject {
  const kept: JsonObject = {};
  for (const attribute of immutable) {
    const value = before[attribute.name];
    if (value === undefined) continue;
    const next = keepValue(attribute, value, after[attribute.name], `${prefix}${attribute.name}`);
    if (next !== after[attribute.name] && next !== undefined) kept[attribute.name] = next;
  }
  return Object.keys(kept).length === 0 ? after : inTableOrder(table, { ...after, ...kept });
}

/** The same of one attribute. @param place names it in an error */
export function keepValue(
  attribute: AttributeDefinition,
  before: JsonValue,
  after: JsonValue | undefined,
  place: string,
): JsonValue | undefined {
  if (attribute.mutability === 'immutable') {
    if (after !== undefined && likenessOf(attribute, filledIn(attribute, before, after)) !== likenessOf(attribute, before)) refuse(place);
    return before;
  }
  if (!attribute.multiValued)
    return isObject(before) && (after === undefined || isObject(after)) ? keepSubs(attribute, before, after, place) : after;
  if (!Array.isArray(before) || !Array.isArray(after) || !attribute.subAttributes?.some(isImmutable)) return after;
  const known = new Map(before.map((element) => [elementKey(attribute, element), element]));
  const elements = after.map((element) => {
    const same = known.get(elementKey(attribute, element));
    return isObject(same) && isObject(element) ? keepSubs(attribute, same, element, place) : element;
  });
  return elements.some((element, at) => element !== after[at]) ? elements : after;
}

/** Of one that is immutable as a whole, sub-attributes may be left out like all else. */
function filledIn({ multiValued }: AttributeDefinition, before: JsonValue, after: JsonValue): JsonValue {
  return !multiValued && isObject(before) && isObject(after) ? { ...before, ...after } : after;
}

/** The same of the sub-attributes of one complex value. */
export function keepSubs<After extends JsonObject | undefined>(
  attribute: AttributeDefinition,
  before: JsonObject,
  after: After,
  place: string,
): JsonObject | After {
  const kept: JsonObject = {};
  for (const sub of attribute.subAttributes ?? []) {
    const value = before[sub.name];
    if (sub.mutability !== 'immutable' || value === undefined) continue;
    const next = after?.[sub.name];
    if (next !== undefined && likenessOf(sub, next) !== likenessOf(sub, value)) refuse(`${place}.${sub.name}`);
    if (next !== value) kept[sub.name] = value;
  }
  return Object.keys(kept).length === 0 ? after : inOrder(attribute, { ...after, ...kept });
}

const isImmutable = ({ mutability }: AttributeDefinition): boolean => mutability === 'immutable';

function refuse(place: string): never {
  throw ScimError.of('mutability', `${place}: is immutable, and has a value`);
}
