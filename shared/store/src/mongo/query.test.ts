import {
  type JsonObject,
  type JsonValue,
  matches,
  parseFilter,
  printFilter,
  sampleFilter,
  sampleResource,
  searchTree,
  seeded,
  USER,
} from '@rollcall/scim';
import { toMongoQuery } from './query.js';

describe('toMongoQuery', () => {
  it.each([
    ['userName eq "ADA"', { 'search.userName': { $eq: 'ada' } }],
    [
      'emails[type eq "work" and value co "@x.y"]',
      { 'search.emails': { $elemMatch: { $and: [{ type: { $eq: 'work' } }, { value: { $regex: '@x\\.y' } }] } } },
    ],
    ['userName sw "a*"', { 'search.userName': { $regex: '^a\\*' } }],
    ['title eq null', { 'search.title': { $exists: false } }],
    ['not (active eq true)', { $nor: [{ 'search.active': { $eq: true } }] }],
    [
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value ne "B"',
      { 'search.enterprise.manager.value': { $ne: 'b' } },
    ],
    ['meta.created ge "2026-01-31T10:30:00+01:00"', { 'search.meta.created': { $gte: '2026-01-31T09:30:00.000Z' } }],
  ])('%s', (text, query) => expect(toMongoQuery(parseFilter(USER, text))).toEqual(query));

  it('leaves client text an operand', () => {
    expect(toMongoQuery(parseFilter(USER, 'userName eq "{\\"$gt\\":\\"\\"}"'))).toEqual({ 'search.userName': { $eq: '{"$gt":""}' } });
    expect(toMongoQuery(parseFilter(USER, 'userName co "\\u0000"'))).toEqual({ 'search.userName': { $regex: '\\x00' } });
  });

  // Goal: list answers from MongoDB and from the overlay in memory never disagree.
  // Method: random filters on random resources, the query read by a tiny interpreter of what the operators are documented to do.
  it('means what `matches` means', () => {
    let hits = 0;
    for (let seed = 0; seed < 10_000; seed++) {
      const random = seeded(seed);
      const resource = sampleResource(USER, random);
      const filter = sampleFilter(USER, random);
      const expected = matches(filter, resource);
      const actual = satisfies({ search: searchTree(USER, resource) }, toMongoQuery(filter) as JsonObject);
      if (actual !== expected)
        throw new Error(
          `seed ${seed}: ${printFilter(filter)} is ${expected} in memory, ${actual} in MongoDB, of ${JSON.stringify(resource)}`,
        );
      if (expected) hits += 1;
    }
    expect(hits).toBeGreaterThan(1_000);
    expect(hits).toBeLessThan(9_000);
  });
});

/** The part of MongoDB's query language that is used here. */
function satisfies(document: JsonObject, query: JsonObject): boolean {
  return Object.entries(query).every(([key, operand]) => {
    const queries = operand as JsonObject[];
    if (key === '$and') return queries.every((each) => satisfies(document, each));
    if (key === '$or') return queries.some((each) => satisfies(document, each));
    if (key === '$nor') return !queries.some((each) => satisfies(document, each));
    return Object.entries(operand as JsonObject).every(([operator, wanted]) => test(reach(document, key.split('.')), operator, wanted));
  });
}

/** What a dotted path reaches: arrays are gone through on the way, and at its end both the array and its elements are candidates. */
function reach(from: JsonValue | undefined, path: string[]): JsonValue[] {
  const [first, ...rest] = path;
  if (first === undefined) return from === undefined ? [] : Array.isArray(from) ? [from, ...from] : [from];
  if (Array.isArray(from)) return from.filter((each) => !Array.isArray(each)).flatMap((each) => reach(each, path));
  if (typeof from !== 'object' || from === null || !Object.hasOwn(from, first)) return [];
  return reach(from[first], rest);
}

function test(candidates: JsonValue[], operator: string, wanted: JsonValue): boolean {
  const some = (predicate: (order: number) => boolean) =>
    candidates.some((each) => typeof each === typeof wanted && predicate(compare(each, wanted)));
  switch (operator) {
    case '$exists':
      return candidates.length > 0 === wanted;
    case '$eq':
      return candidates.includes(wanted);
    case '$ne':
      return !candidates.includes(wanted);
    case '$gt':
      return some((order) => order > 0);
    case '$gte':
      return some((order) => order >= 0);
    case '$lt':
      return some((order) => order < 0);
    case '$lte':
      return some((order) => order <= 0);
    case '$regex':
      return candidates.some((each) => typeof each === 'string' && new RegExp(String(wanted)).test(each));
    case '$elemMatch':
      return candidates.some(
        (each) =>
          Array.isArray(each) &&
          each.some((element) => typeof element === 'object' && satisfies(element as JsonObject, wanted as JsonObject)),
      );
    default:
      throw new Error(`unknown operator ${operator}`);
  }
}

function compare(a: JsonValue, b: JsonValue): number {
  return typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(String(b))) : Number(a) - Number(b);
}
