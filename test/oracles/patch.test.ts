import {
  applyPatch,
  defineResourceType,
  defineSchema,
  GROUP,
  type JsonObject,
  parsePatch,
  type ResourceTypeDefinition,
  ScimError,
  seeded,
  USER,
  USER_PARTS,
} from '@rollcall/scim';
import { referencePatch, text } from './patch-reference.js';
import { sampleAttributes, samplePatch } from './patch-samples.js';
import { EXTENDED_USER } from './worlds.js';

const SEQUENCES = 4_000;
const FIRST = Number(process.env.SEED ?? 0);

/** What an extension may demand: required and immutable attributes, and sub-attributes that are. */
const STRICT = defineResourceType({
  ...USER_PARTS,
  extensions: [
    ...EXTENDED_USER.extensions,
    {
      required: false,
      schema: defineSchema({
        id: 'urn:example:params:scim:schemas:extension:strict:2.0:User',
        name: 'Strict',
        attributes: [
          { name: 'number', required: true },
          { name: 'once', mutability: 'immutable' },
          { name: 'labels', multiValued: true, mutability: 'immutable' },
          { name: 'born', type: 'complex', mutability: 'immutable', subAttributes: [{ name: 'city' }, { name: 'at', type: 'dateTime' }] },
          { name: 'codes', multiValued: true, required: true, caseExact: true },
          {
            name: 'cards',
            type: 'complex',
            multiValued: true,
            subAttributes: [
              { name: 'value', required: true, mutability: 'immutable', caseExact: true },
              { name: 'type' },
              { name: 'from', type: 'dateTime', mutability: 'immutable' },
              { name: 'seen', mutability: 'readOnly' },
              { name: 'primary', type: 'boolean' },
              { name: 'tags', multiValued: true },
              { name: 'seals', multiValued: true, mutability: 'immutable' },
            ],
          },
          {
            name: 'desk',
            type: 'complex',
            subAttributes: [
              { name: 'room', mutability: 'immutable' },
              { name: 'drawers', multiValued: true },
              { name: 'locks', multiValued: true, caseExact: true },
              { name: 'seals', multiValued: true, mutability: 'immutable' },
            ],
          },
        ],
      }),
    },
  ],
});

const TYPES: readonly (readonly [string, ResourceTypeDefinition])[] = [
  ['User', USER],
  ['Group', GROUP],
  ['User with declared extensions', STRICT],
];

// Goal: the engine does what the RFC's text says, and what docs/scim.md adds to it.
// Method: the same random operations on the same random resource, here and by a slow reference; what comes out of one is what the next begins with.
describe('PATCH against a reference written from RFC 7644 §3.5.2', () => {
  it.each(TYPES)(`%s: ${SEQUENCES} random sequences of operations give the same attributes, or the same error`, (_, type) => {
    const seen = new Map<string, number>();
    let before: JsonObject = {};
    for (let seed = FIRST; seed < FIRST + SEQUENCES; seed++) {
      const random = seeded(seed);
      if ((seed - FIRST) % 3 === 0) before = sampleAttributes(type, random);
      const body = samplePatch(type, before, random);
      const known = text(before);
      const actual = outcome(() => applyPatch(type, before, parsePatch(type, body)).attributes);
      const expected = outcome(() => referencePatch(type, before, body));
      if (actual.told !== expected.told) {
        throw new Error(
          `seed ${seed}: ${JSON.stringify(body)} of ${known}\nengine:    ${actual.told}\n${actual.detail}\nreference: ${expected.told}`,
        );
      }
      if (text(before) !== known) throw new Error(`seed ${seed}: the input was changed`);
      const kind = actual.attributes === undefined ? actual.told : actual.told === known ? 'unchanged' : 'changed';
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      before = actual.attributes ?? before;
    }
    expect(seen.get('changed')).toBeGreaterThan(SEQUENCES / 8); // a group has little but its members, who are immutable
    const kinds = [
      'unchanged',
      ...['Value', 'Path', 'Filter', 'Syntax'].map((each) => `400 invalid${each}`),
      '400 mutability',
      '400 noTarget',
    ];
    expect(kinds.filter((kind) => (seen.get(kind) ?? 0) < 10)).toEqual([]);
  });
});

function outcome(run: () => JsonObject): { told: string; detail: string; attributes?: JsonObject } {
  try {
    const attributes = run();
    return { told: text(attributes), detail: '', attributes };
  } catch (error) {
    if (!(error instanceof ScimError)) throw error;
    return { told: `${error.status} ${error.scimType}`, detail: error.detail };
  }
}
