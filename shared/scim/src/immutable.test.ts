import { keepImmutable } from './immutable.js';
import type { JsonObject } from './json.js';
import { defineResourceType, defineSchema } from './schema/definition.js';
import { GROUP } from './schema/group.js';
import { USER, USER_PARTS } from './schema/user.js';
import { deepFreeze, errorOf } from './testing.js';

const URN = 'urn:example:params:scim:schemas:extension:card:2.0:User';
const CARD = defineSchema({
  id: URN,
  name: 'Card',
  attributes: [
    { name: 'free' },
    { name: 'once', mutability: 'immutable' },
    { name: 'exact', mutability: 'immutable', caseExact: true },
    { name: 'since', type: 'dateTime', mutability: 'immutable' },
    { name: 'labels', multiValued: true, mutability: 'immutable' },
    { name: 'born', type: 'complex', mutability: 'immutable', subAttributes: [{ name: 'city' }, { name: 'land' }] },
    {
      name: 'seats',
      type: 'complex',
      multiValued: true,
      mutability: 'immutable',
      subAttributes: [{ name: 'value' }, { name: 'rows', multiValued: true }],
    },
    { name: 'desk', type: 'complex', subAttributes: [{ name: 'room' }, { name: 'number', mutability: 'immutable' }] },
    {
      name: 'things',
      type: 'complex',
      multiValued: true,
      subAttributes: [{ name: 'value' }, { name: 'note' }, { name: 'made', mutability: 'immutable' }],
    },
  ],
});
const TYPE = defineResourceType({ ...USER_PARTS, extensions: [...(USER_PARTS.extensions ?? []), { schema: CARD, required: false }] });
const BEFORE: JsonObject = deepFreeze({
  free: 'f',
  once: 'One',
  exact: 'E',
  since: '2026-01-31T09:30:00Z',
  labels: ['a', 'B'],
  born: { city: 'Rome', land: 'Italy' },
  seats: [{ value: '1', rows: ['x', 'y'] }, { value: '2' }],
  desk: { room: 'r', number: '7' },
  things: [
    { value: '1', note: 'n', made: 'here' },
    { value: '2', made: 'there' },
  ],
});

const replaced = (after: JsonObject, before: JsonObject = BEFORE) =>
  keepImmutable(TYPE, deepFreeze({ userName: 'ada', [URN]: before }), deepFreeze({ userName: 'eve', [URN]: after }));
const refused = (after: JsonObject) => {
  const { status, scimType, detail } = errorOf(() => replaced(after));
  return { status, scimType, detail };
};

describe('keepImmutable (RFC 7644 §3.5.1)', () => {
  const { free: _, desk: __, things: ___, ...immutable } = BEFORE;

  it('keeps what is left out, and nothing else', () => {
    expect(replaced({})).toEqual({ userName: 'eve', [URN]: { ...immutable, desk: { number: '7' } } });
    expect(keepImmutable(TYPE, { userName: 'ada', [URN]: BEFORE }, { userName: 'eve' })).toEqual(replaced({}));
  });

  it('gives attributes in the order of their table', () => {
    const names = Object.keys(replaced({ things: [{ value: '3' }], free: 'g' })[URN] as JsonObject);
    expect(names).toEqual(['free', 'once', 'exact', 'since', 'labels', 'born', 'seats', 'desk', 'things']);
  });

  it.each<[string, JsonObject]>([
    ['in another case, where that is no difference', { once: 'ONE' }],
    ['as the same instant', { since: '2026-01-31T10:30:00+01:00' }],
    ['in another order', { labels: ['b', 'A'] }],
    ['of a complex attribute, or a part of it', { born: { land: 'ITALY' } }],
    ['of elements, in another order', { seats: [{ value: '2' }, { rows: ['Y', 'x'], value: '1' }] }],
  ])('takes the same value again, and leaves it as it was: %s', (_name, after) => {
    expect(replaced(after)).toEqual(replaced({}));
  });

  it('takes a value where there is none', () => {
    expect(replaced({ once: 'x', labels: ['y'], desk: { number: '1' } }, { free: 'f' })[URN]).toEqual({
      once: 'x',
      labels: ['y'],
      desk: { number: '1' },
    });
    expect(keepImmutable(TYPE, { userName: 'ada' }, { userName: 'ada', [URN]: BEFORE })).toEqual({ userName: 'ada', [URN]: BEFORE });
  });

  it.each<[string, JsonObject]>([
    ['once', { once: 'Two' }],
    ['exact', { exact: 'e' }],
    ['since', { since: '2026-01-31T09:30:01Z' }],
    ['labels', { labels: ['a'] }],
    ['labels', { labels: ['a', 'b', 'c'] }],
    ['born', { born: { city: 'Paris' } }],
    ['seats', { seats: [{ value: '1', rows: ['x'] }, { value: '2' }] }],
    ['desk.number', { desk: { room: 'r', number: '8' } }],
    ['things.made', { things: [{ value: '1', made: 'elsewhere' }] }],
  ])('refuses another value of %s: %j', (name, after) => {
    expect(refused(after)).toEqual({ status: 400, scimType: 'mutability', detail: `${URN}:${name}: is immutable, and has a value` });
  });

  it('keeps sub-attributes of elements that stay, and lets elements come and go', () => {
    const things = [
      { value: '3', made: 'new' },
      { value: '1', note: 'other' },
    ];
    expect((replaced({ things })[URN] as JsonObject).things).toEqual([
      { value: '3', made: 'new' },
      { value: '1', note: 'other', made: 'here' },
    ]);
  });

  it('gives back what came, where nothing is immutable', () => {
    expect(USER.immutable).toEqual([]);
    expect(USER.extensions.flatMap(({ schema }) => schema.immutable)).toEqual([]);
    expect(GROUP.immutable.map(({ name }) => name)).toEqual(['members']);
    const after = { userName: 'eve' };
    expect(keepImmutable(USER, { userName: 'ada', title: 'Dr' }, after)).toBe(after);
  });
});
