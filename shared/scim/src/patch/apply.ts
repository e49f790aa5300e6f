/**
 * PATCH (RFC 7644 §3.5.2): what a list of operations makes of a resource's attributes. All of them or none: an error leaves no trace, as the
 * input is never changed. The result is canonical, as `validateResource` makes it.
 *
 * Where the RFC leaves room, or identity providers need some:
 * - `add` and `replace` of a complex attribute change the sub-attributes that are given and leave the others; null or "" clears one.
 * - `replace` by a value path replaces the whole element; what its filter demanded stays, so that it still satisfies it, and what is immutable.
 * - A value path that finds nothing makes an element of its filter, where that is made of `eq` alone; else it is `noTarget`.
 * - Removing what isn't there is a success. `remove` with a value removes these elements from a multi-valued attribute or sub-attribute.
 * - `add` of nothing adds nothing to what is multi-valued; a single value it replaces (§3.5.2.1), so null clears it.
 * - Setting `primary` takes it from whoever had it.
 * - What no schema knows is left out of a value that has something known beside it; an operation with nothing else is `invalidPath`, as a success
 *   would have done nothing. What begins with a known schema or attribute and names nothing of it is always `invalidPath`.
 * - A path that is read-only is `mutability`; a read-only member of a path-less value is left out.
 */
import { comparable } from '../comparable.js';
import { sameValue } from '../equal.js';
import { quote, ScimError } from '../errors.js';
import type { Filter } from '../filter/ast.js';
import { compileFilter } from '../filter/match.js';
import { Ignored, type UnknownAttributes } from '../ignored.js';
import { keepSubs, keepValue } from '../immutable.js';
import { ELEMENTS_MAX, isObject, type JsonObject, type JsonValue, memberNames, typeName } from '../json.js';
import { expectedAt, type Resolved, resolvePath } from '../path.js';
import type { AttributeDefinition, ResourceTypeDefinition, SchemaDefinition } from '../schema/definition.js';
import { checkRequired } from '../validate.js';
import {
  coerce,
  coerceMany,
  coerceOne,
  coerceSub,
  elementKey,
  inOrder,
  inTableOrder,
  isEmpty,
  isPrimary,
  meant,
  meantBySchema,
  meantToGo,
  mergeElements,
  Place,
  unwrap,
} from '../value.js';
import {
  type AttributeTarget,
  PATCH_OPERATIONS_MAX,
  type PatchOperation,
  type PatchTarget,
  parsePatchPath,
  type Spent,
  tooManyOperations,
  unknownName,
} from './operation.js';
import { templateOf } from './template.js';

/**
 * Elements that all operations together may look at, once for each term of their filters. A long attribute and many operations fit into one small
 * body, and would hold the process for a minute: nothing else runs meanwhile, as a decision is made in one go. So many take some 10 ms, and less than
 * 50 before the code is warm. Attributes that name resources may be longer: a group is big for good reasons.
 */
export const PATCH_ELEMENTS_MAX = 10_000;
export const PATCH_MEMBERS_MAX = 1_000_000;

export interface PatchOptions {
  readonly unknownAttributes?: UnknownAttributes;
}

export interface Patched {
  readonly attributes: JsonObject;
  /** Names of unknown attributes, for the provisioning log. */
  readonly ignored: string[];
}

/** @throws ScimError `mutability`, `invalidValue`, `invalidPath`, `noTarget`, `invalidFilter`, naming the operation */
export function applyPatch(
  type: ResourceTypeDefinition,
  attributes: JsonObject,
  operations: readonly PatchOperation[],
  options: PatchOptions = {},
): Patched {
  const ignored = new Ignored(options.unknownAttributes ?? 'ignore');
  const draft = new Draft(type, attributes);
  for (const operation of operations) applyOperation(type, draft, operation, placeOf(operation, ignored));
  return { attributes: draft.finish(), ignored: ignored.list() };
}

/** Where an operation is, in an error. */
export function placeOf({ index }: PatchOperation, ignored: Ignored): Place {
  const place = new Place(ignored, `Operations[${index}]: `);
  place.strict = true;
  return place;
}

/** A copy that is made as far as it is written to. */
class Draft {
  readonly #type: ResourceTypeDefinition;
  readonly #core: JsonObject;
  readonly #extensions = new Map<string, JsonObject>();
  readonly #written = new Set<string | undefined>();
  readonly spent: Spent = { terms: 0 };
  #names = 0;
  #elements = 0;
  #members = 0;

  constructor(type: ResourceTypeDefinition, attributes: JsonObject) {
    this.#type = type;
    this.#core = { ...attributes };
    for (const { schema } of type.extensions) {
      const extension = attributes[schema.id];
      if (isObject(extension)) this.#extensions.set(schema.id, { ...extension });
    }
  }

  get(urn: string | undefined, attribute: AttributeDefinition): JsonValue | undefined {
    return (urn === undefined ? this.#core : this.#extensions.get(urn))?.[attribute.name];
  }

  /** Whether an attribute always has a value: unassigning it would mean nothing. */
  isConstant(urn: string | undefined, { name }: AttributeDefinition): boolean {
    return urn === undefined && Object.hasOwn(this.#type.defaults, name);
  }

  set(urn: string | undefined, attribute: AttributeDefinition, value: JsonValue | undefined): void {
    this.#written.add(urn);
    let container = urn === undefined ? this.#core : this.#extensions.get(urn);
    if (container === undefined) {
      container = {};
      this.#extensions.set(urn!, container);
    }
    if (value === undefined) delete container[attribute.name];
    else container[attribute.name] = value;
  }

  /** @throws ScimError `tooMany` */
  visit(attribute: AttributeDefinition, values: readonly JsonValue[], filter: Filter | undefined): void {
    const times = filter === undefined ? 1 : termsOf(filter);
    if (attribute.byName.has('$ref')) this.#members += values.length * times;
    else for (const each of values) this.#elements += costOf(each) * times;
    this.#check(attribute);
  }

  /** For each pair of elements that is compared. @throws ScimError `tooMany` */
  compare(attribute: AttributeDefinition, pairs: number): void {
    this.#elements += pairs;
    this.#check(attribute);
  }

  /** For each member of a value without a path. @throws ScimError 413 */
  name(): void {
    this.#names += 1;
    if (this.#names > PATCH_OPERATIONS_MAX) throw tooManyOperations();
  }

  #check(attribute: AttributeDefinition): void {
    if (this.#elements > PATCH_ELEMENTS_MAX || this.#members > PATCH_MEMBERS_MAX)
      throw ScimError.of('tooMany', `Operations: together they go through too many values of ${attribute.name}`);
  }

  /**
   * Everything in the tables' order. @throws ScimError `invalidValue`, where an extension that was written to lacks what it requires; one that
   * was left alone is not looked at, or a schema that grew stricter would keep leavers from being deactivated.
   */
  finish(): JsonObject {
    const attributes = inTableOrder(this.#type.attributes, this.#core);
    for (const { schema, required } of this.#type.extensions) {
      const extension = inTableOrder(schema.attributes, this.#extensions.get(schema.id) ?? {});
      if (this.#written.has(schema.id)) checkExtension(schema, extension, required);
      if (Object.keys(extension).length === 0) delete attributes[schema.id];
      else attributes[schema.id] = extension;
    }
    return attributes;
  }
}

function checkExtension(schema: SchemaDefinition, extension: JsonObject, required: boolean): void {
  if (Object.keys(extension).length === 0) {
    if (required) throw ScimError.of('invalidValue', `${schema.id}: required, but missing`);
    return;
  }
  for (const attribute of schema.attributes) {
    if (attribute.mutability !== 'readOnly') checkRequired(attribute, extension[attribute.name], `${schema.id}:${attribute.name}`);
  }
}

function termsOf(filter: Filter): number {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.reduce((sum, each) => sum + termsOf(each), 0);
    case 'not':
    case 'valuePath':
      return termsOf(filter.filter);
    default:
      return 1;
  }
}

/** A long text costs more to fold and compare than a short one. */
function costOf(value: JsonValue): number {
  if (typeof value === 'string') return 1 + value.length / 64;
  if (!isObject(value)) return 1;
  let cost = 1;
  for (const each of Object.values(value)) {
    if (typeof each === 'string') cost += each.length / 64;
    else if (Array.isArray(each)) for (const one of each) cost += costOf(one);
  }
  return cost;
}

function applyOperation(type: ResourceTypeDefinition, draft: Draft, operation: PatchOperation, place: Place): void {
  const { op, target, value } = operation;
  if (target === undefined || target.kind === 'schema') applyObject(type, draft, operation, place);
  else if (target.kind === 'unknown') throw ScimError.of('invalidPath', `${place.prefix}${unknownName(type, target.text)}`);
  else if (target.kind === 'attribute') {
    // Some clients add an extension's URN to `schemas` before they use it; what it holds follows from the values anyway.
    if (target.attribute.name === 'schemas' && target.urn === undefined && op !== 'remove') return;
    refuseReadOnly(target, place);
    applyMember(draft, op, target, value, place);
  }
}

/** A value without a path, or with a schema's URN for one: each member's name is a path. @throws ScimError `invalidPath`, where none is known */
function applyObject(type: ResourceTypeDefinition, draft: Draft, { op, target, value, isRest }: PatchOperation, place: Place): void {
  if (target?.kind !== 'schema' && !isObject(value))
    throw ScimError.of('invalidValue', `${place.prefix}value: expected an object, got ${typeName(value)}`);
  const unknown =
    target?.kind === 'schema'
      ? applySchema(type, draft, op, target.schema, target.urn, value, place)
      : applyKeys(type, draft, op, value as JsonObject, undefined, place);
  if (unknown !== undefined && !isRest) throw ScimError.of('invalidPath', `${place.prefix}${unknownName(type, unknown)}`);
}

/**
 * The members of an object, each by its own name: of the resource, or of one of its schemas.
 * @returns the first name, where none is known
 */
function applyKeys(
  type: ResourceTypeDefinition,
  draft: Draft,
  op: PatchOperation['op'],
  value: JsonObject,
  schema: SchemaDefinition | undefined,
  place: Place,
): string | undefined {
  const seen = new Set<string>();
  let first: string | undefined;
  let isKnown = false;
  const unknown = (name: string) => {
    place.ignored.note(name);
    first ??= name;
  };
  const keys = memberNames(value, `${place.prefix}${schema?.id ?? 'value'}`);
  for (const key of keys) {
    const text = schema === undefined ? key : `${schema.id}:${key}`;
    const target = targetOfKey(type, draft, text, schema, place);
    if (target.kind === 'unknown') {
      unknown(text);
      continue;
    }
    if (target.kind === 'schema') {
      const lost = applySchema(type, draft, op, target.schema, target.urn, value[key], place);
      first ??= lost;
      if (lost !== undefined) continue;
    } else if (target.kind === 'attribute') {
      if (target.filter === undefined) refuseTwice(seen, target, key, place);
      if (!isReadOnly(target)) applyMember(draft, op, target, value[key]!, place);
    }
    isKnown = true;
  }
  return isKnown ? undefined : first;
}

/** The object under a schema's URN, with a path or without. @returns as applyKeys */
function applySchema(
  type: ResourceTypeDefinition,
  draft: Draft,
  op: PatchOperation['op'],
  schema: SchemaDefinition,
  urn: string | undefined,
  raw: JsonValue | undefined,
  place: Place,
): string | undefined {
  const value = raw === undefined ? undefined : meantBySchema(schema.id, raw);
  if (op === 'remove' || value === null || value === '') {
    if (urn === undefined) throw ScimError.of('invalidPath', `${place.prefix}${schema.id}: the core schema can't be removed`);
    for (const attribute of schema.attributes) {
      if (attribute.mutability === 'readOnly' || draft.get(urn, attribute) === undefined) continue;
      if (attribute.mutability === 'immutable') {
        throw ScimError.of('mutability', `${place.prefix}${schema.id}:${attribute.name}: is immutable, and has a value`);
      }
      draft.set(urn, attribute, undefined);
    }
    return undefined;
  }
  if (!isObject(value)) throw ScimError.of('invalidValue', `${place.prefix}${schema.id}: expected an object, got ${typeName(value)}`);
  return applyKeys(type, draft, op, value, schema, place);
}

function applyMember(draft: Draft, op: PatchOperation['op'], target: AttributeTarget, value: JsonValue | undefined, place: Place): void {
  const definition = target.sub ?? target.attribute;
  if (op === 'remove') remove(draft, target, meantToGo(definition, value), place);
  else write(draft, op, target, meant(definition, value ?? null), place);
}

/**
 * What a member's name points to. What isn't even a path is a member that no schema knows, as is a name that the schema around it does not have;
 * only brackets show that a path was meant.
 */
function targetOfKey(
  type: ResourceTypeDefinition,
  draft: Draft,
  text: string,
  within: SchemaDefinition | undefined,
  place: Place,
): PatchTarget {
  draft.name();
  if (!text.includes('[')) {
    const resolved = resolvePath(type, text);
    if (resolved.kind === 'malformed' || (within !== undefined && isNameless(resolved))) return { kind: 'unknown', text };
    if (resolved.kind === 'wrong') throw ScimError.of('invalidPath', `${place.prefix}${quote(text)}: ${expectedAt(type, resolved)}`);
  }
  return parsePatchPath(type, text, draft.spent);
}

/** A schema has nothing of that name. */
const isNameless = (resolved: Resolved): boolean => resolved.kind === 'wrong' && resolved.attribute === undefined;

function refuseTwice(seen: Set<string>, { urn, attribute, sub }: AttributeTarget, key: string, place: Place): void {
  const name = `${urn ?? ''}:${attribute.name}.${sub?.name ?? ''}`;
  if (seen.has(name)) throw ScimError.of('invalidSyntax', `${place.prefix}${attribute.name}: given twice, again as ${quote(key)}`);
  seen.add(name);
}

function isReadOnly({ attribute, sub }: AttributeTarget): boolean {
  return attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly';
}

function nameOf({ urn, attribute, sub }: AttributeTarget): string {
  return `${urn === undefined ? '' : `${urn}:`}${attribute.name}${sub === undefined ? '' : `.${sub.name}`}`;
}

function refuseReadOnly(target: AttributeTarget, place: Place): void {
  if (isReadOnly(target)) throw ScimError.of('mutability', `${place.prefix}${nameOf(target)}: is read-only`);
}

function write(draft: Draft, op: 'add' | 'replace', target: AttributeTarget, raw: JsonValue, place: Place): void {
  const { urn, attribute } = target;
  const before = draft.get(urn, attribute);
  if (Array.isArray(before)) draft.visit(attribute, before, target.filter);
  const after = attribute.multiValued
    ? writeMany(draft, op, target, asList(before), raw, place)
    : writeSingle(draft, op, target, before, raw, place);
  if (after === undefined && draft.isConstant(urn, attribute)) place.at(attribute).fail(`a ${attribute.type}`, raw);
  const where = `${place.prefix}${urn === undefined ? '' : `${urn}:`}${attribute.name}`;
  if (Array.isArray(after) && after.length > ELEMENTS_MAX && after.length > asList(before).length && !attribute.byName.has('$ref'))
    throw ScimError.of('invalidValue', `${where}: at most ${ELEMENTS_MAX} values are taken, it would have ${after.length}`);
  // An extension's required attributes are looked at in the end, when all of them had a chance to come.
  if (urn === undefined || after !== undefined) checkRequired(attribute, after, where);
  const isImmutable = attribute.mutability === 'immutable' && before !== undefined;
  draft.set(urn, attribute, isImmutable ? keepValue(attribute, before, after ?? null, where) : after);
}

function writeSingle(
  draft: Draft,
  op: 'add' | 'replace',
  { attribute, sub }: AttributeTarget,
  before: JsonValue | undefined,
  raw: JsonValue,
  place: Place,
): JsonValue | undefined {
  const current = isObject(before) ? before : {};
  const write = (changes: JsonObject) => assembled(attribute, current, written(draft, op, attribute, current, changes, place), place);
  if (sub !== undefined) return write({ [sub.name]: coerceSub(attribute, sub, raw, place) ?? null });
  if (attribute.type !== 'complex') return coerce(attribute, raw, place);
  const given = coerce(attribute, raw, place);
  const only = unwrap(attribute, raw, place);
  if (isEmpty(only)) return undefined;
  return write({ ...cleared(attribute, only), ...(isObject(given) ? given : {}) });
}

/** What becomes of sub-attributes. An add to one that is multi-valued adds to what it has, and adds nothing where it gives nothing (§3.5.2.1). */
function written(
  draft: Draft,
  op: 'add' | 'replace',
  attribute: AttributeDefinition,
  current: JsonObject,
  given: JsonObject,
  place: Place,
): JsonObject {
  if (op === 'replace') return given;
  let changes = given;
  for (const name of Object.keys(given)) {
    const sub = attribute.byName.get(name);
    const before = asList(current[name]);
    if (!sub?.multiValued || before.length === 0) continue;
    draft.visit(sub, before, undefined);
    const merged = mergeElements(sub, before, asList(given[name]));
    if (merged.length > ELEMENTS_MAX && merged.length > before.length)
      throw ScimError.of(
        'invalidValue',
        `${place.prefix}${attribute.name}.${name}: at most ${ELEMENTS_MAX} values are taken, it would have ${merged.length}`,
      );
    changes = { ...changes, [name]: merged };
  }
  return changes;
}

/** Sub-attributes that the client set to null or "", as nulls. */
function cleared(attribute: AttributeDefinition, raw: JsonValue): JsonObject {
  const nulls: JsonObject = {};
  if (!isObject(raw)) return nulls;
  for (const key of Object.keys(raw)) {
    const sub = attribute.byName.get(key) ?? attribute.byName.get(key.toLowerCase());
    if (sub !== undefined && sub.mutability !== 'readOnly' && isEmpty(raw[key])) nulls[sub.name] = null;
  }
  return nulls;
}

/** A complex value with some sub-attributes changed; null clears. Undefined, where nothing is left. */
function assembled(attribute: AttributeDefinition, current: JsonObject, changes: JsonObject, place: Place): JsonObject | undefined {
  const next = keepSubs(attribute, current, { ...current, ...changes }, `${place.prefix}${attribute.name}`);
  // A reference belongs to the value beside it; a new value must not keep the old one's.
  if (next.value !== current.value && changes.$ref === undefined && attribute.byName.has('$ref')) delete next.$ref;
  const ordered = inOrder(attribute, next);
  return Object.keys(ordered).length === 0 ? undefined : ordered;
}

function sameComparable(definition: AttributeDefinition, a: JsonValue, b: JsonValue): boolean {
  const left = comparable(definition, a);
  return left === undefined ? sameValue(a, b) : left === comparable(definition, b);
}

function asList(value: JsonValue | undefined): JsonValue[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function writeMany(
  draft: Draft,
  op: 'add' | 'replace',
  target: AttributeTarget,
  before: JsonValue[],
  raw: JsonValue,
  place: Place,
): JsonValue[] | undefined {
  const { attribute, filter, sub } = target;
  if (filter === undefined && sub === undefined) {
    const given = (coerce(attribute, raw, place) as JsonValue[] | undefined) ?? [];
    if (op === 'replace') {
      if (given.length === 0) return undefined;
      return before.length === 0 ? given : asList(keepValue(attribute, before, given, `${place.prefix}${attribute.name}`));
    }
    if (given.length === 0) return before.length === 0 ? undefined : before;
    const merged = mergeElements(
      attribute,
      before,
      given,
      (element, more) => assembled(attribute, element, written(draft, op, attribute, element, more, place), place) ?? element,
    );
    const primary = given.find(isPrimary);
    return primary === undefined ? merged : handOver(merged, keyedBy(attribute, primary));
  }
  return writeElements(draft, op, target, before, raw, place);
}

function keyedBy(attribute: AttributeDefinition, element: JsonValue): (each: JsonValue) => boolean {
  const key = elementKey(attribute, element);
  return (each) => elementKey(attribute, each) === key;
}

/** Whoever is primary now, the others no longer are (RFC 7644 §3.5.2). */
function handOver(elements: JsonValue[], isNew: (element: JsonValue) => boolean): JsonValue[] {
  return elements.map((each) => (isObject(each) && each.primary === true && !isNew(each) ? { ...each, primary: false } : each));
}

/** Changes the elements that the filter finds, or all of them where only a sub-attribute is named; makes one where there is none. */
function writeElements(
  draft: Draft,
  op: 'add' | 'replace',
  target: AttributeTarget,
  before: JsonValue[],
  raw: JsonValue,
  place: Place,
): JsonValue[] | undefined {
  const { attribute, filter, sub } = target;
  const satisfies = filter === undefined ? () => true : compileFilter(filter);
  const template = filter === undefined ? {} : templateOf(filter);
  const change = changeOf(draft, op, target, raw, template ?? {}, place);
  if (change === undefined) return before.length === 0 ? undefined : before;
  const changed = new Set<JsonValue>();
  const after: JsonValue[] = [];
  let found = false;
  // Elements are told apart by their keys: where none gets another, none can have become the same as another.
  let isRekeyed = false;
  for (const element of before) {
    if (!isObject(element) || !satisfies(element)) {
      after.push(element);
      continue;
    }
    found = true;
    const next = change(element);
    if (next === undefined) continue;
    after.push(next);
    changed.add(next);
    isRekeyed ||= elementKey(attribute, next) !== elementKey(attribute, element);
  }
  if (!found && !isEmpty(raw)) {
    if (template === undefined) {
      throw ScimError.of(
        'noTarget',
        `${place.prefix}${attribute.name}[…]${sub === undefined ? '' : `.${sub.name}`}: no value satisfies the filter`,
      );
    }
    const created = change(template);
    if (created !== undefined) {
      after.push(created);
      changed.add(created);
      isRekeyed = true;
    }
  }
  const primaries = [...changed].filter(isPrimary);
  const setsPrimary = sub === undefined ? primaries.length > 0 : sub.name === 'primary' || !found;
  if (setsPrimary && primaries.length > 1) {
    throw ScimError.of('invalidValue', `${place.prefix}${attribute.name}: more than one value would be primary`);
  }
  const handsOver = setsPrimary && primaries.length === 1;
  const handed = handsOver ? handOver(after, (each) => each === primaries[0]) : after;
  const unique = isRekeyed || handsOver ? mergeElements(attribute, [], handed) : handed;
  return unique.length === 0 ? undefined : unique;
}

/** What becomes of one element: undefined where it goes. Undefined itself: nothing is changed, as an add gives nothing. */
function changeOf(
  draft: Draft,
  op: 'add' | 'replace',
  { attribute, sub }: AttributeTarget,
  raw: JsonValue,
  template: JsonObject,
  place: Place,
): ((element: JsonObject) => JsonObject | undefined) | undefined {
  const write = (changes: JsonObject) => (element: JsonObject) =>
    assembled(attribute, element, written(draft, op, attribute, element, changes, place), place);
  if (sub !== undefined) return write({ [sub.name]: coerceSub(attribute, sub, raw, place) ?? null });
  place.name = attribute.name;
  place.index = -1;
  place.sub = '';
  const only = unwrap(attribute, raw, place);
  const given = coerceOne(attribute, only, place);
  if (!isObject(given)) {
    if (isObject(only) && Object.keys(only).length > 0) return write(cleared(attribute, only));
    return op === 'add' ? undefined : () => undefined;
  }
  if (op === 'add') return write({ ...cleared(attribute, only), ...given });
  return (element) => keepSubs(attribute, element, inOrder(attribute, { ...template, ...given }), `${place.prefix}${attribute.name}`);
}

function remove(draft: Draft, target: AttributeTarget, raw: JsonValue | undefined, place: Place): void {
  const { urn, attribute, filter, sub } = target;
  const before = draft.get(urn, attribute);
  const whole = filter === undefined && sub === undefined;
  const isAllOfSub = sub?.required && !(sub.multiValued && raw !== undefined && raw !== null);
  if (isAllOfSub || (whole && attribute.required && !(attribute.multiValued && raw !== undefined && raw !== null))) {
    throw ScimError.of('mutability', `${place.prefix}${nameOf(target)}: is required, and can't be removed`);
  }
  if (before === undefined) return;
  if (Array.isArray(before)) draft.visit(attribute, before, target.filter);
  const after = attribute.multiValued
    ? removeMany(draft, target, asList(before), raw, place)
    : removeSingle(draft, target, before, raw, place);
  if (attribute.mutability === 'immutable' && !sameValue(before, after)) {
    throw ScimError.of('mutability', `${place.prefix}${nameOf(target)}: is immutable, and has a value`);
  }
  if (attribute.required && after === undefined) {
    throw ScimError.of('mutability', `${place.prefix}${nameOf(target)}: is required, and can't be removed`);
  }
  draft.set(urn, attribute, after);
}

function removeSingle(
  draft: Draft,
  target: AttributeTarget,
  before: JsonValue,
  raw: JsonValue | undefined,
  place: Place,
): JsonValue | undefined {
  const { attribute, sub } = target;
  if (sub === undefined || !isObject(before)) return undefined;
  return assembled(attribute, before, { [sub.name]: leftOf(draft, target, sub, raw, place)(before) }, place);
}

/** What a remove leaves of a sub-attribute: null, or those of its values that are not listed. */
function leftOf(
  draft: Draft,
  target: AttributeTarget,
  sub: AttributeDefinition,
  raw: JsonValue | undefined,
  place: Place,
): (element: JsonObject) => JsonValue {
  if (!sub.multiValued || raw === undefined || raw === null || raw === '') return () => null;
  const listed = new Set(asList(coerceSub(target.attribute, sub, raw, place)).map((each) => elementKey(sub, each)));
  return (element) => {
    const values = asList(element[sub.name]);
    draft.visit(sub, values, undefined);
    const left = values.filter((each) => !listed.has(elementKey(sub, each)));
    if (left.length > 0) return left;
    if (sub.required && values.length > 0)
      throw ScimError.of('mutability', `${place.prefix}${nameOf(target)}: is required, and can't be removed`);
    return null;
  };
}

function removeMany(
  draft: Draft,
  target: AttributeTarget,
  before: JsonValue[],
  raw: JsonValue | undefined,
  place: Place,
): JsonValue[] | undefined {
  const { attribute, filter, sub } = target;
  const satisfies = filter === undefined ? () => true : compileFilter(filter);
  let after: JsonValue[];
  if (sub !== undefined) {
    const rest = leftOf(draft, target, sub, raw, place);
    const left = before.flatMap((each) =>
      isObject(each) && satisfies(each) ? (assembled(attribute, each, { [sub.name]: rest(each) }, place) ?? []) : [each],
    );
    after = mergeElements(attribute, [], left); // what told two apart may be gone
  } else if (filter !== undefined) {
    after = before.filter((each) => !(isObject(each) && satisfies(each)));
  } else if (raw === undefined || raw === null || raw === '') {
    after = [];
  } else {
    after = withoutListed(draft, attribute, before, raw, place);
  }
  return after.length === 0 ? undefined : after;
}

/** Entra's older form: `remove` of `members` with `[{ "value": "…" }]` removes these, and an empty list nobody. */
function withoutListed(draft: Draft, attribute: AttributeDefinition, before: JsonValue[], raw: JsonValue, place: Place): JsonValue[] {
  place.name = attribute.name;
  const listed = coerceMany(attribute, raw, place) ?? [];
  if (attribute.byName.has('$ref') || attribute.type !== 'complex') {
    const keys = new Set(listed.map((each) => elementKey(attribute, each)));
    return before.filter((each) => !keys.has(elementKey(attribute, each)));
  }
  // Only those of one value are compared with each other, and those without any with all.
  const byValue = new Map<string, JsonObject[]>();
  for (const each of listed.filter(isObject)) {
    const key = valueKey(attribute, each);
    byValue.set(key, [...(byValue.get(key) ?? []), each]);
  }
  const without = byValue.get('') ?? [];
  return before.filter((each) => {
    if (!isObject(each)) return true;
    const key = valueKey(attribute, each);
    const wanted = key === '' ? without : [...(byValue.get(key) ?? []), ...without];
    draft.compare(attribute, wanted.length);
    return !wanted.some((listedOne) => agrees(attribute, each, listedOne));
  });
}

/** Equal for elements of equal value; empty where there is none. */
function valueKey(attribute: AttributeDefinition, { value }: JsonObject): string {
  const definition = attribute.byName.get('value');
  return value === undefined || definition === undefined ? '' : `=${JSON.stringify(comparable(definition, value) ?? value)}`;
}

/** Whether an element has everything that is said of the one to remove. */
function agrees(attribute: AttributeDefinition, element: JsonObject, listed: JsonObject): boolean {
  return (attribute.subAttributes ?? []).every((sub) => {
    const wanted = listed[sub.name];
    return wanted === undefined || (element[sub.name] !== undefined && sameComparable(sub, wanted, element[sub.name]!));
  });
}
