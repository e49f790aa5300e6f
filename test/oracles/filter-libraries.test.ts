/**
 * A third opinion on filters, from two libraries that know nothing of ours, each on what it gets right.
 *
 * Both compare text as it is, and dateTimes as text or by Date: so all text here is plain lower case, and all dateTimes are canonical.
 * Neither takes `ne` for the opposite of `eq`, knows what is unassigned (`""`, `{}`, `eq null`), or unescapes strings as JSON.
 * - scim2-parse-filter: `and`, `or`, `not`, every comparison, sub-attributes, URNs. Its value paths are not per element (`emails[a and b]` is
 *   true where one element satisfies a and another b), so on multi-valued attributes they hold a single comparison, or `or` of such. An array
 *   of simple values is compared as a whole, so it is left out, and so is `$ref`, which it can't read.
 * - scimmy: value paths, per element, of comparisons on different sub-attributes joined by `and`, on resources that have the attribute at all
 *   (it throws on others). Several terms on one attribute run into each other.
 */
import {
  canonicalInstant,
  compileFilter,
  type Filter,
  type JsonObject,
  type JsonValue,
  parseFilter,
  printFilter,
  type ResourceTypeDefinition,
  sampleFilter,
  sampleResource,
  seeded,
} from '@rollcall/scim';
import { filter as compileTheirs, parse } from 'scim2-parse-filter';
import SCIMMY from 'scimmy';
import { TYPES } from './worlds.js';

describe('parse, print, parse', () => {
  it.each(TYPES)('%s: 2,500 random filters come back as they were', (_, type) => {
    for (let seed = 0; seed < 2_500; seed++) {
      const text = printFilter(sampleFilter(type, seeded(seed), seed % 6));
      const parsed = parseFilter(type, text);
      expect(printFilter(parsed)).toBe(text);
      if (seed % 10 === 0) expect(parseFilter(type, printFilter(parsed))).toEqual(parsed);
    }
  });
});

describe('a third opinion', () => {
  it.each(TYPES)('%s: scim2-parse-filter finds the same (10,000 pairs)', (_, type) => {
    const resources = plainResources(type);
    const counted = { pairs: 0, hits: 0 };
    for (let seed = 0; counted.pairs < 10_000; seed++) {
      const filter = plainFilter(sampleFilter(type, seeded(seed), seed % 4));
      if (isForParseFilter(filter)) compare(filter, compileTheirs(parse(printFilter(filter))), resources, counted);
    }
    expect(counted.hits).toBeGreaterThan(1_000);
    expect(counted.hits).toBeLessThan(9_000);
  });

  it.each(TYPES)('%s: scimmy finds the same by value paths (5,000 pairs)', (_, type) => {
    const resources = plainResources(type);
    const plural = type.attributes.filter(({ multiValued, type: of }) => multiValued && of === 'complex');
    const counted = { pairs: 0, hits: 0 };
    for (let seed = 0; counted.pairs < 5_000; seed++) {
      const random = seeded(seed);
      const attribute = plural[seed % plural.length]!;
      const subs = (attribute.subAttributes ?? []).filter(() => random() < 0.4);
      const terms = subs.map((sub) => plainFilter(sampleFilter({ ...type, attributes: [sub], extensions: [] }, random, 0)));
      if (terms.length === 0 || !terms.every(isComparison)) continue;
      const inner: Filter = terms.length === 1 ? terms[0]! : { kind: 'and', filters: terms };
      const filter: Filter = { kind: 'valuePath', path: { urn: undefined, attribute, sub: undefined }, filter: inner };
      const theirs = new SCIMMY.Types.Filter(printFilter(filter));
      const having = resources.filter((resource) => resource[attribute.name] !== undefined);
      compare(filter, (resource) => theirs.match([resource]).length > 0, having, counted);
    }
    expect(counted.hits).toBeGreaterThan(300);
  });
});

function plainResources(type: ResourceTypeDefinition): JsonObject[] {
  return Array.from({ length: 50 }, (_, seed) => plain(sampleResource(type, seeded(seed), 0.6)) as JsonObject);
}

function compare(
  filter: Filter,
  theirs: (resource: JsonObject) => boolean,
  resources: readonly JsonObject[],
  counted: { pairs: number; hits: number },
): void {
  const ours = compileFilter(filter);
  for (const resource of resources) {
    const expected = theirs(resource);
    if (ours(resource) !== expected) throw new Error(`${printFilter(filter)} is ${expected} to them, of ${JSON.stringify(resource)}`);
    counted.pairs += 1;
    if (expected) counted.hits += 1;
  }
}

/** Lower case letters and digits alone; dateTimes canonical; what is unassigned left out. */
function plain(value: JsonValue): JsonValue | undefined {
  if (typeof value === 'string') return plainText(value);
  if (Array.isArray(value)) {
    const all = value.map(plain).filter((each) => each !== undefined);
    return all.length === 0 ? undefined : all;
  }
  if (typeof value !== 'object' || value === null) return value;
  const all: JsonObject = {};
  for (const [key, each] of Object.entries(value)) {
    const made = plain(each);
    if (made !== undefined) all[key] = made;
  }
  return Object.keys(all).length === 0 ? undefined : all;
}

function plainText(text: string): string {
  return canonicalInstant(text) ?? text.toLowerCase().replaceAll(/[^a-z0-9]/gu, 'q');
}

function plainFilter(filter: Filter): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { ...filter, filters: filter.filters.map(plainFilter) };
    case 'not':
    case 'valuePath':
      return { ...filter, filter: plainFilter(filter.filter) };
    case 'compare':
      return typeof filter.value === 'string' ? { ...filter, value: plainText(filter.value) } : filter;
    default:
      return filter;
  }
}

function isComparison(filter: Filter): boolean {
  if (filter.kind !== 'compare' && filter.kind !== 'present') return false;
  if ((filter.path.sub ?? filter.path.attribute).name === '$ref') return false; // not in their grammar
  if (filter.kind === 'present') return true;
  if (filter.path.sub?.multiValued || (filter.path.sub === undefined && filter.path.attribute.multiValued)) return false;
  const { operator, value } = filter;
  return operator !== 'ne' && value !== null && value !== '' && !(typeof value === 'number' && (value < 0 || value >= 1e21));
}

function isForParseFilter(filter: Filter): boolean {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.every(isForParseFilter);
    case 'not':
      return isForParseFilter(filter.filter);
    case 'valuePath':
      return filter.path.attribute.multiValued ? isSimple(filter.filter) : isForParseFilter(filter.filter);
    default:
      return isComparison(filter);
  }
}

function isSimple(filter: Filter): boolean {
  return filter.kind === 'or' ? filter.filters.every(isSimple) : isComparison(filter);
}
