/** A filter as a predicate on resources in memory; what it means is said in `ast.ts`. */
import { comparable } from '../comparable.js';
import { ScimError } from '../errors.js';
import { isObject, type JsonObject, type JsonValue } from '../json.js';
import type { AttributePath } from '../path.js';
import type { AttributeDefinition } from '../schema/definition.js';
import { compareCodePoints, holds } from '../text.js';
import type { CompareFilter, Filter, Operator } from './ast.js';

export type Predicate = (resource: JsonObject) => boolean;

/** Whether a full resource (id, attributes, meta, extensions under their URN) satisfies a filter. */
export function matches(filter: Filter, resource: JsonObject): boolean {
  return compileFilter(filter)(resource);
}

/** Characters of long texts that one compiled filter looks through; some 10 ns each. */
const CHARACTERS_MAX = 3_000_000;

/**
 * The same as a function, for a filter that is asked of many resources: what can be looked up or folded beforehand, is.
 * The function throws ScimError `tooMany`, where it would have to look for long texts in too much of longer ones.
 */
export function compileFilter(filter: Filter): Predicate {
  let characters = 0;
  return compile(filter, (more) => {
    characters += more;
    if (characters > CHARACTERS_MAX) throw ScimError.of('tooMany', 'filter: it takes too long to answer; narrow it down');
  });
}

type Spend = (characters: number) => void;

function compile(filter: Filter, spend: Spend): Predicate {
  switch (filter.kind) {
    case 'and': {
      const all = filter.filters.map((each) => compile(each, spend));
      return (resource) => all.every((each) => each(resource));
    }
    case 'or': {
      const any = filter.filters.map((each) => compile(each, spend));
      return (resource) => any.some((each) => each(resource));
    }
    case 'not': {
      const inner = compile(filter.filter, spend);
      return (resource) => !inner(resource);
    }
    case 'constant':
      return () => filter.value;
    case 'ids':
      return (resource) => typeof resource.id === 'string' && filter.ids.has(resource.id);
    case 'present':
      return present(filter.path);
    case 'compare':
      return compare(filter, spend);
    case 'valuePath': {
      const inner = compile(filter.filter, spend);
      const { attribute } = filter.path;
      return (resource) => elements(filter.path, resource).some((each) => isObject(each) && hasValue(attribute, each) && inner(each));
    }
  }
}

function compare({ path, operator, value }: CompareFilter, spend: Spend): Predicate {
  if (value === null) {
    const has = present(path);
    return operator === 'eq' ? (resource) => !has(resource) : has;
  }
  const definition = path.sub ?? path.attribute;
  // Unlike an attribute's empty string, the one that a client compares with means what it says: nothing is equal to it.
  const wanted = value === '' ? '' : comparable(definition, value);
  const test = TESTS[operator];
  const satisfies = (raw: JsonValue): boolean => {
    const each = comparable(definition, raw);
    return each !== undefined && typeof each === typeof wanted && test(each, wanted!, spend);
  };
  const some: Predicate = isPlain(path) ? plainly(path, satisfies) : (resource) => reach(path, resource, satisfies);
  return operator === 'ne' ? (resource) => !some(resource) : some;
}

type Comparable = string | number | boolean;

/** For operands of one type. */
const TESTS: Record<Operator, (value: Comparable, wanted: Comparable, spend: Spend) => boolean> = {
  eq: (value, wanted) => value === wanted,
  ne: (value, wanted) => value === wanted, // negated as a whole, see above
  co: (value, wanted, spend) => holds(String(value), String(wanted), spend),
  sw: (value, wanted) => String(value).startsWith(String(wanted)),
  ew: (value, wanted) => String(value).endsWith(String(wanted)),
  gt: (value, wanted) => order(value, wanted) > 0,
  ge: (value, wanted) => order(value, wanted) >= 0,
  lt: (value, wanted) => order(value, wanted) < 0,
  le: (value, wanted) => order(value, wanted) <= 0,
};

function order(a: Comparable, b: Comparable): number {
  return typeof a === 'string' && typeof b === 'string' ? compareCodePoints(a, b) : Number(a) - Number(b);
}

function present(path: AttributePath): Predicate {
  const definition = path.sub ?? path.attribute;
  return (resource) => reach(path, resource, (raw) => hasValue(definition, raw));
}

/** Whether there is anything that a filter could compare. */
function hasValue(definition: AttributeDefinition, raw: JsonValue | undefined): boolean {
  if (raw === undefined || raw === null) return false;
  if (Array.isArray(raw)) return raw.some((each) => hasValue(definition, each));
  if (definition.type !== 'complex') return comparable(definition, raw) !== undefined;
  return isObject(raw) && (definition.subAttributes ?? []).some((sub) => hasValue(sub, raw[sub.name]));
}

function elements({ urn, attribute }: AttributePath, resource: JsonObject): JsonValue[] {
  const container = urn === undefined ? resource : resource[urn];
  const value = isObject(container) ? container[attribute.name] : undefined;
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

/** One value of one attribute, as within the brackets of a value path: many elements may be looked at. */
const isPlain = ({ urn, attribute, sub }: AttributePath): boolean => urn === undefined && sub === undefined && !attribute.multiValued;

function plainly({ attribute: { name } }: AttributePath, test: (raw: JsonValue) => boolean): Predicate {
  return (resource) => {
    const raw = resource[name];
    // A schema may have been another one when the value was stored.
    if (Array.isArray(raw)) return raw.some(test);
    return raw !== undefined && raw !== null && test(raw);
  };
}

/** Whether any single value at the path passes the test. */
function reach(path: AttributePath, resource: JsonObject, test: (raw: JsonValue) => boolean): boolean {
  const { sub } = path;
  return elements(path, resource).some((element) => {
    if (sub === undefined) return test(element);
    const value = isObject(element) ? element[sub.name] : undefined;
    if (value === undefined || value === null) return false;
    return Array.isArray(value) ? value.some((each) => each !== null && test(each)) : test(value);
  });
}
