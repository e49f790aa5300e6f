/**
 * JSON as it comes over the wire, made safe to walk.
 * A body is parsed once, here; whatever follows may rely on bounded nesting and on keys that can't reach a prototype.
 */
import { ScimError } from './errors.js';

export type JsonPrimitive = string | number | boolean | null;
export type JsonValue = JsonPrimitive | JsonValue[] | JsonObject;
export interface JsonObject {
  [key: string]: JsonValue;
}

/** Deeper bodies are refused: MongoDB takes no more than 100 levels, and nothing in SCIM needs more than five. */
export const JSON_DEPTH_MAX = 100;

/** Resources have some thirty attributes; an object with more members than this was made to keep us busy. */
export const OBJECT_MEMBERS_MAX = 1_000;

/**
 * Values in one body, arrays and objects among them: what follows takes its time by their number. As many as a full body of 1 MiB has where each
 * takes 20 bytes; a longer body may hold more of them.
 */
export const JSON_VALUES_MAX = 50_000;
const BYTES_PER_VALUE = 20;

/** Values of one multi-valued attribute, unless it names resources: nobody has a thousand e-mail addresses. */
export const ELEMENTS_MAX = 1_000;

/** The members' names. @throws ScimError `invalidSyntax`: too many */
export function memberNames(object: JsonObject, where: string): string[] {
  const names = Object.keys(object);
  if (names.length > OBJECT_MEMBERS_MAX) throw ScimError.of('invalidSyntax', `${where}: more than ${OBJECT_MEMBERS_MAX} members`);
  return names;
}

/**
 * Parses a request body. Of an exactly repeated key the last counts (as JSON.parse has it); keys named `__proto__`, `constructor` or
 * `prototype` are dropped at every level, so that no later assignment can reach a prototype.
 *
 * @throws ScimError `invalidSyntax`: not JSON, nested deeper than `depthMax`, more than {@link OBJECT_MEMBERS_MAX} members in one object; 413: more
 *   than {@link JSON_VALUES_MAX} values
 */
export function parseJson(text: string, { depthMax = JSON_DEPTH_MAX }: { depthMax?: number } = {}): JsonValue {
  // Before JSON.parse: what follows recurses, and a body of a million brackets must not get that far.
  checkShape(text, depthMax);
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw ScimError.of('invalidSyntax', 'body: not valid JSON', { cause: error });
  }
  // A key may be spelled with escapes (`\u005f_proto__`), so any escape of one of their characters is reason to look.
  if (SUSPICIOUS.test(text)) dropPrototypeKeys(value);
  return value;
}

/**
 * What a client means by a text where SCIM has an object or an array: the value, if the text is JSON for an object, an array or a string; else the
 * text as it is.
 *
 * @throws ScimError as {@link parseJson}, for JSON that is too deep or too much
 * @example parsedText('[{"value":"a"}]') is [{ value: 'a' }]; parsedText('a@example.com') is 'a@example.com'
 */
export function parsedText(text: string): JsonValue {
  if (!PERHAPS_JSON.test(text)) return text;
  try {
    const value = parseJson(text);
    return typeof value === 'string' ? parsedText(value) : value;
  } catch (error) {
    if (error instanceof ScimError && error.cause instanceof SyntaxError) return text;
    throw error;
  }
}

const PERHAPS_JSON = /^\s*[{["]/;

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The word for a value's type in an error's detail. */
export function typeName(value: JsonValue | undefined): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

const SUSPICIOUS = /__proto__|constructor|prototype|\\u00[567]/;
const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype'];

function dropPrototypeKeys(value: JsonValue): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) {
    for (const key of PROTOTYPE_KEYS) if (Object.hasOwn(value, key)) delete value[key];
  }
  for (const member of Object.values(value)) dropPrototypeKeys(member);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** One pass over the text; what is inside strings doesn't count. Text that isn't JSON may pass: it is not parsed either. */
function checkShape(text: string, depthMax: number): void {
  const valuesMax = Math.max(JSON_VALUES_MAX, text.length / BYTES_PER_VALUE);
  /** Of each container that is open: its commas, and whether it is an object. */
  const commas: number[] = [];
  const objects: boolean[] = [];
  let values = 1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at++; at < text.length; at++) {
        const inner = text.charCodeAt(at);
        if (inner === QUOTE) break;
        if (inner === BACKSLASH) at++;
      }
    } else if (code === COMMA) {
      values += 1;
      const last = commas.length - 1;
      if (last >= 0 && ++commas[last]! >= OBJECT_MEMBERS_MAX && objects[last])
        throw ScimError.of('invalidSyntax', `body: more than ${OBJECT_MEMBERS_MAX} members in one object`);
    } else if (code === BRACE || code === BRACKET) {
      values += 1;
      commas.push(0);
      objects.push(code === BRACE);
      if (commas.length > depthMax) throw ScimError.of('invalidSyntax', `body: nested deeper than ${depthMax} levels`);
    } else if (code === BRACE_CLOSED || code === BRACKET_CLOSED) {
      commas.pop();
      objects.pop();
    }
    if (values > valuesMax) throw new ScimError(413, undefined, `body: more than ${Math.floor(valuesMax)} values`);
  }
}

const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACKET = 0x5b;
const BRACE_CLOSED = 0x7d;
const BRACKET_CLOSED = 0x5d;
