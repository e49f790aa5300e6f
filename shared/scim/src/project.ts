/** Which attributes an answer holds (RFC 7644 §3.9, RFC 7643 §2.2 `returned`). */
import { ScimError } from './errors.js';
import { isObject, type JsonObject, type JsonValue } from './json.js';
import { resolvePath } from './path.js';
import type { AttributeDefinition, ResourceTypeDefinition } from './schema/definition.js';

export const ATTRIBUTE_NAMES_MAX = 200;

export interface Selection {
  readonly attributes?: readonly string[] | undefined;
  readonly excludedAttributes?: readonly string[] | undefined;
  /** What is shown although it is returned on request alone, unless `attributes` says what is: a client has given it ({@link specifiedIn}). */
  readonly specified?: readonly string[] | undefined;
}

/** The value of the `attributes` or `excludedAttributes` parameter. @throws ScimError `invalidValue`: too many */
export function parseAttributeNames(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length > ATTRIBUTE_NAMES_MAX) throw ScimError.of('invalidValue', `attributes: at most ${ATTRIBUTE_NAMES_MAX} names are taken`);
  return names;
}

/**
 * The part of a full resource that was asked for. Names are taken in any case, qualified by a URN or not, down to sub-attributes; a URN by
 * itself means all of its schema; unknown names select nothing. What is returned `always` (`id`, `schemas`) always is.
 *
 * @throws ScimError `invalidValue`, where both lists are given
 */
export function project(type: ResourceTypeDefinition, resource: JsonObject, selection: Selection = {}): JsonObject {
  const chosen = choose(type, selection);
  const result = pick(type.attributes, resource, chosen, undefined) ?? {};
  for (const { schema } of type.extensions) {
    const extension = resource[schema.id];
    const picked = isObject(extension) ? pick(schema.attributes, extension, chosen, schema.id) : undefined;
    if (picked !== undefined) result[schema.id] = picked;
  }
  return result;
}

/**
 * The attributes of a resource without those that are returned `never`, down to sub-attributes: what an administrator may read.
 * Attributes that no schema of the type knows stay.
 *
 * @example withoutSecrets(type, { userName: 'ada', 'urn:example:badge': { pin: '1234', level: 3 } }) // where pin is returned never
 *   // { userName: 'ada', 'urn:example:badge': { level: 3 } }
 */
export function withoutSecrets(type: ResourceTypeDefinition, attributes: JsonObject): JsonObject {
  const extensions = new Map(type.extensions.map(({ schema }) => [schema.id, schema.attributes]));
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) => {
      const extension = extensions.get(name);
      if (extension !== undefined) return isObject(value) ? [[name, readableOf(extension, value)]] : [];
      const attribute = type.byName.get(name);
      if (attribute === undefined) return [[name, value]];
      return attribute.returned === 'never' ? [] : [[name, readableSubs(attribute, value)]];
    }),
  );
}

function readableOf(table: readonly AttributeDefinition[], value: JsonObject): JsonObject {
  const secret = new Set(table.filter(({ returned }) => returned === 'never').map(({ name }) => name));
  const byName = new Map(table.map((attribute) => [attribute.name, attribute]));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !secret.has(name))
      .map(([name, each]) => [name, byName.has(name) ? readableSubs(byName.get(name)!, each) : each]),
  );
}

function readableSubs({ subAttributes }: AttributeDefinition, value: JsonValue): JsonValue {
  if (subAttributes === undefined || subAttributes.every(({ returned }) => returned !== 'never')) return value;
  if (Array.isArray(value)) return value.map((each) => (isObject(each) ? readableOf(subAttributes, each) : each));
  return isObject(value) ? readableOf(subAttributes, value) : value;
}

/**
 * Whether an attribute (of the core schema, by its canonical name) is in the answer, wholly or in part: what isn't need not be loaded.
 * `isReturned(GROUP, { excludedAttributes: ['members'] }, 'members')` is false.
 */
export function isReturned(type: ResourceTypeDefinition, selection: Selection, name: string): boolean {
  const attribute = type.byName.get(name);
  return attribute !== undefined && judge(choose(type, selection), undefined, attribute) !== false;
}

/** Of the names in a list, by extension (or undefined), attribute and sub-attribute. */
interface Chosen {
  readonly mode: 'default' | 'only' | 'without';
  /** `urn` alone: the whole schema; `urn` and an attribute: all of it. */
  readonly names: ReadonlySet<string>;
  /** Alike: attributes and sub-attributes on request that are shown without being asked for. */
  readonly specified: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();
const DEFAULT: Chosen = { mode: 'default', names: NONE, specified: NONE };

function choose(type: ResourceTypeDefinition, { attributes, excludedAttributes, specified = [] }: Selection): Chosen {
  const only = attributes !== undefined && attributes.length > 0;
  const without = excludedAttributes !== undefined && excludedAttributes.length > 0;
  if (only && without) throw ScimError.of('invalidValue', 'attributes and excludedAttributes exclude each other');
  if (!only && !without && specified.length === 0) return DEFAULT;
  const mode = only ? 'only' : without ? 'without' : 'default';
  return { mode, names: keysOf(type, (only ? attributes : excludedAttributes) ?? []), specified: keysOf(type, specified) };
}

function keysOf(type: ResourceTypeDefinition, written: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const name of written) {
    const resolved = resolvePath(type, name);
    if (resolved.kind === 'schema') names.add(keyOf(resolved.urn));
    if (resolved.kind !== 'attribute') continue;
    const { urn, attribute, sub } = resolved.path;
    names.add(keyOf(urn, attribute, sub));
    if (sub !== undefined) names.add(`${keyOf(urn, attribute)}.`); // some of it
  }
  return names;
}

function keyOf(urn: string | undefined, attribute?: AttributeDefinition, sub?: AttributeDefinition): string {
  return `${urn ?? ''}|${attribute?.name ?? ''}${sub === undefined ? '' : `.${sub.name}`}`;
}

/** True: all of it that is returned by default; false: nothing; `partly`: it depends on the sub-attribute. */
function judge({ mode, names, specified }: Chosen, urn: string | undefined, attribute: AttributeDefinition): boolean | 'partly' {
  if (attribute.returned === 'never') return false;
  const key = keyOf(urn, attribute);
  const named = names.has(key) || names.has(keyOf(urn));
  if (mode === 'only') {
    if (attribute.returned === 'always' || named) return true;
    if (names.has(`${key}.`)) return 'partly';
    return (attribute.subAttributes ?? []).some((sub) => sub.returned === 'always') ? 'partly' : false;
  }
  if (attribute.returned === 'request' && !specified.has(key)) return false;
  if (mode === 'default' || attribute.returned === 'always') return true;
  if (!named) return names.has(`${key}.`) ? 'partly' : true;
  return (attribute.subAttributes ?? []).some((sub) => sub.returned === 'always') ? 'partly' : false;
}

function pick(table: readonly AttributeDefinition[], from: JsonObject, chosen: Chosen, urn: string | undefined): JsonObject | undefined {
  const result: JsonObject = {};
  let empty = true;
  for (const attribute of table) {
    const value = from[attribute.name];
    if (value === undefined) continue;
    const verdict = judge(chosen, urn, attribute);
    const picked = verdict === false ? undefined : pickSubs(attribute, value, chosen, urn, verdict);
    if (picked === undefined) continue;
    result[attribute.name] = picked;
    empty = false;
  }
  return empty ? undefined : result;
}

function pickSubs(
  attribute: AttributeDefinition,
  value: JsonValue,
  chosen: Chosen,
  urn: string | undefined,
  verdict: true | 'partly',
): JsonValue | undefined {
  const subs = attribute.subAttributes;
  if (subs === undefined) return value;
  if (verdict === true && subs.every((sub) => sub.returned === 'default' || sub.returned === 'always')) return value;
  const wanted = subs.filter((sub) => wants(attribute, sub, chosen, urn, verdict));
  if (!Array.isArray(value)) return isObject(value) ? only(wanted, value) : undefined;
  const elements = value.map((each) => (isObject(each) ? only(wanted, each) : undefined)).filter((each) => each !== undefined);
  return elements.length === 0 ? undefined : elements;
}

function wants(
  attribute: AttributeDefinition,
  sub: AttributeDefinition,
  { mode, names, specified }: Chosen,
  urn: string | undefined,
  verdict: true | 'partly',
): boolean {
  if (sub.returned === 'never') return false;
  if (sub.returned === 'always') return true;
  const key = keyOf(urn, attribute, sub);
  const named = names.has(key);
  if (mode === 'only') return named || (verdict === true && sub.returned === 'default');
  if (sub.returned === 'request' && !specified.has(key)) return false;
  return !named && !names.has(keyOf(urn, attribute)) && !names.has(keyOf(urn));
}

function only(subs: readonly AttributeDefinition[], value: JsonObject): JsonObject | undefined {
  const result: JsonObject = {};
  for (const { name } of subs) if (value[name] !== undefined) result[name] = value[name];
  return Object.keys(result).length === 0 ? undefined : result;
}
