import {
  compileFilter,
  FILTER_DEPTH_MAX,
  FILTER_LENGTH_MAX,
  type Filter,
  type JsonObject,
  parseFilter,
  printFilter,
  type ResourceTypeDefinition,
  ScimError,
  sampleFilter,
  sampleResource,
  searchTree,
  seeded,
} from '@rollcall/scim';
import { toMongoQuery } from '@rollcall/store';
import { type Connection, createConnection, type mongo } from 'mongoose';
import { newCorner } from '../support/environment.js';
import { EXTENDED_USER, TYPES } from './worlds.js';

const RESOURCES = 200;
const FILTERS = 250;
jest.setTimeout(60_000);

const SEED = Number(process.env.SEED ?? 1);

interface Stored {
  readonly _id: number;
  readonly resource: JsonObject;
}

describe('filters on a real MongoDB', () => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await createConnection(newCorner().mongoUri).asPromise();
  });
  afterAll(async () => {
    await connection.db?.dropDatabase();
    await connection.close();
  });

  // Goal: a list that MongoDB answers and one that is made in memory (overlay, look-ups) never disagree.
  // Method: every filter is asked of every resource on both sides, and the whole sets of ids are compared.
  it.each(TYPES)(`%s: ${FILTERS} random filters find what \`matches\` finds among ${RESOURCES} random resources`, async (name, type) => {
    const { collection, stored } = await store(connection, name, type, SEED);
    const random = seeded(SEED + 7);
    let hits = 0;
    let telling = 0;
    for (let n = 0; n < FILTERS; n++) {
      const filter = sampleFilter(type, random, n % 5);
      const found = await compare(collection, stored, filter);
      hits += found;
      if (found > 0 && found < RESOURCES) telling += 1;
    }
    // Filters that find nobody or everybody show little.
    expect(telling).toBeGreaterThan(FILTERS / 2);
    expect(hits).toBeGreaterThan((FILTERS * RESOURCES) / 10);
  });

  // Bounds are only of use where what is within them can be answered: depth 50 was taken, and was a 500, as MongoDB takes no such query.
  it.each([
    ['not, or and and', (inner: string) => `not (title pr or userName pr and ${inner})`],
    ['or and and', (inner: string) => `(title pr or userName pr and ${inner})`],
    ['groups', (inner: string) => `(${inner})`],
  ])('answers the deepest filter that is taken: %s', async (_, wrap) => {
    const { collection, stored } = await store(connection, `deep${_}`, EXTENDED_USER, SEED, 20);
    const inBrackets = (depth: number) => Array.from({ length: depth }).reduce<string>((text) => wrap(text), 'emails[value eq "a"]');
    expect(() => parseFilter(EXTENDED_USER, inBrackets(FILTER_DEPTH_MAX))).toThrow(ScimError);
    await compare(collection, stored, parseFilter(EXTENDED_USER, inBrackets(FILTER_DEPTH_MAX - 1)));
  });

  it.each(['co', 'sw', 'ew', 'eq', 'gt'])('answers the longest comparison that is taken: %s', async (operator) => {
    const { collection, stored } = await store(connection, `long${operator}`, EXTENDED_USER, SEED, 20);
    for (const character of ['a', '*', '\u00e4', '\uff5e', '\u{1f600}', '\\\\', '\\u0000', '(']) {
      // `co` and `ew` are bound by what they look for, see FILTER_SUBSTRINGS_MAX; the others by the filter's length.
      const room = operator === 'co' || operator === 'ew' ? 512 : FILTER_LENGTH_MAX - `userName ${operator} ""`.length;
      const text = `userName ${operator} "${character.repeat(Math.floor(room / character.length))}"`;
      await compare(collection, stored, parseFilter(EXTENDED_USER, text));
    }
  });

  // MongoDB looked for 8,000 such characters for 38 s, whatever its time limit.
  it.each(['co', 'ew'])('answers %s in time where a text of 1 MB nearly holds what is looked for', async (operator) => {
    const resource = { userName: 'a', title: 'a'.repeat(1_000_000) };
    const collection = connection.collection<{ _id: number; search: JsonObject }>(`oracle nearly ${operator}`);
    await collection.insertOne({ _id: 0, search: searchTree(EXTENDED_USER, resource) });
    const began = performance.now();
    await compare(
      collection,
      [{ _id: 0, resource }],
      parseFilter(EXTENDED_USER, `title ${operator} "${'a'.repeat(255)}b${'a'.repeat(256)}"`),
    );
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});

async function store(connection: Connection, name: string, type: ResourceTypeDefinition, seed: number, count = RESOURCES) {
  const random = seeded(seed);
  const stored = Array.from({ length: count }, (_, _id): Stored => ({ _id, resource: sampleResource(type, random, 0.1 + 0.8 * random()) }));
  const collection = connection.collection<{ _id: number; search: JsonObject }>(`oracle ${name}`);
  await collection.insertMany(stored.map(({ _id, resource }) => ({ _id, search: searchTree(type, resource) })));
  return { collection, stored };
}

/** How many were found. @throws where the two sides disagree */
async function compare(
  collection: mongo.Collection<{ _id: number; search: JsonObject }>,
  stored: readonly Stored[],
  filter: Filter,
): Promise<number> {
  const matches = compileFilter(filter);
  const expected = stored.filter(({ resource }) => matches(resource)).map(({ _id }) => _id);
  const documents = await collection
    .find(toMongoQuery(filter) as mongo.Filter<{ _id: number }>, { projection: { _id: 1 }, sort: { _id: 1 } })
    .toArray();
  const actual = documents.map(({ _id }) => _id);
  if (actual.length !== expected.length || actual.some((id, at) => id !== expected[at])) {
    const wrong = stored.find(({ _id }) => actual.includes(_id) !== expected.includes(_id))!;
    throw new Error(
      `seed ${SEED}: ${printFilter(filter)} is ${matches(wrong.resource)} in memory and not in MongoDB, of ${JSON.stringify(wrong.resource)}`,
    );
  }
  return actual.length;
}
