/** The element that a value path asks for where there is none: `[type eq "work"]` asks for `{ type: 'work' }`. */
import type { Filter } from '../filter/ast.js';
import type { JsonObject } from '../json.js';

/** Undefined, where the filter is more than `eq` joined by `and`, says two things of one sub-attribute, or goes by one that is read-only. */
export function templateOf(filter: Filter): JsonObject | undefined {
  const template: JsonObject = {};
  return fill(filter, template) ? template : undefined;
}

function fill(filter: Filter, template: JsonObject): boolean {
  if (filter.kind === 'and') return filter.filters.every((each) => fill(each, template));
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || filter.value === null || filter.value === '') return false;
  const { attribute } = filter.path;
  if (attribute.mutability === 'readOnly' || attribute.multiValued || Object.hasOwn(template, attribute.name)) return false;
  template[attribute.name] = filter.value;
  return true;
}
