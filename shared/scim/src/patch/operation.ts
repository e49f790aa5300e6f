/** A PATCH body as operations (RFC 7644 §3.5.2): read tolerantly, every path resolved against the tables. */
import { quote, ScimError } from '../errors.js';
import type { Filter } from '../filter/ast.js';
import { parseElementFilter, parseUnknownFilter } from '../filter/parse.js';
import { isObject, type JsonObject, type JsonValue, parsedText, typeName } from '../json.js';
import { expectedAt, resolvePath } from '../path.js';
import { type AttributeDefinition, lookUp, type ResourceTypeDefinition, type SchemaDefinition } from '../schema/definition.js';
import { PATCH_OP_URN } from '../urns.js';

/** Operations in one body; each member of a value without a path counts as one. Tried: 10,000 of them kept the process for 75 to 100 ms. */
export const PATCH_OPERATIONS_MAX = 5_000;
/** Terms of all filters in all paths. */
export const PATCH_TERMS_MAX = 5_000;
export const PATCH_PATH_LENGTH_MAX = 8_192;

/** `emails[type eq "work"].value`: attribute, filter, sub. `urn` is the extension's; undefined for core and common attributes. */
export interface AttributeTarget {
  readonly kind: 'attribute';
  readonly urn: string | undefined;
  readonly attribute: AttributeDefinition;
  readonly filter: Filter | undefined;
  readonly sub: AttributeDefinition | undefined;
}

export type PatchTarget =
  | AttributeTarget
  /** The URN of a schema by itself: the members of the value are its attributes. */
  | { readonly kind: 'schema'; readonly schema: SchemaDefinition; readonly urn: string | undefined }
  /** Taken and never kept: `password`. */
  | { readonly kind: 'dropped' }
  /** No table knows it: as a key it may stand beside known ones, as a path it is refused. */
  | { readonly kind: 'unknown'; readonly text: string };

export interface PatchOperation {
  /** Its place in the body, for errors. */
  readonly index: number;
  readonly op: 'add' | 'remove' | 'replace';
  /** As the client wrote it; undefined: the members of the value are the paths. */
  readonly path: string | undefined;
  readonly target: PatchTarget | undefined;
  /** Undefined only where the client left it out, which only `remove` may. */
  readonly value: JsonValue | undefined;
  /** Part of it is done already: that nothing of the rest is known is no fault. */
  readonly isRest?: true;
}

/**
 * @throws ScimError `invalidSyntax`: no PATCH body, unknown `op`; `invalidPath`, `invalidFilter`: a path outside the grammar;
 *   `noTarget`: a remove without path; `invalidValue`: an add or replace without value; `tooMany`: filters; 413: too many operations
 */
export function parsePatch(type: ResourceTypeDefinition, body: JsonValue): PatchOperation[] {
  if (!isObject(body)) throw ScimError.of('invalidSyntax', `body: expected an object, got ${typeName(body)}`);
  checkSchemas(member(body, 'schemas'));
  const operations = member(body, 'operations');
  if (!Array.isArray(operations)) throw ScimError.of('invalidSyntax', `Operations: expected an array, got ${typeName(operations)}`);
  if (operations.length === 0) throw ScimError.of('invalidSyntax', 'Operations: expected at least one, got none');
  if (operations.length > PATCH_OPERATIONS_MAX) throw tooManyOperations();
  const spent: Spent = { terms: 0 };
  return operations.map((operation, index) => parseOperation(type, operation, index, spent));
}

/** What the filters of a body's paths have had so far. */
export interface Spent {
  terms: number;
}

export function tooManyOperations(): ScimError {
  return new ScimError(
    413,
    undefined,
    `Operations: at most ${PATCH_OPERATIONS_MAX} are taken at once, members of values without a path included`,
  );
}

/** What a path points to. @throws ScimError `invalidPath`; `invalidFilter` for what is in the brackets, `tooMany` for all that was so far */
export function parsePatchPath(type: ResourceTypeDefinition, text: string, spent: Spent): PatchTarget {
  if (text.length > PATCH_PATH_LENGTH_MAX) throw ScimError.of('invalidPath', `path: longer than ${PATCH_PATH_LENGTH_MAX} characters`);
  const open = text.indexOf('[');
  if (open < 0) {
    const resolved = resolvePath(type, text);
    if (resolved.kind === 'wrong') return invalid(text, expectedAt(type, resolved));
    if (resolved.kind === 'malformed')
      return invalid(text, 'expected an attribute, as in "name.familyName" or "emails[type eq \\"work\\"].value"');
    if (resolved.kind === 'unknown') return { kind: 'unknown', text };
    return resolved.kind === 'attribute' ? { kind: 'attribute', ...resolved.path, filter: undefined } : resolved;
  }
  const close = text.lastIndexOf(']');
  const after = close < open ? null : AFTER.exec(text.slice(close + 1));
  if (after === null) return invalid(text, 'expected "]", and at most a sub-attribute after it');
  return parseValuePath(type, text, text.slice(0, open), text.slice(open + 1, close), after[1], spent);
}

const AFTER = /^(?:\.(\$ref|[A-Z][A-Z0-9_-]*))?$/i;

function parseValuePath(
  type: ResourceTypeDefinition,
  text: string,
  name: string,
  filterText: string,
  subName: string | undefined,
  spent: Spent,
): PatchTarget {
  const resolved = resolvePath(type, name.trimEnd());
  if (resolved.kind === 'unknown' || resolved.kind === 'dropped') {
    checkUnknownFilter(text, filterText, spent);
    return resolved.kind === 'dropped' ? resolved : { kind: 'unknown', text };
  }
  if (resolved.kind === 'wrong') return invalid(text, expectedAt(type, resolved));
  if (resolved.kind !== 'attribute' || resolved.path.sub !== undefined) return invalid(text, 'expected an attribute before "["');
  const { urn, attribute } = resolved.path;
  if (!attribute.multiValued || attribute.type !== 'complex')
    return invalid(text, `${attribute.name} takes no filter, as it isn't multi-valued and complex`);
  const filter = parseElementFilter(attribute, filterText, spent);
  checkTerms(spent);
  const sub = subName === undefined ? undefined : lookUp(attribute.byName, subName);
  if (subName !== undefined && sub === undefined) return invalid(text, expectedAt(type, { kind: 'wrong', attribute }));
  return { kind: 'attribute', urn, attribute, filter, sub };
}

/** What no table knows is let pass, but no path outside the grammar. @throws ScimError `invalidPath` */
function checkUnknownFilter(text: string, filterText: string, spent: Spent): void {
  try {
    parseUnknownFilter(filterText, spent);
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    invalid(text, `in the brackets, ${error.detail}`);
  }
  checkTerms(spent);
}

function checkTerms({ terms }: Spent): void {
  if (terms > PATCH_TERMS_MAX) throw ScimError.of('tooMany', `Operations: their filters have more than ${PATCH_TERMS_MAX} terms`);
}

/** What is said of a name that no schema of the type knows. */
export function unknownName(type: ResourceTypeDefinition, text: string): string {
  return `${quote(text)}: no schema of a ${type.name} has such an attribute`;
}

function invalid(text: string, expected: string): never {
  throw ScimError.of('invalidPath', `path ${quote(text)}: ${expected}`);
}

function checkSchemas(schemas: JsonValue | undefined): void {
  if (schemas === undefined || schemas === null) return; // Okta's path-less group patches come without
  const named =
    Array.isArray(schemas) && schemas.some((each) => typeof each === 'string' && each.toLowerCase() === PATCH_OP_URN.toLowerCase());
  if (!named) throw ScimError.of('invalidSyntax', `schemas: expected [${quote(PATCH_OP_URN)}]`);
}

function parseOperation(type: ResourceTypeDefinition, operation: JsonValue, index: number, spent: Spent): PatchOperation {
  const where = `Operations[${index}]`;
  if (!isObject(operation)) throw ScimError.of('invalidSyntax', `${where}: expected an object, got ${typeName(operation)}`);
  const verb = member(operation, 'op');
  const op = typeof verb === 'string' ? verb.toLowerCase() : undefined;
  if (op !== 'add' && op !== 'remove' && op !== 'replace') {
    throw ScimError.of(
      'invalidSyntax',
      `${where}.op: expected "add", "remove" or "replace", got ${typeof verb === 'string' ? quote(verb) : typeName(verb)}`,
    );
  }
  const given = member(operation, 'path') ?? undefined;
  if (given !== undefined && typeof given !== 'string')
    throw ScimError.of('invalidPath', `${where}.path: expected a string, got ${typeName(given)}`);
  const path = given === '' ? undefined : given;
  const raw = member(operation, 'value');
  // Some clients send the whole value as one string.
  const value = path === undefined && typeof raw === 'string' ? parsedText(raw) : raw;
  if (op === 'remove' && path === undefined) throw ScimError.of('noTarget', `${where}: a remove needs a path`);
  if (op !== 'remove' && value === undefined) throw ScimError.of('invalidValue', `${where}.value: expected a value for ${op}, got none`);
  if (path === undefined && !isObject(value)) {
    throw ScimError.of('invalidValue', `${where}.value: expected an object where there is no path, got ${typeName(value)}`);
  }
  const target = path === undefined ? undefined : parsePatchPath(type, path, spent);
  // With nothing beside it, leaving it out would be a success that did nothing.
  if (target?.kind === 'unknown') throw ScimError.of('invalidPath', `${where}.path: ${unknownName(type, target.text)}`);
  return { index, op, path, target, value };
}

/** A member of the message itself, in any case; of two spellings the exact one counts. */
function member(object: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const key = Object.keys(object).find((each) => each.toLowerCase() === name);
  return key === undefined ? undefined : object[key];
}
