/** What the body of a POST or PUT means (RFC 7644 §3.3, §3.5.1): the attributes that a client may set, in canonical form. */
import { quote, ScimError } from './errors.js';
import { Ignored, type UnknownAttributes } from './ignored.js';
import { isObject, type JsonObject, type JsonValue, memberNames, typeName } from './json.js';
import { type AttributePath, expectedAt, resolvePath, type Wrong } from './path.js';
import { type AttributeDefinition, lookUp, type ResourceTypeDefinition, type SchemaDefinition } from './schema/definition.js';
import { isBlank } from './text.js';
import { coerce, meantBySchema, Place } from './value.js';

export interface ValidateOptions {
  /** Attributes that no schema knows: left out and noted, or a reason to refuse. */
  readonly unknownAttributes?: UnknownAttributes;
  /** A create fills in defaults (`active: true`); after a replace, what is absent is the caller's to keep or drop. */
  readonly purpose: 'create' | 'replace';
}

export interface Validated {
  readonly attributes: JsonObject;
  /** Names of unknown attributes, for the provisioning log. */
  readonly ignored: string[];
}

/**
 * Names come out as the tables spell them and in their order, extensions under their full URN. Left out: what is read-only (`id`, `meta`,
 * `groups`), `password`, `schemas`, and whatever is unassigned: null, the empty string, an empty array.
 *
 * @throws ScimError `invalidSyntax`: no object, wrong `schemas`, one attribute in two spellings; `invalidValue`: wrong type, required and missing;
 *   `invalidPath`: a key that begins with a known schema or attribute and names nothing of it
 */
export function validateResource(type: ResourceTypeDefinition, body: JsonValue, options: ValidateOptions): Validated {
  if (!isObject(body)) throw ScimError.of('invalidSyntax', `body: expected an object, got ${typeName(body)}`);
  const ignored = new Ignored(options.unknownAttributes ?? 'ignore');
  const given = sort(type, body, ignored);
  const place = new Place(ignored);
  const attributes: JsonObject = {};
  coerceAll(type.attributes, given.core, attributes, place, type.defaults, options.purpose);
  for (const { schema, required } of type.extensions) {
    const members = given.extensions.get(schema);
    if (members === undefined && !required) continue;
    place.prefix = `${schema.id}:`;
    const extension: JsonObject = {};
    coerceAll(schema.attributes, members ?? [], extension, place, {}, options.purpose);
    if (Object.keys(extension).length > 0) attributes[schema.id] = extension;
    else if (required) throw ScimError.of('invalidValue', `${schema.id}: required, but missing`);
  }
  return { attributes, ignored: ignored.list() };
}

/** @throws ScimError `invalidValue`, where a required attribute, or a required sub-attribute of what is there, has no value */
export function checkRequired(attribute: AttributeDefinition, value: JsonValue | undefined, place: string): void {
  if (attribute.required) {
    if (value === undefined) throw ScimError.of('invalidValue', `${place}: required, but missing`);
    if (typeof value === 'string' && isBlank(value)) throw ScimError.of('invalidValue', `${place}: required, but empty`);
  }
  if (attribute.type !== 'complex' || value === undefined) return;
  for (const sub of attribute.subAttributes ?? []) {
    if (!sub.required || sub.mutability === 'readOnly') continue;
    for (const element of Array.isArray(value) ? value : [value]) {
      if (isObject(element)) checkRequired(sub, element[sub.name], `${place}.${sub.name}`);
    }
  }
}

/** What came for each attribute of a table, by its position. */
type Given = (JsonValue | undefined)[];

function coerceAll(
  table: readonly AttributeDefinition[],
  given: Given,
  into: JsonObject,
  place: Place,
  defaults: JsonObject,
  purpose: ValidateOptions['purpose'],
): void {
  for (let at = 0; at < table.length; at++) {
    const attribute = table[at]!;
    if (attribute.mutability === 'readOnly') continue;
    const raw = given[at];
    let value = raw === undefined || raw === null ? undefined : coerce(attribute, raw, place);
    if (value === undefined && Object.hasOwn(defaults, attribute.name)) {
      // It always has a value: one that was given and says nothing may be a wish that we don't understand.
      if (raw !== undefined) place.at(attribute).fail(`a ${attribute.type}`, raw);
      if (purpose === 'replace') continue;
      value = defaults[attribute.name];
    }
    if (attribute.required || attribute.type === 'complex') checkRequired(attribute, value, `${place.prefix}${attribute.name}`);
    if (value !== undefined) into[attribute.name] = value;
  }
}

interface Sorted {
  readonly core: Given;
  readonly extensions: Map<SchemaDefinition, Given>;
}

/** Finds each member's place in the tables. */
function sort(type: ResourceTypeDefinition, body: JsonObject, ignored: Ignored): Sorted {
  const sorted: Sorted = { core: [], extensions: new Map() };
  // Dotted keys come last, so that they find the object to which they add.
  const dotted: Dotted[] = [];
  let schemasSeen = false;
  for (const key of memberNames(body, 'body')) {
    const value = body[key]!;
    const attribute = type.byName.get(key);
    if (attribute !== undefined && attribute.name !== 'schemas') {
      put(sorted.core, attribute, value, key);
      continue;
    }
    const resolved = resolvePath(type, key);
    if (resolved.kind === 'wrong') refuseWrong(type, key, resolved);
    if (resolved.kind === 'schema') {
      putSchema(type, sorted, dotted, resolved.schema, value, ignored);
    } else if (resolved.kind === 'attribute') {
      if (resolved.path.attribute.name === 'schemas' && resolved.path.urn === undefined) {
        if (schemasSeen) throw ScimError.of('invalidSyntax', 'schemas: given twice, in two spellings');
        schemasSeen = true;
        checkSchemas(type, value);
      } else putAt(type, sorted, dotted, resolved.path, value, key);
    } else if (resolved.kind !== 'dropped') ignored.note(key);
  }
  for (const { attribute, sub, into, value } of dotted) putSub(into, attribute, sub, value);
  return sorted;
}

/** `name.givenName` as a key. */
interface Dotted {
  readonly attribute: AttributeDefinition;
  readonly sub: AttributeDefinition;
  readonly into: Given;
  readonly value: JsonValue;
}

function refuseWrong(type: ResourceTypeDefinition, key: string, wrong: Wrong): never {
  throw ScimError.of('invalidPath', `${quote(key)}: ${expectedAt(type, wrong)}`);
}

function putAt(
  type: ResourceTypeDefinition,
  sorted: Sorted,
  dotted: Dotted[],
  { urn, attribute, sub }: AttributePath,
  value: JsonValue,
  key: string,
): void {
  const into = urn === undefined ? sorted.core : extensionOf(sorted, type.byUrn.get(urn.toLowerCase())!);
  if (sub === undefined) put(into, attribute, value, key);
  else dotted.push({ attribute, sub, into, value });
}

function extensionOf(sorted: Sorted, schema: SchemaDefinition): Given {
  let given = sorted.extensions.get(schema);
  if (given === undefined) {
    given = [];
    sorted.extensions.set(schema, given);
  }
  return given;
}

function put(into: Given, attribute: AttributeDefinition, value: JsonValue, key: string): void {
  if (into[attribute.position] !== undefined) throw ScimError.of('invalidSyntax', `${attribute.name}: given twice, again as ${quote(key)}`);
  into[attribute.position] = value;
}

/** `name.givenName` at the top level adds to `name`, if that isn't saying it twice. */
function putSub(into: Given, attribute: AttributeDefinition, sub: AttributeDefinition, value: JsonValue): void {
  const before = into[attribute.position] ?? {};
  const clash = !isObject(before) || Object.keys(before).some((key) => lookUp(attribute.byName, key) === sub);
  if (clash) throw ScimError.of('invalidSyntax', `${attribute.name}.${sub.name}: given twice`);
  into[attribute.position] = { ...before, [sub.name]: value };
}

/** The members of a schema's URN, usually an extension's; the core schema's are taken too. What the schema lacks may stand beside what it has. */
function putSchema(
  type: ResourceTypeDefinition,
  sorted: Sorted,
  dotted: Dotted[],
  schema: SchemaDefinition,
  raw: JsonValue,
  ignored: Ignored,
): void {
  const value = meantBySchema(schema.id, raw);
  if (value === null || value === '') return;
  if (!isObject(value)) throw ScimError.of('invalidValue', `${schema.id}: expected an object, got ${typeName(value)}`);
  const [into, byName] = schema === type.schema ? [sorted.core, type.byName] : [extensionOf(sorted, schema), schema.byName];
  for (const key of memberNames(value, schema.id)) {
    const attribute = byName.get(key);
    if (attribute !== undefined) {
      put(into, attribute, value[key]!, key);
      continue;
    }
    const text = `${schema.id}:${key}`;
    const resolved = resolvePath(type, text);
    if (resolved.kind === 'attribute') putAt(type, sorted, dotted, resolved.path, value[key]!, key);
    else if (resolved.kind === 'wrong' && resolved.attribute !== undefined) refuseWrong(type, text, resolved);
    else if (!type.dropped.has(key.toLowerCase())) ignored.note(text);
  }
}

/**
 * RFC 7643 §3 requires `schemas`; some clients leave it out, and the endpoint says what is meant anyway. Where it is there, it must name
 * the core schema. URNs that we don't know are let pass: Entra names one of its own.
 */
function checkSchemas(type: ResourceTypeDefinition, value: JsonValue): void {
  if (value === null) return;
  if (!Array.isArray(value)) throw ScimError.of('invalidSyntax', `schemas: expected an array of strings, got ${typeName(value)}`);
  let found = false;
  const core = type.schema.id.toLowerCase();
  for (const [at, each] of value.entries()) {
    if (typeof each !== 'string') throw ScimError.of('invalidSyntax', `schemas[${at}]: expected a string, got ${typeName(each)}`);
    if (each === type.schema.id || each.toLowerCase() === core) found = true;
  }
  if (!found) throw ScimError.of('invalidSyntax', `schemas: expected it to name ${type.schema.id}`);
}
