/**
 * PATCH once more, slow and plain, as RFC 7644 §3.5.2 tells it: a second opinion on the engine in shared/scim. It shares the schema tables and
 * the errors with it and nothing else: paths, filters, values and comparisons are read anew here, without an eye on speed.
 *
 * What the RFC leaves open, or identity providers need, is said where it is done; the list is in docs/scim.md.
 */
import {
  type AttributeDefinition,
  type JsonObject,
  type JsonValue,
  type ResourceTypeDefinition,
  type SchemaDefinition,
  ScimError,
  type ScimType,
} from '@rollcall/scim';

/** What the operations make of the attributes. @throws ScimError */
export function referencePatch(type: ResourceTypeDefinition, attributes: JsonObject, body: JsonValue): JsonObject {
  // "The body of each request MUST contain the "schemas" attribute" and "Operations" whose value is an array of one or more operations.
  if (!isRecord(body)) return fail('invalidSyntax');
  const { schemas, Operations: operations } = body;
  if (schemas !== undefined && !(Array.isArray(schemas) && schemas.includes('urn:ietf:params:scim:api:messages:2.0:PatchOp')))
    return fail('invalidSyntax');
  if (!Array.isArray(operations) || operations.length === 0) return fail('invalidSyntax');
  const read = operations.map((operation) => readOperation(type, operation));

  // "The server SHALL process operations in order; if any fails, the resource stays as it was."
  const resource = clone(attributes);
  const touched = new Set<string>();
  for (const operation of read) perform(type, resource, operation, touched);

  for (const { schema, required } of type.extensions) {
    const extension = resource[schema.id];
    if (isRecord(extension) && Object.keys(extension).length === 0) delete resource[schema.id];
    if (!touched.has(schema.id)) continue;
    if (resource[schema.id] === undefined && required) fail('invalidValue');
    if (resource[schema.id] === undefined) continue;
    for (const attribute of schema.attributes)
      if (attribute.mutability !== 'readOnly') demand(attribute, (resource[schema.id] as JsonObject)[attribute.name]);
  }
  return resource;
}

interface Target {
  readonly schema: SchemaDefinition | undefined;
  readonly attribute: AttributeDefinition;
  readonly condition: Condition | undefined;
  readonly sub: AttributeDefinition | undefined;
}

/** `ignored`: no schema knows it, which is let pass beside what one knows; `password` is taken and never kept. */
type Path = Target | { readonly whole: SchemaDefinition } | 'ignored' | 'password';

const STANDARD = ['core:2.0:User', 'core:2.0:Group', 'extension:enterprise:2.0:User'].map((each) => `urn:ietf:params:scim:schemas:${each}`);

interface Operation {
  readonly op: string;
  readonly path: Path | undefined;
  readonly value: JsonValue | undefined;
}

function readOperation(type: ResourceTypeDefinition, operation: JsonValue): Operation {
  if (!isRecord(operation) || typeof operation.op !== 'string') return fail('invalidSyntax');
  const op = operation.op.toLowerCase(); // Entra writes "Add"
  if (!['add', 'remove', 'replace'].includes(op)) return fail('invalidSyntax');
  const { value: sent } = operation;
  const path = operation.path === '' ? undefined : operation.path; // a template that had nothing to fill in
  const value = typeof path !== 'string' ? fromText(sent) : sent;
  if (path !== undefined && path !== null && typeof path !== 'string') return fail('invalidPath');
  // "If "path" is unspecified, the operation fails with HTTP status code 400 and a "scimType" error code of "noTarget"."
  if (op === 'remove' && typeof path !== 'string') return fail('noTarget');
  // "The operation MUST contain a "value" member" (add); so must a replace.
  if (op !== 'remove' && value === undefined) return fail('invalidValue');
  if (typeof path !== 'string') return isRecord(value) ? { op, path: undefined, value } : fail('invalidValue');
  const read = readPath(type, path);
  return read === 'ignored' ? fail('invalidPath') : { op, path: read, value }; // a success would have done nothing
}

/** PATH = attrPath / valuePath [subAttr] */
function readPath(type: ResourceTypeDefinition, text: string): Path {
  const brackets = /^([^[]*)\[(.*)\](.*)$/s.exec(text);
  if (brackets === null) return text.includes('[') ? fail('invalidPath') : (readName(type, text) ?? fail('invalidPath'));
  const [, name = '', condition = '', rest = ''] = brackets;
  if (rest !== '' && !/^\.(\$ref|[a-z][a-z0-9_-]*)$/i.test(rest)) return fail('invalidPath');
  const named = readName(type, name) ?? fail('invalidPath');
  if (named === 'ignored' || named === 'password') return isCondition(condition) ? named : fail('invalidPath'); // what no schema knows must be a path, too
  // A filter selects among the values of "a complex multi-valued attribute".
  if ('whole' in named || named.sub !== undefined || !named.attribute.multiValued || named.attribute.type !== 'complex')
    return fail('invalidPath');
  const read = readCondition(named.attribute, condition);
  const sub = rest === '' ? undefined : called(named.attribute.subAttributes, rest.slice(1));
  return rest !== '' && sub === undefined ? fail('invalidPath') : { ...named, condition: read, sub };
}

/**
 * attrPath = [URI ":"] ATTRNAME *1subAttr; undefined: outside the grammar. A dot may stand for the colon. What begins with a schema or an attribute
 * that there is must name something of it.
 */
function readName(type: ResourceTypeDefinition, text: string): Path | undefined {
  const schemas = [type.schema, ...type.extensions.map(({ schema }) => schema)];
  const whole = schemas.find(({ id }) => id.toLowerCase() === text.toLowerCase());
  if (whole !== undefined) return { whole };
  const begins = (id: string) => text.toLowerCase().startsWith(id.toLowerCase()) && !/[a-z0-9_-]/i.test(text[id.length] ?? '');
  const [schema] = schemas.filter(({ id }) => begins(id)).sort((a, b) => b.id.length - a.id.length);
  if (schema !== undefined && !'.:'.includes(text[schema.id.length]!)) return fail('invalidPath');
  if (schema === undefined && STANDARD.some(begins)) return fail('invalidPath');
  if (schema === undefined && text.includes(':')) return /^[a-z][a-z0-9+.-]*:[^\s"()[\]]+$/i.test(text) ? 'ignored' : undefined;
  const rest = schema === undefined ? text : text.slice(schema.id.length + 1);
  const parts = /^([a-z][a-z0-9_-]*)(?:\.(\$ref|[a-z][a-z0-9_-]*))?$/i.exec(rest);
  if (parts === null) {
    const first = /^([a-z][a-z0-9_-]*)\s*[.[]/i.exec(rest)?.[1] ?? '';
    const table = schema === undefined || schema === type.schema ? type.attributes : schema.attributes;
    return schema !== undefined || called(table, first) !== undefined ? fail('invalidPath') : undefined;
  }
  const extension = schema === type.schema ? undefined : schema;
  const attribute = called(extension === undefined ? type.attributes : extension.attributes, parts[1]!);
  const sub = parts[2] === undefined ? undefined : called(attribute?.subAttributes, parts[2]);
  if (attribute === undefined && extension === undefined && type.dropped.has(parts[1]!.toLowerCase())) return 'password';
  if (attribute === undefined) return schema === undefined ? 'ignored' : fail('invalidPath');
  if (parts[2] !== undefined && sub === undefined) return fail('invalidPath');
  return { schema: extension, attribute, condition: undefined, sub };
}

function perform(type: ResourceTypeDefinition, resource: JsonObject, { op, path, value }: Operation, touched: Set<string>): void {
  if (path === 'ignored' || path === 'password') return;
  // "If omitted, the target location is assumed to be the resource itself. The "value" parameter contains a set of attributes".
  if (path === undefined) {
    if (!performMembers(type, resource, op, value as JsonObject, undefined, touched)) fail('invalidPath');
  } else if ('whole' in path) {
    if (!performSchema(type, resource, op, path.whole, value, touched)) fail('invalidPath');
  } else {
    if (path.attribute.name === 'schemas' && path.schema === undefined && op !== 'remove') return; // follows from the values
    // "Each operation against an attribute MUST be compatible with the attribute's mutability".
    if (isReadOnly(path)) fail('mutability');
    performAttribute(type, resource, op, path, value, touched);
  }
}

/** @returns whether some name is known, or there is none */
function performMembers(
  type: ResourceTypeDefinition,
  resource: JsonObject,
  op: string,
  value: JsonObject,
  within: SchemaDefinition | undefined,
  touched: Set<string>,
): boolean {
  const seen: string[] = [];
  let known = Object.keys(value).length === 0;
  for (const [key, member] of Object.entries(value)) {
    const name = within === undefined ? key : `${within.id}:${key}`;
    // Within a schema's object, a name that it lacks is one that stands beside others.
    const table = within === undefined ? [] : within === type.schema ? type.attributes : within.attributes;
    const first = /^[^.]*/.exec(key)![0];
    const isLacking = within !== undefined && !key.includes('[') && called(table, first) === undefined && key !== '';
    const isPassword = within === type.schema && type.dropped.has(key.toLowerCase());
    const path = isPassword
      ? 'password'
      : isLacking || (within !== undefined && key === '')
        ? 'ignored'
        : name.includes('[')
          ? readPath(type, name)
          : (readName(type, name) ?? 'ignored');
    if (path === 'ignored') continue;
    if (path !== 'password' && 'whole' in path) {
      known = performSchema(type, resource, op, path.whole, member, touched) || known;
      continue;
    }
    known = true;
    if (path === 'password') continue;
    if (path.condition === undefined) {
      const spelled = `${path.schema?.id} ${path.attribute.name} ${path.sub?.name}`;
      if (seen.includes(spelled)) fail('invalidSyntax');
      seen.push(spelled);
    }
    if (!isReadOnly(path)) performAttribute(type, resource, op, path, member, touched);
  }
  return known;
}

function performSchema(
  type: ResourceTypeDefinition,
  resource: JsonObject,
  op: string,
  schema: SchemaDefinition,
  sent: JsonValue | undefined,
  touched: Set<string>,
): boolean {
  const text = fromText(sent);
  const value = isRecord(text) ? (under(schema.id, text) ?? text) : text;
  if (op !== 'remove' && value !== null && value !== '') {
    return isRecord(value) ? performMembers(type, resource, op, value, schema, touched) : fail('invalidValue');
  }
  if (schema === type.schema) fail('invalidPath');
  const extension = resource[schema.id];
  if (!isRecord(extension)) return true;
  for (const { name, mutability } of schema.attributes) {
    if (extension[name] === undefined || mutability === 'readOnly') continue;
    if (mutability === 'immutable') fail('mutability');
    delete extension[name];
    touched.add(schema.id);
  }
  return true;
}

/** The value of the one member of an object, where it has that name. */
function under(name: string, value: JsonObject): JsonValue | undefined {
  const keys = Object.keys(value);
  return keys.length === 1 && keys[0]!.toLowerCase() === name.toLowerCase() ? value[keys[0]!] : undefined;
}

/** JSON for an object, an array or a string, in a string; any other value is what it is. */
function fromText(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'string' || !/^\s*["[{]/.test(value)) return value;
  try {
    return fromText(JSON.parse(value) as JsonValue);
  } catch {
    return value;
  }
}

/** What clients mean who say the attribute's name again within its value, or send a complex value as text. */
function meantFor(attribute: AttributeDefinition, sent: JsonValue | undefined): JsonValue | undefined {
  const value = attribute.type === 'complex' ? fromText(sent) : sent;
  if (!isRecord(value) || called(attribute.subAttributes, attribute.name) !== undefined) return value;
  const inner = under(attribute.name, value);
  return inner === undefined ? value : meantFor(attribute, inner);
}

function performAttribute(
  type: ResourceTypeDefinition,
  resource: JsonObject,
  op: string,
  target: Target,
  sent: JsonValue | undefined,
  touched: Set<string>,
): void {
  const { schema, attribute, sub, condition } = target;
  const meaning = meantFor(sub ?? attribute, sent);
  // Nothing under the name is nothing to remove.
  const value = op === 'remove' && isRecord(sent) && (meaning === null || meaning === '') ? [] : meaning;
  const home = schema === undefined ? resource : isRecord(resource[schema.id]) ? (resource[schema.id] as JsonObject) : {};
  const before = home[attribute.name];
  let after: JsonValue | undefined;
  if (op === 'remove') {
    // "If an attribute is removed or becomes unassigned and is defined as a required attribute [...] "mutability"."
    const some = attribute.multiValued && value !== undefined && value !== null;
    const someOfSub = sub?.multiValued && value !== undefined && value !== null;
    if ((sub?.required && !someOfSub) || (attribute.required && sub === undefined && condition === undefined && !some)) fail('mutability');
    if (before === undefined) return;
    after = attribute.multiValued
      ? removeValues(target, before, value)
      : sub === undefined
        ? undefined
        : changed(attribute, before as JsonObject, { [sub.name]: left(sub, before as JsonObject, value) });
    if (attribute.required && after === undefined) fail('mutability');
  } else {
    after = attribute.multiValued
      ? writeValues(op, target, (before ?? []) as JsonValue[], value ?? null)
      : writeValue(op, target, before, value ?? null);
    if (after === undefined && schema === undefined && type.defaults[attribute.name] !== undefined) fail('invalidValue'); // it always has a value
    if (after !== undefined || schema === undefined) demand(attribute, after);
  }
  // "A client MUST NOT modify an attribute that has mutability "readOnly" or "immutable"" once it has a value.
  if (attribute.mutability === 'immutable' && before !== undefined) {
    if (after === undefined || !saysTheSame(attribute, before, after)) fail('mutability');
    after = before;
  }
  if (after === undefined) delete home[attribute.name];
  else home[attribute.name] = after;
  if (schema === undefined) return;
  resource[schema.id] = home;
  touched.add(schema.id);
}

/** A single-valued attribute after an add or a replace: "replacing" and "adding" are one here, and leave sub-attributes that aren't named. */
function writeValue(op: string, { attribute, sub }: Target, before: JsonValue | undefined, value: JsonValue): JsonValue | undefined {
  const current = (before ?? {}) as JsonObject;
  if (sub !== undefined) return writtenTo(op, attribute, current, { [sub.name]: readValue(sub, value) ?? null });
  if (attribute.type !== 'complex') return readValue(attribute, value);
  const given = readValue(attribute, value) as JsonObject | undefined;
  const only = unwrapped(value);
  if (isNothing(only)) return undefined;
  return writtenTo(op, attribute, current, { ...clearedBy(attribute, only), ...given });
}

/**
 * A complex value to which some sub-attributes are written. "add": "If the target location specifies a multi-valued attribute, a new value is added
 * to the attribute"; "if single-valued, the existing value is replaced". "replace": all are replaced.
 */
function writtenTo(op: string, attribute: AttributeDefinition, before: JsonObject, given: JsonObject): JsonObject | undefined {
  const changes = { ...given };
  for (const sub of attribute.subAttributes ?? []) {
    const [old, more] = [before[sub.name], given[sub.name]];
    if (op === 'add' && sub.multiValued && more !== undefined && old !== undefined)
      changes[sub.name] = merged(sub, [old, more ?? []].flat());
  }
  return changed(attribute, before, changes);
}

/** What a remove leaves of a sub-attribute: without a value, nothing; else those values that it doesn't list. */
function left(sub: AttributeDefinition, before: JsonObject, value: JsonValue | undefined): JsonValue {
  if (!sub.multiValued || value === undefined || value === null || value === '') return null;
  const listed = (readValue(sub, value) ?? []) as JsonValue[];
  const values = (before[sub.name] ?? []) as JsonValue[];
  const rest = values.filter((each) => !listed.some((one) => sameElement(sub, each, one)));
  if (sub.required && rest.length === 0 && values.length > 0) fail('mutability');
  return orNothing(rest) ?? null;
}

/** A multi-valued attribute after an add or a replace. */
function writeValues(op: string, target: Target, before: JsonValue[], value: JsonValue): JsonValue[] | undefined {
  const { attribute, condition, sub } = target;
  if (condition === undefined && sub === undefined) {
    const given = (readValue(attribute, value) ?? []) as JsonValue[];
    // "replace": "the values are replaced"; "add": "the values are added", those that exist already are not added again.
    if (op === 'replace') {
      return orNothing(
        given.map((each) => {
          const same = before.find((one) => sameElement(attribute, one, each));
          return isRecord(same) && isRecord(each) ? immutableKept(attribute, same, each) : each;
        }),
      );
    }
    const primary = given.find(isPrimary);
    const all = [...before];
    for (const each of given) {
      const at = all.findIndex((one) => sameElement(attribute, one, each));
      if (at < 0) all.push(each);
      else if (isRecord(each)) all[at] = writtenTo(op, attribute, all[at] as JsonObject, each)!;
    }
    return orNothing(primary === undefined ? all : all.map((each) => (sameElement(attribute, each, primary) ? each : notPrimary(each))));
  }
  const template = condition === undefined ? {} : templateOf(condition);
  const change = (element: JsonObject): JsonObject | undefined => {
    if (sub !== undefined) return writtenTo(op, attribute, element, { [sub.name]: readValue(sub, value) ?? null });
    const only = unwrapped(value);
    const given = readElement(attribute, only) as JsonObject | undefined;
    if (given === undefined) return isEmptied(only) ? writtenTo(op, attribute, element, clearedBy(attribute, only)) : undefined;
    const whole = writtenTo(op, attribute, element, op === 'add' ? { ...clearedBy(attribute, only), ...given } : given);
    return op === 'add' ? whole : immutableKept(attribute, element, { ...template, ...given });
  };
  // What comes is looked at even where it is written nowhere.
  if (sub !== undefined) readValue(sub, value);
  // An add of nothing adds nothing.
  else if (readElement(attribute, unwrapped(value)) === undefined && op === 'add' && !isEmptied(unwrapped(value))) return orNothing(before);

  const written: JsonObject[] = [];
  const after: JsonValue[] = [];
  let found = false;
  for (const element of before) {
    const selected = condition === undefined || holds(condition, element as JsonObject);
    const result = selected ? change(element as JsonObject) : element;
    found ||= selected;
    if (result === undefined) continue;
    after.push(result);
    if (selected) written.push(result as JsonObject);
  }
  if (!found && !isNothing(value)) {
    // "If the target location is a multi-valued attribute for which a value selection filter has been supplied and no record match was made,
    // the service provider SHALL [...] "noTarget"": but where the filter says what the value would be, identity providers mean: make it.
    if (template === undefined) return fail('noTarget');
    const made = change(template);
    if (made !== undefined) {
      after.push(made);
      written.push(made);
    }
  }
  // "if an "add"/"replace" sets "primary" to true, the server SHALL set "primary" of the others to false".
  const primaries = written.filter(isPrimary);
  const isAsked = sub === undefined || sub.name === 'primary' || !found;
  if (isAsked && primaries.length > 1) fail('invalidValue');
  const handed = isAsked && primaries.length === 1 ? after.map((each) => (each === primaries[0] ? each : notPrimary(each))) : after;
  return orNothing(merged(attribute, handed));
}

function removeValues({ attribute, condition, sub }: Target, before: JsonValue, value: JsonValue | undefined): JsonValue[] | undefined {
  const all = before as JsonValue[];
  const selected = (each: JsonValue) => condition === undefined || holds(condition, each as JsonObject);
  if (sub !== undefined) {
    left(sub, {}, value); // what is listed is looked at even where nothing is removed
    const after = all.map((each) =>
      selected(each) ? changed(attribute, each as JsonObject, { [sub.name]: left(sub, each as JsonObject, value) }) : each,
    );
    // The same value twice is stored once, also where a removal made them the same.
    return orNothing(
      merged(
        attribute,
        after.filter((each) => each !== undefined),
      ),
    );
  }
  if (condition !== undefined) return orNothing(all.filter((each) => !selected(each)));
  if (value === undefined || value === null || value === '') return undefined;
  // Entra's older form: the values to remove are listed.
  const listed = (readValue(attribute, value) ?? []) as JsonValue[];
  const isListed = (each: JsonValue) =>
    listed.some((one) => {
      if (attribute.type !== 'complex' || called(attribute.subAttributes, '$ref') !== undefined) return sameElement(attribute, each, one);
      return Object.entries(one as JsonObject).every(([name, wanted]) => {
        const [has, definition] = [(each as JsonObject)[name], called(attribute.subAttributes, name)!];
        return has !== undefined && (Array.isArray(wanted) ? text(has) === text(wanted) : inOrder(definition, has, wanted) === 0);
      });
    });
  return orNothing(all.filter((each) => !isListed(each)));
}

/** A complex value with some sub-attributes set, or cleared by null; undefined: nothing is left of it. */
function changed(attribute: AttributeDefinition, before: JsonObject, changes: JsonObject): JsonObject | undefined {
  const after = immutableKept(attribute, before, { ...before, ...changes });
  // A reference belongs to its value.
  if (after.value !== before.value && changes.$ref === undefined) delete after.$ref;
  for (const [name, value] of Object.entries(after)) if (value === null) delete after[name];
  return Object.keys(after).length === 0 ? undefined : after;
}

/** Immutable sub-attributes that have a value have it afterwards, too: it may be said again, in other words. */
function immutableKept(attribute: AttributeDefinition, before: JsonObject, after: JsonObject): JsonObject {
  const result = { ...after };
  for (const sub of attribute.subAttributes ?? []) {
    const [old, next] = [before[sub.name], after[sub.name]];
    if (sub.mutability !== 'immutable' || old === undefined) continue;
    if (next === null || (next !== undefined && !saysTheSame(sub, old, next))) fail('mutability');
    result[sub.name] = old;
  }
  return result;
}

function saysTheSame(attribute: AttributeDefinition, a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each) => b.some((other) => saysTheSame(attribute, each, other)));
  if (!isRecord(a) || !isRecord(b)) return inOrder(attribute, a, b) === 0;
  return (attribute.subAttributes ?? []).every(({ name, ...rest }) => {
    const [one, other] = [a[name], b[name]];
    return one === undefined || other === undefined ? one === other : saysTheSame({ name, ...rest }, one, other);
  });
}

function clearedBy(attribute: AttributeDefinition, value: JsonValue): JsonObject {
  const cleared: JsonObject = {};
  for (const [key, each] of Object.entries(isRecord(value) ? value : {})) {
    const sub = called(attribute.subAttributes, key);
    if (sub !== undefined && sub.mutability !== 'readOnly' && isNothing(each)) cleared[sub.name] = null;
  }
  return cleared;
}

/** The canonical value of an attribute; undefined: unassigned (RFC 7643 §2.5: null, an empty array; the empty string too). */
function readValue(attribute: AttributeDefinition, value: JsonValue): JsonValue | undefined {
  if (value === null) return undefined;
  if (attribute.multiValued) {
    const required = attribute.subAttributes?.some((sub) => sub.required && sub.mutability !== 'readOnly');
    const given = (Array.isArray(value) ? value : [value])
      .map((each) => {
        const element = readElement(attribute, each);
        // "required": an element without it is none, and nothing may be made of it, unless nothing was given at all.
        return element === undefined && required && value !== '' ? fail('invalidValue') : element;
      })
      .filter((each) => each !== undefined);
    const all = merged(attribute, given);
    // "The primary attribute value "true" MUST appear no more than once."
    if (all.filter(isPrimary).length > 1) fail('invalidValue');
    return orNothing(all);
  }
  const only = unwrapped(value);
  // Okta and Entra wrap a single value, with or without an object: [{ "value": "x" }].
  const isWrapped =
    Array.isArray(value) && attribute.type !== 'complex' && isRecord(only) && only.value !== undefined && typeof only.value !== 'object';
  const isWrappedNull = Array.isArray(value) && attribute.type !== 'complex' && isRecord(only) && only.value === null;
  return isWrappedNull ? undefined : readElement(attribute, isWrapped ? (only as JsonObject).value! : only);
}

function readElement(attribute: AttributeDefinition, value: JsonValue): JsonValue | undefined {
  if (value === null || value === '') return undefined;
  switch (attribute.type) {
    case 'boolean':
      if (typeof value === 'boolean') return value;
      if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true';
      return fail('invalidValue');
    case 'integer':
    case 'decimal': {
      const number = typeof value === 'string' && /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
      if (typeof number !== 'number' || !Number.isFinite(number)) return fail('invalidValue');
      return attribute.type === 'integer' && !Number.isSafeInteger(number) ? fail('invalidValue') : number + 0;
    }
    case 'complex':
      return readComplex(attribute, value);
    case 'dateTime':
      return typeof value === 'string' &&
        /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?$/i.test(value) &&
        !Number.isNaN(instant(value))
        ? value
        : fail('invalidValue');
    case 'binary':
      return typeof value === 'string' && /^[a-z0-9+/_-]*={0,2}$/i.test(value) ? value : fail('invalidValue');
    case 'reference':
      return typeof value === 'string' && !/[\s<>"\p{Cc}]/u.test(value) ? value : fail('invalidValue');
    default:
      // A number is its decimals, unless it stands for a name that must be unique.
      if (typeof value === 'number' && attribute.uniqueness === 'none' && Number.isSafeInteger(value)) return String(value);
      return typeof value === 'string' ? value : fail('invalidValue');
  }
}

function readComplex(attribute: AttributeDefinition, sent: JsonValue): JsonObject | undefined {
  const value = fromText(sent) ?? null;
  if (value === '') return undefined;
  // An object of which nothing is known would do nothing, or clear what is there.
  const isStrange = (of: JsonValue) =>
    isRecord(of) && Object.keys(of).length > 0 && !Object.keys(of).some((key) => called(attribute.subAttributes, key) !== undefined);
  if (isStrange(value)) fail('invalidValue');
  const hasValue = called(attribute.subAttributes, 'value') !== undefined;
  const given = typeof value === 'string' && hasValue ? { value } : value; // a manager as a bare string
  if (!isRecord(given)) return fail('invalidValue');
  const members: [AttributeDefinition, JsonValue][] = [];
  for (const [key, each] of Object.entries(given)) {
    const sub = called(attribute.subAttributes, key);
    if (sub === undefined || sub.mutability === 'readOnly') continue;
    if (members.some(([other]) => other === sub)) fail('invalidSyntax');
    members.push([sub, each]);
  }
  // In the table's order, so that of two faults the same one is told.
  members.sort(([a], [b]) => attribute.subAttributes!.indexOf(a) - attribute.subAttributes!.indexOf(b));
  const result: JsonObject = {};
  for (const [sub, each] of members) {
    const read = readValue(sub, each);
    if (read !== undefined) result[sub.name] = read;
  }
  if (Object.keys(result).length === 0) return undefined;
  const segment =
    typeof result.$ref === 'string' && hasValue && result.value === undefined
      ? result.$ref
          .split('/')
          .filter((each) => each !== '')
          .pop()
      : undefined;
  return segment === undefined ? result : { ...result, value: segment };
}

/** "required", of an attribute and of what it holds. */
function demand(attribute: AttributeDefinition, value: JsonValue | undefined): void {
  if (attribute.required && (value === undefined || (typeof value === 'string' && /^[\p{White_Space}\ufeff]*$/u.test(value))))
    fail('invalidValue');
  for (const element of Array.isArray(value) ? value : [value]) {
    if (!isRecord(element)) continue;
    for (const sub of attribute.subAttributes ?? []) if (sub.mutability !== 'readOnly') demand(sub, element[sub.name]);
  }
}

// What is inside a value path's brackets (§3.4.2.2, figure 1).
type Condition =
  | { readonly of: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly of: 'not'; readonly inner: Condition }
  | { readonly of: 'test'; readonly sub: AttributeDefinition; readonly operator: string; readonly value: JsonValue };

function readCondition(attribute: AttributeDefinition, source: string): Condition {
  const tokens = source.match(/"(?:[^"\\]|\\.)*"|[()]|[^\s()"]+/gs) ?? [];
  const orTerm = (): Condition => {
    const left = andTerm();
    if (tokens[0]?.toLowerCase() !== 'or') return left;
    tokens.shift();
    return { of: 'or', left, right: orTerm() };
  };
  const andTerm = (): Condition => {
    const left = term();
    if (tokens[0]?.toLowerCase() !== 'and') return left;
    tokens.shift();
    return { of: 'and', left, right: andTerm() };
  };
  const inner = (): Condition => {
    const result = orTerm();
    return tokens.shift() === ')' ? result : fail('invalidFilter');
  };
  const term = (): Condition => {
    const token = tokens.shift();
    if (token === '(') return inner();
    if (token?.toLowerCase() === 'not' && tokens[0] === '(') {
      tokens.shift();
      return { of: 'not', inner: inner() };
    }
    const sub = token === undefined ? undefined : called(attribute.subAttributes, token);
    const operator = tokens.shift()?.toLowerCase() ?? '';
    if (sub === undefined) return fail('invalidFilter');
    if (operator === 'pr') return { of: 'test', sub, operator, value: null };
    if (!['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'].includes(operator)) return fail('invalidFilter');
    return { of: 'test', sub, operator, value: operand(sub, operator, tokens.shift()) };
  };
  const result = orTerm();
  return tokens.length === 0 ? result : fail('invalidFilter');
}

/** Whether it could be a condition on some attribute: the grammar alone. */
function isCondition(source: string): boolean {
  const simple =
    /^\s*[a-z$][a-z0-9_-]*(\.[a-z$][a-z0-9_-]*)?\s+(pr|(eq|ne|co|sw|ew|gt|ge|lt|le)\s+("(?:[^"\\]|\\.)*"|true|false|null|-?\d+(\.\d+)?(e[+-]?\d+)?))\s*$/i;
  // From within: a test is as good as `a pr`, and so is what combines tests.
  for (let text = source.replace(/"(?:[^"\\]|\\.)*"/g, '""'); ; ) {
    if (simple.test(text)) return true;
    const inner = /(?:not\s*)?\(([^()]*)\)/i.exec(text);
    const terms = (inner?.[1] ?? text).split(/\s(?:and|or)\s/i);
    if ((inner === null && terms.length === 1) || !terms.every((term) => simple.test(term))) return false;
    text = inner === null ? 'a pr' : text.replace(inner[0], ' a pr ');
  }
}

function operand({ type }: AttributeDefinition, operator: string, token: string | undefined): JsonValue {
  if (token === undefined) return fail('invalidFilter');
  const [isOrder, isPart] = [/^[gl]/.test(operator), /^(co|sw|ew)$/.test(operator)];
  if (token.toLowerCase() === 'null') return isOrder || isPart ? fail('invalidFilter') : null;
  const value = token.startsWith('"') ? (JSON.parse(token) as string) : token;
  switch (type) {
    case 'boolean': // "Boolean and Binary attributes SHALL cause a failed response" to gt and the like
      return !isOrder && !isPart && /^(true|false)$/i.test(value) ? value.toLowerCase() === 'true' : fail('invalidFilter');
    case 'integer':
    case 'decimal':
      return isPart || Number.isNaN(Number(value)) ? fail('invalidFilter') : Number(value);
    case 'dateTime':
      return isPart || !token.startsWith('"') || Number.isNaN(instant(value)) ? fail('invalidFilter') : value;
    case 'binary':
      return isOrder || !token.startsWith('"') ? fail('invalidFilter') : value;
    default:
      return token.startsWith('"') ? value : fail('invalidFilter');
  }
}

function holds(condition: Condition, element: JsonObject): boolean {
  switch (condition.of) {
    case 'and':
      return holds(condition.left, element) && holds(condition.right, element);
    case 'or':
      return holds(condition.left, element) || holds(condition.right, element);
    case 'not':
      return !holds(condition.inner, element);
    case 'test': {
      const { sub, operator, value } = condition;
      const values = element[sub.name] === undefined ? [] : [element[sub.name]!].flat();
      if (operator === 'pr' || value === null) return (operator === 'eq') !== values.length > 0;
      if (operator === 'ne') return !values.some((each) => inOrder(sub, each, value) === 0);
      return values.some((each) => {
        const [has, wanted, order] = [folded(sub, each), folded(sub, value), inOrder(sub, each, value)];
        if (operator === 'co') return has.includes(wanted);
        if (operator === 'sw') return has.startsWith(wanted);
        if (operator === 'ew') return has.endsWith(wanted);
        if (order === undefined) return false;
        return (
          (order === 0 && /e$|^eq$/.test(operator)) || (order > 0 && operator.startsWith('g')) || (order < 0 && operator.startsWith('l'))
        );
      });
    }
  }
}

/** The element that a filter of `eq` and `and` alone describes. */
function templateOf(condition: Condition): JsonObject | undefined {
  if (condition.of === 'and') {
    const [left, right] = [templateOf(condition.left), templateOf(condition.right)];
    if (left === undefined || right === undefined || Object.keys(left).some((name) => right[name] !== undefined)) return undefined;
    return { ...left, ...right };
  }
  if (condition.of !== 'test' || condition.operator !== 'eq' || condition.value === null || condition.value === '') return undefined;
  const { sub, value } = condition;
  if (sub.mutability === 'readOnly' || sub.multiValued) return undefined;
  return { [sub.name]: sub.type === 'dateTime' ? new Date(instant(String(value))).toISOString() : value };
}

/** Negative, 0 or positive; undefined: not of one kind. */
function inOrder(definition: AttributeDefinition, a: JsonValue, b: JsonValue): number | undefined {
  if (typeof a !== typeof b) return undefined;
  if (definition.type === 'dateTime') return instant(String(a)) - instant(String(b));
  if (typeof a !== 'string') return Number(a) - Number(b);
  const [left, right] = [[...folded(definition, a)], [...folded(definition, b)]];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at]?.codePointAt(0) ?? -1) - (right[at]?.codePointAt(0) ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

function folded({ caseExact }: AttributeDefinition, value: JsonValue): string {
  return caseExact ? String(value) : String(value).normalize('NFC').toLowerCase();
}

/** Without a zone it is UTC. */
function instant(value: string): number {
  return Date.parse(/(Z|[+-]\d\d:\d\d)$/i.test(value) ? value.toUpperCase() : `${value}Z`);
}

/** RFC 7643 §2.4: "the same "value" and "type"" are the same; where values name resources, the "value" alone; without one, all of it. */
function sameElement(attribute: AttributeDefinition, a: JsonValue, b: JsonValue): boolean {
  if (!isRecord(a) || !isRecord(b)) return folded(attribute, a) === folded(attribute, b) && typeof a === typeof b;
  if (a.value === undefined || b.value === undefined) return text(a) === text(b);
  const value = called(attribute.subAttributes, 'value')!;
  if (folded(value, a.value) !== folded(value, b.value)) return false;
  if (called(attribute.subAttributes, '$ref') !== undefined) return true;
  const kind = (each: JsonObject) => (typeof each.type === 'string' ? each.type.normalize('NFC').toLowerCase() : '');
  return kind(a) === kind(b);
}

/** Each element once, in its first place; a later one adds to it. */
function merged(attribute: AttributeDefinition, elements: readonly JsonValue[]): JsonValue[] {
  const result: JsonValue[] = [];
  for (const element of elements) {
    const at = result.findIndex((each) => sameElement(attribute, each, element));
    const before = result[at];
    if (before === undefined) result.push(element);
    else if (isRecord(before) && isRecord(element)) result[at] = { ...before, ...element };
  }
  return result;
}

function unwrapped(value: JsonValue): JsonValue {
  if (!Array.isArray(value)) return value;
  return value.length > 1 ? fail('invalidValue') : (value[0] ?? null);
}

const called = (table: readonly AttributeDefinition[] | undefined, name: string) =>
  table?.find((each) => each.name.toLowerCase() === name.toLowerCase());
const isReadOnly = ({ attribute, sub }: Target) => attribute.mutability === 'readOnly' || sub?.mutability === 'readOnly';
const isPrimary = (each: JsonValue) => isRecord(each) && each.primary === true;
const notPrimary = (each: JsonValue): JsonValue => (isRecord(each) && each.primary === true ? { ...each, primary: false } : each);
const isNothing = (value: JsonValue | undefined) =>
  value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
/** An object of which nothing has a value, but something is named: it clears that. */
const isEmptied = (value: JsonValue) => isRecord(value) && Object.keys(value).length > 0;
const orNothing = (values: JsonValue[]) => (values.length === 0 ? undefined : values);
const clone = <T extends JsonValue>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const isRecord = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
function fail(scimType: ScimType): never {
  throw ScimError.of(scimType, 'reference');
}

/** JSON with its keys in order, so that equal values have equal text. */
export function text(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(text).join()}]`;
  if (!isRecord(value)) return JSON.stringify(value) ?? '';
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${text(value[key])}`)
    .join()}}`;
}
