/**
 * Resources and filters made at random from the tables, for whoever compares two readings of them (the predicate and MongoDB, two PATCH
 * engines). Chance comes in from outside, so a seed tells everything. Values come from a small pool, so that filters do find something.
 */
import type { Filter, Operator } from './filter/ast.js';
import type { JsonObject, JsonValue } from './json.js';
import type { AttributePath } from './path.js';
import type { AttributeDefinition, ResourceTypeDefinition } from './schema/definition.js';

/** A number from 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

/** A small generator for tests (mulberry32): the same seed, the same numbers. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Full and canonical, with read-only attributes too; each attribute is there with the given probability. */
export function sampleResource(type: ResourceTypeDefinition, random: Random, density = 0.4): JsonObject {
  const resource = sampleObject(type.attributes, random, density);
  for (const { schema } of type.extensions) {
    const extension = sampleObject(schema.attributes, random, density);
    if (Object.keys(extension).length > 0) resource[schema.id] = extension;
  }
  return resource;
}

export function sampleFilter(type: ResourceTypeDefinition, random: Random, depth = 3): Filter {
  const paths: AttributePath[] = type.attributes.map((attribute) => ({ urn: undefined, attribute, sub: undefined }));
  for (const { schema } of type.extensions)
    paths.push(...schema.attributes.map((attribute) => ({ urn: schema.id, attribute, sub: undefined })));
  return sampleTerm(paths, random, depth);
}

const TEXTS = [
  'a',
  'A',
  'b',
  'ab',
  'aB',
  'ba',
  'Äb',
  'a\u0308b',
  'ß',
  'ss',
  'x\ny',
  'y',
  'y\n',
  'a.c',
  'abc',
  '$a',
  '^a',
  'a*',
  '(',
  '[a',
  '\\',
  '\\d',
];
const ODD_TEXTS = [
  '"',
  "'",
  '|',
  '/',
  '-',
  '#',
  ' ',
  'a b',
  '\u{1f600}',
  '\uff5e',
  '\ue000',
  'İ',
  'i\u0307',
  'Σ',
  'ς',
  'z\0',
  '{"$gt":""}',
  '\u2028',
];
const INSTANTS = [
  '2026-01-31T09:30:00Z',
  '2026-01-31T10:30:00+01:00',
  '2026-01-31T09:30:00.001Z',
  '2025-12-31T23:59:59-05:00',
  '0099-01-01T00:00:00Z',
];
const NUMBERS = [0, 1, -1, 1.5, 2, 10, 1e21];
const ORDERS: readonly Operator[] = ['gt', 'ge', 'lt', 'le'];
const SUBSTRINGS: readonly Operator[] = ['co', 'sw', 'ew'];

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)]!;
}

function sampleText(random: Random): string {
  return pick(random() < 0.7 ? TEXTS : ODD_TEXTS, random);
}

function sampleObject(attributes: readonly AttributeDefinition[], random: Random, density: number): JsonObject {
  const object: JsonObject = {};
  for (const attribute of attributes) {
    if (random() >= density) continue;
    if (!attribute.multiValued) object[attribute.name] = sampleValue(attribute, random, density);
    else object[attribute.name] = Array.from({ length: 1 + Math.floor(random() * 3) }, () => sampleValue(attribute, random, density));
  }
  return object;
}

function sampleValue(attribute: AttributeDefinition, random: Random, density: number): JsonValue {
  switch (attribute.type) {
    case 'complex':
      return sampleObject(attribute.subAttributes ?? [], random, density + 0.2);
    case 'boolean':
      return random() < 0.5;
    case 'integer':
    case 'decimal':
      return pick(NUMBERS, random);
    case 'dateTime':
      return pick(INSTANTS, random);
    default:
      return sampleText(random);
  }
}

function sampleTerm(paths: readonly AttributePath[], random: Random, depth: number): Filter {
  const roll = depth > 0 ? random() : 1;
  if (roll < 0.3) {
    const filters = Array.from({ length: 2 + Math.floor(random() * 2) }, () => sampleTerm(paths, random, depth - 1));
    return { kind: random() < 0.5 ? 'and' : 'or', filters };
  }
  if (roll < 0.4) return { kind: 'not', filter: sampleTerm(paths, random, depth - 1) };
  const path = pick(paths, random);
  const subs = path.attribute.subAttributes;
  if (subs === undefined) return sampleTest(path, random);
  if (roll < 0.7) {
    const inner = subs.map((attribute) => ({ urn: undefined, attribute, sub: undefined }));
    return { kind: 'valuePath', path, filter: sampleTerm(inner, random, depth - 1) };
  }
  if (random() < 0.1) return { kind: 'present', path };
  return sampleTest({ ...path, sub: pick(subs, random) }, random);
}

function sampleTest(path: AttributePath, random: Random): Filter {
  const definition = path.sub ?? path.attribute;
  if (random() < 0.15) return { kind: 'present', path };
  if (random() < 0.05) return { kind: 'compare', path, operator: random() < 0.5 ? 'eq' : 'ne', value: null };
  const operator = pick<Operator>(['eq', 'eq', 'ne', ...operatorsOf(definition)], random);
  const value = sampleValue(definition, random, 0);
  if (definition.type === 'dateTime') return { kind: 'compare', path, operator, value: new Date(String(value)).toISOString() };
  return {
    kind: 'compare',
    path,
    operator,
    value: random() < 0.05 && typeof value === 'string' ? '' : (value as string | number | boolean),
  };
}

function operatorsOf({ type }: AttributeDefinition): readonly Operator[] {
  switch (type) {
    case 'boolean':
      return [];
    case 'binary':
      return SUBSTRINGS;
    case 'integer':
    case 'decimal':
    case 'dateTime':
      return ORDERS;
    default:
      return [...ORDERS, ...SUBSTRINGS];
  }
}
