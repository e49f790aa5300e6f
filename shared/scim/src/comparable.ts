/** How a stored value is compared: the one place that says so, for the predicate, the search tree, PATCH and replace alike. */
import { canonicalInstant } from './datetime.js';
import { isObject, type JsonValue } from './json.js';
import type { AttributeDefinition } from './schema/definition.js';
import { foldCase } from './text.js';

/** Text folded unless it is caseExact, a dateTime as canonical UTC text, booleans and numbers as they are; undefined: no value of that type. */
export function comparable({ type, caseExact }: AttributeDefinition, raw: JsonValue): string | number | boolean | undefined {
  switch (type) {
    case 'complex':
      return undefined;
    case 'boolean':
      return typeof raw === 'boolean' ? raw : undefined;
    case 'integer':
    case 'decimal':
      return typeof raw === 'number' && Number.isFinite(raw) ? raw : undefined;
    case 'dateTime':
      return typeof raw === 'string' ? canonicalInstant(raw) : undefined;
    default:
      if (typeof raw !== 'string' || raw === '') return undefined;
      return caseExact ? raw : foldCase(raw);
  }
}

/** Text that is equal for values which say the same: the order of values in an array and of members doesn't matter, nor does case unless caseExact. */
export function likenessOf(attribute: AttributeDefinition, value: JsonValue): string {
  if (Array.isArray(value)) {
    const each = value.map((element) => likenessOf(attribute, element));
    return JSON.stringify(each.sort());
  }
  if (!isObject(value)) return JSON.stringify(comparable(attribute, value) ?? value);
  return JSON.stringify(
    (attribute.subAttributes ?? []).map((sub) => (value[sub.name] === undefined ? null : likenessOf(sub, value[sub.name]!))),
  );
}
