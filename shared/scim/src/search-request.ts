/** The body of a POST to `/.search` (RFC 7644 §3.4.3): what a query says, as JSON. */
import { quote, ScimError } from './errors.js';
import { isObject, type JsonObject, type JsonValue, typeName } from './json.js';
import { ATTRIBUTE_NAMES_MAX, parseAttributeNames } from './project.js';
import { SEARCH_REQUEST_URN } from './urns.js';

/** What was given, as text and numbers; what it means is said where queries are read. */
export interface SearchRequest {
  readonly attributes?: readonly string[];
  readonly excludedAttributes?: readonly string[];
  readonly filter?: string;
  readonly sortBy?: string;
  readonly sortOrder?: string;
  readonly startIndex?: number;
  readonly count?: number;
  readonly cursor?: string;
}

/**
 * Members that are null count as not given, unknown ones are ignored, as in a query.
 * @throws ScimError `invalidSyntax`: no object, or not of this message's schema; `invalidValue`: a member of a wrong type
 */
export function parseSearchRequest(body: JsonValue): SearchRequest {
  if (!isObject(body)) throw ScimError.of('invalidSyntax', `body: expected an object, got ${typeName(body)}`);
  checkMessageSchema(body, SEARCH_REQUEST_URN);
  const names = (name: string) => attributeNames(name, messageMember(body, name));
  const text = (name: string) => textOf(name, messageMember(body, name));
  const number = (name: string) => numberOf(name, messageMember(body, name));
  return withoutUndefined({
    attributes: names('attributes'),
    excludedAttributes: names('excludedAttributes'),
    filter: text('filter'),
    sortBy: text('sortBy'),
    sortOrder: text('sortOrder'),
    startIndex: number('startIndex'),
    count: number('count'),
    cursor: text('cursor'),
  });
}

/** A member of a message itself, in any case; of two spellings the exact one counts. */
export function messageMember(object: JsonObject, name: string): JsonValue | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const key = Object.keys(object).find((each) => each.toLowerCase() === name.toLowerCase());
  return key === undefined ? undefined : object[key];
}

/** @throws ScimError `invalidSyntax`, where `schemas` is there and doesn't name the message. Left out it says nothing that the endpoint doesn't. */
export function checkMessageSchema(body: JsonObject, urn: string): void {
  const schemas = messageMember(body, 'schemas');
  if (schemas === undefined || schemas === null) return;
  const named = Array.isArray(schemas) && schemas.some((each) => typeof each === 'string' && each.toLowerCase() === urn.toLowerCase());
  if (!named) throw ScimError.of('invalidSyntax', `schemas: expected [${quote(urn)}]`);
}

function textOf(name: string, value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw ScimError.of('invalidValue', `${name}: expected a string, got ${typeName(value)}`);
  return value;
}

/**
 * A number of a message, which some clients send as text. Empty text is none, as in a query.
 * @throws ScimError `invalidValue`
 * @example numberOf('startIndex', '1') is 1
 */
export function numberOf(name: string, value: JsonValue | undefined): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const number = typeof value === 'string' && WHOLE.test(value) ? Number(value) : value;
  if (typeof number === 'number') return number;
  const got = typeof number === 'string' ? quote(number) : typeName(number);
  throw ScimError.of('invalidValue', `${name}: expected a number, got ${got}`);
}

/** A whole number in text, as queries have it: blanks and a sign may be there. */
export const WHOLE = /^\s*[+-]?\d{1,15}\s*$/;

function attributeNames(name: string, value: JsonValue | undefined): string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return parseAttributeNames(value);
  if (!Array.isArray(value) || value.some((each) => typeof each !== 'string'))
    throw ScimError.of('invalidValue', `${name}: expected an array of strings, got ${typeName(value)}`);
  if (value.length > ATTRIBUTE_NAMES_MAX) throw ScimError.of('invalidValue', `${name}: at most ${ATTRIBUTE_NAMES_MAX} names are taken`);
  return value as string[];
}

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
