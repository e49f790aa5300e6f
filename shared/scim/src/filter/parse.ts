/**
 * Filter text to {@link Filter} (RFC 7644 §3.4.2.2, figure 1): `not` before `and` before `or`; names and operators in any case.
 * Taken beyond the grammar, since identity providers send it: `emails[type eq "work"].value eq "x"`, `"True"` for a boolean, and a complex
 * attribute by itself for its `value` (`members eq "…"`).
 */
import { canonicalInstant } from '../datetime.js';
import { quote } from '../errors.js';
import { type AttributePath, printPath, resolvePath } from '../path.js';
import { type AttributeDefinition, lookUp, type ResourceTypeDefinition } from '../schema/definition.js';
import { isWellFormed } from '../text.js';
import type { Filter, Operator } from './ast.js';
import { invalidFilter, lex, type Token } from './lexer.js';

export const FILTER_LENGTH_MAX = 8_192;
/** MongoDB takes 200 levels of query. One level of brackets may be six of them, as in `not (a or b and not (…))`. */
export const FILTER_DEPTH_MAX = 25;
export const FILTER_TERMS_MAX = 200;

/**
 * Characters that all `co` and `ew` of a filter look for, each counted as at least {@link SUBSTRING_LENGTH_MIN}. To find `aaab` among many a takes
 * text times text: MongoDB needed 38 s for one value of 1 MB, and could not be stopped.
 */
export const FILTER_SUBSTRINGS_MAX = 512;
const SUBSTRING_LENGTH_MIN = 32;

export interface ParseFilterOptions {
  /** `absent`: an attribute that the type doesn't have is one without a value, as in a search across types (RFC 7644 §3.4.2.1). */
  readonly unknownAttributes?: 'refuse' | 'absent';
}

/** @throws ScimError `invalidFilter`, saying where and what was expected */
export function parseFilter(type: ResourceTypeDefinition, text: string, options: ParseFilterOptions = {}): Filter {
  return new Parser(text, (name) => resolveFor(type, name), options.unknownAttributes === 'absent').parse();
}

/**
 * The filter inside a value path's brackets: names are sub-attributes of `attribute`. Its terms are added to `spent`.
 * @throws ScimError `invalidFilter`
 */
export function parseElementFilter(attribute: AttributeDefinition, text: string, spent?: { terms: number }): Filter {
  const simple = parseEquality(attribute, text);
  if (simple !== undefined) {
    if (spent !== undefined) spent.terms += 1;
    return simple;
  }
  const parser = new Parser(text, (name) => resolveIn(attribute, name), false);
  const filter = parser.parse();
  if (spent !== undefined) spent.terms += parser.terms;
  return filter;
}

/** `value eq "…"`, which nearly all value paths are: a PATCH may have thousands. Undefined: it is another one, or wrong. */
function parseEquality(attribute: AttributeDefinition, text: string): Filter | undefined {
  if (text.length > FILTER_LENGTH_MAX) return undefined;
  const match = EQUALITY.exec(text);
  if (match === null) return undefined;
  const [, name = '', value = ''] = match;
  const path = resolveIn(attribute, name);
  if (path === 'unknown' || !isWellFormed(value)) return undefined;
  return compare(path, 'eq', { kind: 'string', value, at: 0 });
}

/** Without escapes in the string. */
const EQUALITY = /^([A-Z$][A-Z0-9_-]*) eq "([^"\\\p{Cc}]*)"$/iu;

/**
 * The same for an attribute that no table knows: any name will do, and nothing satisfies it.
 * @throws ScimError `invalidFilter`, where it is outside the grammar
 */
export function parseUnknownFilter(text: string, spent: { terms: number }): Filter {
  // Brackets hold no brackets (RFC 7644 §3.4.2.2: valFilter).
  const inner = lex(text).find(({ kind }) => kind === '[');
  if (inner !== undefined) throw invalidFilter(`filter: expected no brackets within brackets, got "[" at column ${inner.at + 1}`);
  const parser = new Parser(text, (name) => (NAME.test(name) ? 'unknown' : undefined), true);
  const filter = parser.parse();
  spent.terms += parser.terms;
  return filter;
}

const NAME = /^(?:\$ref|[A-Z][A-Z0-9_-]*)(?:\.(?:\$ref|[A-Z][A-Z0-9_-]*))?$/i;

/** Undefined: outside the grammar. */
type Resolve = (name: string) => AttributePath | 'unknown' | undefined;

const ORDER: readonly Operator[] = ['gt', 'ge', 'lt', 'le'];
const SUBSTRING: readonly Operator[] = ['co', 'sw', 'ew'];
const OPERATORS: ReadonlySet<string> = new Set<Operator>(['eq', 'ne', ...ORDER, ...SUBSTRING]);
const OPERATORS_EXPECTED = 'expected an operator (eq, ne, co, sw, ew, gt, ge, lt, le or pr)';
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const WORDS: ReadonlySet<string> = new Set(['true', 'false', 'null']);
/** What is compared with, but for strings. */
const isLiteral = (text: string): boolean => NUMBER.test(text) || WORDS.has(text.toLowerCase());

class Parser {
  readonly #tokens: Token[];
  #next = 0;
  #depth = 0;
  #terms = 0;
  #substrings = 0;
  #resolve: Resolve;

  constructor(
    text: string,
    resolve: Resolve,
    readonly unknownIsAbsent: boolean,
  ) {
    if (text.length > FILTER_LENGTH_MAX) throw invalidFilter(`filter: longer than ${FILTER_LENGTH_MAX} characters`);
    this.#tokens = lex(text);
    this.#resolve = resolve;
  }

  get terms(): number {
    return this.#terms;
  }

  parse(): Filter {
    const filter = this.#or();
    const rest = this.#take();
    if (rest.kind !== 'end') this.#unexpected(rest, 'expected "and", "or" or the end');
    return filter;
  }

  #or(): Filter {
    const filters = [this.#and()];
    while (this.#takeWord('or')) filters.push(this.#and());
    return filters.length === 1 ? filters[0]! : { kind: 'or', filters };
  }

  #and(): Filter {
    const filters = [this.#term()];
    while (this.#takeWord('and')) filters.push(this.#term());
    return filters.length === 1 ? filters[0]! : { kind: 'and', filters };
  }

  #term(): Filter {
    this.#terms += 1;
    if (this.#terms > FILTER_TERMS_MAX) throw invalidFilter(`filter: more than ${FILTER_TERMS_MAX} terms`);
    const token = this.#take();
    if (token.kind === '(') return this.#grouped();
    if (token.kind !== 'word') return this.#unexpected(token, 'expected an attribute, "not" or "("');
    // `not` is a word of the grammar only before a parenthesis; nothing forbids an attribute of that name.
    if (token.text.toLowerCase() === 'not' && this.#peek().kind === '(') {
      this.#take();
      return { kind: 'not', filter: this.#grouped() };
    }
    return this.#attribute(token.text, token.at);
  }

  #grouped(): Filter {
    this.#enter();
    const filter = this.#or();
    this.#expect(')');
    this.#depth -= 1;
    return filter;
  }

  #attribute(name: string, at: number): Filter {
    const resolved = this.#resolve(name);
    if (resolved === undefined) throw invalidFilter(`filter: expected an attribute, got ${quote(name)} at column ${at + 1}`);
    if (resolved === 'unknown' && !this.unknownIsAbsent)
      throw invalidFilter(`filter: unknown attribute ${quote(name)} at column ${at + 1}`);
    const path = resolved === 'unknown' ? undefined : resolved;
    if (this.#peek().kind === '[') return path === undefined ? this.#absentValuePath(name) : this.#valuePath(path, at);
    const operator = this.#operator();
    if (operator === 'pr') return path === undefined ? { kind: 'constant', value: false, text: name } : { kind: 'present', path };
    const value = this.#take();
    if (path === undefined) return this.#absent(name, operator, value);
    if ((operator === 'co' || operator === 'ew') && value.kind === 'string') {
      this.#substrings += Math.max(SUBSTRING_LENGTH_MIN, value.value.length);
      if (this.#substrings > FILTER_SUBSTRINGS_MAX)
        throw invalidFilter(`filter: co and ew look for more than ${FILTER_SUBSTRINGS_MAX} characters altogether`);
    }
    return compare(path, operator, value);
  }

  #valuePath(path: AttributePath, at: number): Filter {
    const { attribute } = path;
    if (attribute.type !== 'complex' || path.sub !== undefined) {
      throw invalidFilter(`filter: ${printPath(path)} at column ${at + 1} has no sub-attributes, so it takes no brackets`);
    }
    return { kind: 'valuePath', path, filter: this.#element((name) => resolveIn(attribute, name)) };
  }

  /** A value path on an attribute that the type doesn't have: no element satisfies it, whatever the brackets say. */
  #absentValuePath(name: string): Filter {
    this.#element(() => 'unknown');
    return { kind: 'constant', value: false, text: name };
  }

  /** What stands in brackets, and a sub-attribute behind them, as a filter on one element. */
  #element(resolve: (name: string) => AttributePath | 'unknown'): Filter {
    this.#enter();
    this.#take();
    const outer = this.#resolve;
    this.#resolve = resolve;
    let filter = this.#or();
    this.#expect(']');
    const after = this.#peek();
    if (after.kind === 'word' && after.text.startsWith('.') && after.text.length > 1) {
      this.#take();
      const test = this.#attribute(after.text.slice(1), after.at + 1);
      filter = { kind: 'and', filters: filter.kind === 'and' ? [...filter.filters, test] : [filter, test] };
    }
    this.#resolve = outer;
    this.#depth -= 1;
    return filter;
  }

  #absent(name: string, operator: Operator, value: Token): Filter {
    if (value.kind !== 'string' && !(value.kind === 'word' && isLiteral(value.text))) return this.#unexpected(value, 'expected a value');
    const isNull = value.kind === 'word' && value.text.toLowerCase() === 'null';
    return { kind: 'constant', value: (operator === 'ne') !== isNull, text: name };
  }

  #operator(): Operator | 'pr' {
    const token = this.#take();
    if (token.kind !== 'word') return this.#unexpected(token, OPERATORS_EXPECTED);
    const operator = token.text.toLowerCase();
    if (operator !== 'pr' && !OPERATORS.has(operator)) return this.#unexpected(token, OPERATORS_EXPECTED);
    return operator as Operator | 'pr';
  }

  #enter(): void {
    this.#depth += 1;
    if (this.#depth > FILTER_DEPTH_MAX) throw invalidFilter(`filter: nested deeper than ${FILTER_DEPTH_MAX} levels`);
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  /** The end is never passed, so there is always a next token. */
  #take(): Token {
    const token = this.#tokens[this.#next]!;
    if (token.kind !== 'end') this.#next += 1;
    return token;
  }

  #takeWord(word: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'word' || token.text.toLowerCase() !== word) return false;
    this.#next += 1;
    return true;
  }

  #expect(kind: ')' | ']'): void {
    const token = this.#take();
    if (token.kind !== kind) this.#unexpected(token, `expected "${kind}"`);
  }

  #unexpected(token: Token, expected: string): never {
    throw invalidFilter(`filter: ${expected}, got ${describe(token)}`);
  }
}

function resolveFor(type: ResourceTypeDefinition, name: string): AttributePath | 'unknown' | undefined {
  const resolved = resolvePath(type, name);
  if (resolved.kind === 'attribute') return resolved.path;
  return resolved.kind === 'malformed' || (resolved.kind === 'wrong' && resolved.malformed) ? undefined : 'unknown';
}

function resolveIn(attribute: AttributeDefinition, name: string): AttributePath | 'unknown' {
  const sub = lookUp(attribute.byName, name);
  return sub === undefined ? 'unknown' : { urn: undefined, attribute: sub, sub: undefined };
}

function describe(token: Token): string {
  if (token.kind === 'end') return 'the end';
  const text = token.kind === 'word' ? quote(token.text) : token.kind === 'string' ? `the string ${quote(token.value)}` : `"${token.kind}"`;
  return `${text} at column ${token.at + 1}`;
}

/** A comparison, if the attribute's type knows the operator and the value is of that type. */
function compare(given: AttributePath, operator: Operator, token: Token): Filter {
  const isNull = token.kind === 'word' && token.text.toLowerCase() === 'null';
  const path = isNull ? given : toValue(given);
  const { type } = path.sub ?? path.attribute;
  const name = printPath(path);
  if (isNull) {
    if (operator !== 'eq' && operator !== 'ne') throw invalidFilter(`filter: ${name} ${operator} null: only eq and ne compare with null`);
    return { kind: 'compare', path, operator, value: null };
  }
  if (!comparable(type, operator)) throw invalidFilter(`filter: ${name} is of type ${type}, which ${operator} can't compare`);
  return { kind: 'compare', path, operator, value: literal(type, token, name) };
}

/** A complex attribute by itself stands for its `value`. */
function toValue(path: AttributePath): AttributePath {
  if (path.sub !== undefined || path.attribute.type !== 'complex') return path;
  const sub = path.attribute.byName.get('value');
  if (sub === undefined) throw invalidFilter(`filter: ${printPath(path)} is complex; expected one of its sub-attributes`);
  return { ...path, sub };
}

function comparable(type: AttributeDefinition['type'], operator: Operator): boolean {
  switch (type) {
    case 'complex':
      return false;
    case 'boolean':
      return operator === 'eq' || operator === 'ne';
    case 'binary':
      return !ORDER.includes(operator);
    case 'integer':
    case 'decimal':
    case 'dateTime':
      return !SUBSTRING.includes(operator);
    default:
      return true;
  }
}

function literal(type: AttributeDefinition['type'], token: Token, name: string): string | number | boolean {
  switch (type) {
    case 'boolean': {
      const text = token.kind === 'word' ? token.text : token.kind === 'string' ? token.value : '';
      const folded = text.toLowerCase();
      if (folded === 'true' || folded === 'false') return folded === 'true';
      throw invalidFilter(`filter: ${name}: expected true or false, got ${describe(token)}`);
    }
    case 'integer':
    case 'decimal': {
      const text = token.kind === 'word' ? token.text : token.kind === 'string' ? token.value : '';
      const value = NUMBER.test(text) ? Number(text) : Number.NaN;
      if (Number.isFinite(value)) return value === 0 ? 0 : value;
      throw invalidFilter(`filter: ${name}: expected a number, got ${describe(token)}`);
    }
    case 'dateTime': {
      const instant = token.kind === 'string' ? canonicalInstant(token.value) : undefined;
      if (instant !== undefined) return instant;
      throw invalidFilter(`filter: ${name}: expected a dateTime such as "2026-01-31T09:30:00Z", got ${describe(token)}`);
    }
    default:
      if (token.kind === 'string') return token.value;
      throw invalidFilter(`filter: ${name}: expected a string in double quotes, got ${describe(token)}`);
  }
}
