/**
 * What a value from a client means for one attribute: its canonical form, `undefined` where it is unassigned (RFC 7643 §2.5), or a ScimError.
 *
 * Taken although not quite right, since identity providers send it: booleans and numbers as strings, numbers for strings, a single value
 * wrapped in an array (`["x"]`, `[{ "value": "x" }]`), a multi-valued attribute given as one value, a bare string for a complex attribute
 * that has a `value` (`manager`), a complex value as JSON in a string, and the attribute's own name once more in its value. Read-only sub-attributes and unknown ones are left out.
 */
import { canonicalInstant } from './datetime.js';
import { quote, ScimError } from './errors.js';
import type { Ignored } from './ignored.js';
import { ELEMENTS_MAX, isObject, type JsonObject, type JsonValue, parsedText, typeName } from './json.js';
import { idOfReference } from './reference.js';
import { type AttributeDefinition, lookUp } from './schema/definition.js';
import { foldCase, isWellFormed } from './text.js';

/** Where we are, for the error's detail: set on the way down, read only when something is wrong. */
export class Place {
  /** Refuses a complex value of which no member is known: in a PATCH, leaving out all of it would do nothing, or clear what is there. */
  strict = false;
  name = '';
  index = -1;
  sub = '';
  constructor(
    readonly ignored: Ignored,
    /** Stands before the attribute's name: `Operations[2]: `, or an extension's URN and a colon. */
    public prefix = '',
  ) {}

  toString(): string {
    return `${this.prefix}${this.name}${this.index < 0 ? '' : `[${this.index}]`}${this.sub === '' ? '' : `.${this.sub}`}`;
  }

  fail(expected: string, came: JsonValue | undefined): never {
    throw ScimError.of('invalidValue', `${this}: expected ${expected}, got ${came === '' ? 'an empty string' : typeName(came)}`);
  }

  /** This place, at an attribute as a whole. */
  at(attribute: AttributeDefinition): this {
    this.name = attribute.name;
    this.index = -1;
    this.sub = '';
    return this;
  }

  refuse(what: string): never {
    throw ScimError.of('invalidValue', `${this}: ${what}`);
  }
}

/** The canonical value of an attribute. @throws ScimError `invalidValue`, `invalidSyntax` for two spellings of one name */
export function coerce(attribute: AttributeDefinition, raw: JsonValue, place: Place): JsonValue | undefined {
  place.at(attribute);
  const value = meant(attribute, raw);
  return attribute.multiValued ? coerceMany(attribute, value, place) : coerceSingle(attribute, value, place);
}

/**
 * What a client means by the value of an attribute: JSON in a string is that JSON where the value is complex, and the attribute's own name once more
 * within its value means what stands under it.
 *
 * @throws ScimError as parseJson, for JSON in a string that is too deep or too much
 * @example `path: members, value: {"members": [{"value": "1"}]}`; `path: active, value: {"active": false}`; `path: members, value: "[{\"value\": \"1\"}]"`
 */
export function meant(attribute: AttributeDefinition, raw: JsonValue): JsonValue {
  let value = decoded(attribute, raw);
  // As often as it is said: each round takes a level away.
  while (isObject(value)) {
    const inner = underItsName(value, attribute.name);
    if (inner === undefined || lookUp(attribute.byName, attribute.name) !== undefined) break;
    value = decoded(attribute, inner);
  }
  return value;
}

/** The same of what a remove lists: nothing under the attribute's own name is an empty list, and not the wish to remove everything. */
export function meantToGo(attribute: AttributeDefinition, raw: JsonValue | undefined): JsonValue | undefined {
  if (raw === undefined) return undefined;
  const value = meant(attribute, raw);
  return isObject(raw) && (value === null || value === '') ? [] : value;
}

/** The same of an object under a schema's URN. */
export function meantBySchema(urn: string, raw: JsonValue): JsonValue {
  const value = typeof raw === 'string' ? parsedText(raw) : raw;
  if (!isObject(value)) return value;
  const [key, ...more] = Object.keys(value);
  return key !== undefined && more.length === 0 && key.toLowerCase() === urn.toLowerCase() ? value[key]! : value;
}

function decoded({ type }: AttributeDefinition, raw: JsonValue): JsonValue {
  return type === 'complex' && typeof raw === 'string' ? parsedText(raw) : raw;
}

/** The one member of an object, if it has that name, with a schema's URN before it or without. */
function underItsName(value: JsonObject, name: string): JsonValue | undefined {
  let only: string | undefined;
  for (const key in value) {
    if (only !== undefined) return undefined;
    only = key;
  }
  if (only === undefined || only.length < name.length) return undefined;
  return only.slice(only.lastIndexOf(':') + 1).toLowerCase() === name.toLowerCase() ? value[only] : undefined;
}

/** The canonical value of a sub-attribute. */
export function coerceSub(attribute: AttributeDefinition, sub: AttributeDefinition, raw: JsonValue, place: Place): JsonValue | undefined {
  place.at(attribute).sub = sub.name;
  const value = meant(sub, raw);
  return sub.multiValued ? coerceMany(sub, value, place) : coerceSingle(sub, value, place);
}

/** One element of a multi-valued attribute, or the value of a single-valued one. */
export function coerceOne(attribute: AttributeDefinition, raw: JsonValue, place: Place): JsonValue | undefined {
  if (raw === null) return undefined;
  switch (attribute.type) {
    case 'complex':
      return coerceComplex(attribute, raw, place);
    case 'boolean':
      return coerceBoolean(raw, place);
    case 'integer':
    case 'decimal':
      return coerceNumber(attribute.type, raw, place);
    default:
      return coerceText(attribute, raw, place);
  }
}

/**
 * The elements of a multi-valued attribute without empty ones and without repetition; undefined where none is left.
 * @throws ScimError `invalidValue`, where more than one is primary, there are more than {@link ELEMENTS_MAX}, or an empty one should have what is
 *   required of it: a member that names nobody is no wish for a group without members
 */
export function coerceMany(attribute: AttributeDefinition, raw: JsonValue, place: Place): JsonValue[] | undefined {
  if (raw === null) return undefined;
  const outer = place.index;
  const list = Array.isArray(raw) ? raw : [raw];
  if (list.length > ELEMENTS_MAX && !attribute.byName.has('$ref'))
    place.refuse(`at most ${ELEMENTS_MAX} values are taken, got ${list.length}`);
  const values: JsonValue[] = [];
  for (let at = 0; at < list.length; at++) {
    place.index = Array.isArray(raw) ? at : outer;
    place.sub = '';
    const value = coerceOne(attribute, list[at]!, place);
    if (value !== undefined) values.push(value);
    else if (raw !== '') refuseLacking(attribute, place);
  }
  place.index = outer;
  place.sub = '';
  if (values.length === 0) return undefined;
  const unique = values.length === 1 ? values : mergeElements(attribute, [], values);
  if (unique.filter(isPrimary).length > 1) place.refuse('more than one value is primary');
  return unique;
}

/** @throws ScimError `invalidValue`, where an element must have something */
function refuseLacking({ subAttributes = [] }: AttributeDefinition, place: Place): void {
  const wanted = subAttributes.find(({ required, mutability }) => required && mutability !== 'readOnly');
  if (wanted === undefined) return;
  place.sub = wanted.name;
  place.refuse('required, but missing');
}

export function isPrimary(element: JsonValue): boolean {
  return isObject(element) && element.primary === true;
}

/**
 * What makes two elements the same (RFC 7643 §2.4: the combination of type and value). Where elements name resources (they have a `$ref`),
 * the value alone: a member is a member once. Without a value: everything there is.
 */
export function elementKey(attribute: AttributeDefinition, element: JsonValue): string {
  if (!isObject(element))
    return typeof element === 'string' && !attribute.caseExact ? `=${foldCase(element)}` : `=${JSON.stringify(element)}`;
  const value = element.value;
  if (value === undefined) return `\0#${JSON.stringify(element)}`;
  const definition = attribute.byName.get('value');
  const folded = typeof value === 'string' && definition?.caseExact === false ? foldCase(value) : JSON.stringify(value);
  if (attribute.byName.has('$ref')) return folded; // as it is: there may be very many
  return `=${typeof element.type === 'string' ? foldCase(element.type) : ''}\0${folded}`;
}

/** `existing` and then `added`; an element that is there already takes over what the later one says (or becomes what `merge` makes of both). */
export function mergeElements(
  attribute: AttributeDefinition,
  existing: readonly JsonValue[],
  added: readonly JsonValue[],
  merge = (before: JsonObject, element: JsonObject) => inOrder(attribute, { ...before, ...element }),
): JsonValue[] {
  const byKey = new Map<string, JsonValue>();
  for (const element of existing) byKey.set(elementKey(attribute, element), element);
  for (const element of added) {
    const key = elementKey(attribute, element);
    const before = byKey.get(key);
    byKey.set(key, isObject(before) && isObject(element) ? merge(before, element) : (before ?? element));
  }
  return [...byKey.values()];
}

/** A complex value with its members in the table's order, and without null ones. */
export function inOrder(attribute: AttributeDefinition, value: JsonObject): JsonObject {
  const ordered: JsonObject = {};
  for (const { name } of attribute.subAttributes ?? []) {
    const member = value[name];
    if (member !== undefined && member !== null) ordered[name] = member;
  }
  return ordered;
}

/** Attributes in the table's order, and then whatever a schema of former times left behind: it isn't ours to lose. */
export function inTableOrder(table: readonly AttributeDefinition[], values: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const { name } of table) if (values[name] !== undefined) result[name] = values[name];
  for (const name of Object.keys(values)) if (!Object.hasOwn(result, name)) result[name] = values[name]!;
  return result;
}

/** Unassigned as far as a client may say so (RFC 7643 §2.5), plus the empty string. */
export function isEmpty(raw: JsonValue | undefined): boolean {
  return raw === undefined || raw === null || raw === '' || (Array.isArray(raw) && raw.length === 0);
}

/** A value out of the array, or the array and object, that some clients wrap it in. */
export function unwrap(attribute: AttributeDefinition, raw: JsonValue, place: Place): JsonValue {
  if (!Array.isArray(raw)) return raw;
  if (raw.length === 0) return null;
  if (raw.length > 1) place.refuse(`expected one value, got ${raw.length}`);
  const only = raw[0]!;
  if (attribute.type !== 'complex' && isObject(only)) {
    const value = only.value;
    if (value !== undefined && !Array.isArray(value) && !isObject(value)) return value;
  }
  return only;
}

function coerceSingle(attribute: AttributeDefinition, raw: JsonValue, place: Place): JsonValue | undefined {
  return coerceOne(attribute, Array.isArray(raw) ? unwrap(attribute, raw, place) : raw, place);
}

function coerceComplex(attribute: AttributeDefinition, raw: JsonValue, place: Place): JsonObject | undefined {
  if (raw === '') return undefined;
  if (typeof raw === 'string') {
    const parsed = parsedText(raw);
    if (parsed !== raw && typeof parsed !== 'string') return coerceComplex(attribute, parsed, place);
    const only = attribute.byName.get('value');
    if (only === undefined) return place.fail('an object', raw);
    if (only.mutability === 'readOnly') return undefined;
    place.sub = only.name;
    const coerced = only.multiValued ? coerceMany(only, parsed, place) : coerceOne(only, parsed, place);
    place.sub = '';
    return coerced === undefined ? undefined : { [only.name]: coerced };
  }
  if (!isObject(raw)) return place.fail('an object', raw);
  const subs = attribute.subAttributes ?? [];
  const given: (JsonValue | undefined)[] = new Array(subs.length).fill(undefined);
  const keys = Object.keys(raw);
  if (place.strict && keys.length > 0 && !keys.some((key) => lookUp(attribute.byName, key) !== undefined))
    place.refuse(`expected some of ${subs.map(({ name }) => name).join(', ')}, got nothing but ${quote(keys[0]!)} and the like`);
  for (const key of keys) {
    const sub = lookUp(attribute.byName, key);
    if (sub === undefined) place.ignored.note(`${attribute.name}.${key}`);
    else if (sub.mutability === 'readOnly') continue;
    else if (given[sub.position] === undefined) given[sub.position] = raw[key]!;
    else throw ScimError.of('invalidSyntax', `${place}.${sub.name}: given twice, in two spellings`);
  }
  const value: JsonObject = {};
  let empty = true;
  for (const sub of subs) {
    const each = given[sub.position];
    if (each === undefined || each === null) continue;
    place.sub = sub.name;
    const coerced = sub.multiValued ? coerceMany(sub, each, place) : coerceSingle(sub, each, place);
    if (coerced === undefined) continue;
    value[sub.name] = coerced;
    empty = false;
  }
  place.sub = '';
  if (empty) return undefined;
  return value.value === undefined && typeof value.$ref === 'string' ? named(attribute, value, value.$ref) : value;
}

/** `$ref` without `value` names the resource by the last segment of its path. */
function named(attribute: AttributeDefinition, value: JsonObject, reference: string): JsonObject {
  const id = idOfReference(reference);
  if (id === '' || attribute.byName.get('value')?.type !== 'string') return value;
  return inOrder(attribute, { ...value, value: id });
}

function coerceBoolean(raw: JsonValue, place: Place): boolean | undefined {
  if (typeof raw === 'boolean') return raw;
  if (typeof raw !== 'string') return place.fail('a boolean', raw);
  if (raw === '') return undefined;
  const folded = raw.toLowerCase();
  if (folded === 'true') return true;
  if (folded === 'false') return false;
  return place.refuse('expected a boolean, got a string that is neither "true" nor "false"');
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function coerceNumber(type: 'integer' | 'decimal', raw: JsonValue, place: Place): number | undefined {
  if (raw === '') return undefined;
  const value = typeof raw === 'string' && NUMBER.test(raw) ? Number(raw) : raw;
  if (typeof value !== 'number') return place.fail(type === 'integer' ? 'an integer' : 'a number', value);
  if (type === 'integer' && !Number.isSafeInteger(value)) return place.refuse('expected an integer of at most 53 bits');
  if (!Number.isFinite(value)) return place.refuse('expected a number that a double can hold');
  return value === 0 ? 0 : value; // -0 would not survive JSON
}

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const NOT_IN_URI = /[\s<>"\p{Cc}]/u;

/**
 * A number as text, as `employeeNumber: 12345` means "12345". Undefined where JSON has lost what the client wrote (more digits than a double holds),
 * and for what must be unique: a name is a text, and one that came as a number may have had zeros before it.
 */
function decimalText({ type, uniqueness }: AttributeDefinition, raw: number): string | undefined {
  if (type !== 'string' || uniqueness !== 'none') return undefined;
  const text = String(raw);
  const digits = text.replace(/^-?0?\.?0*|\./g, '').length;
  return DECIMAL.test(text) && (Number.isSafeInteger(raw) || digits <= EXACT_DIGITS) ? text : undefined;
}

const DECIMAL = /^-?\d+(?:\.\d+)?$/;
/** Each decimal of so many digits comes back from a double as it was. */
const EXACT_DIGITS = 15;

function coerceText(attribute: AttributeDefinition, given: JsonValue, place: Place): string | undefined {
  const raw = typeof given === 'number' ? (decimalText(attribute, given) ?? given) : given;
  if (typeof raw !== 'string') return place.fail('a string', raw);
  if (raw === '') return undefined;
  if (attribute.maxLength !== undefined && raw.length > attribute.maxLength)
    return place.refuse(`at most ${attribute.maxLength} characters are taken, got ${raw.length}`);
  if (!isWellFormed(raw)) return place.refuse('holds a lone surrogate, which is no character');
  if (raw.includes('\0')) return place.refuse('holds a NUL, which ends texts elsewhere');
  if (attribute.type === 'dateTime' && canonicalInstant(raw) === undefined) {
    return place.refuse('expected a dateTime such as "2026-01-31T09:30:00Z"');
  }
  if (attribute.type === 'binary' && !BASE64.test(raw)) return place.refuse('expected base64');
  if (attribute.type === 'reference' && NOT_IN_URI.test(raw)) return place.refuse('expected a URI');
  return raw;
}
