/** Random PATCH bodies that touch everything §3.5.2 speaks of: most of them make sense, some don't. */
import {
  type AttributeDefinition,
  type JsonObject,
  type JsonValue,
  PATCH_OP_URN,
  type Random,
  type ResourceTypeDefinition,
  type SchemaDefinition,
  ScimError,
  validateResource,
} from '@rollcall/scim';

/** A canonical resource to begin with. */
export function sampleAttributes(type: ResourceTypeDefinition, random: Random): JsonObject {
  for (;;) {
    const body: JsonObject = fill(type.attributes, random);
    for (const { schema } of type.extensions) if (random() < 0.6) body[schema.id] = fill(schema.attributes, random);
    try {
      return validateResource(type, body, { purpose: 'create' }).attributes;
    } catch (error) {
      if (!(error instanceof ScimError)) throw error; // else it happened to be wrong: two primaries, or the like
    }
  }
}

export function samplePatch(type: ResourceTypeDefinition, attributes: JsonObject, random: Random): JsonObject {
  const operations = Array.from({ length: 1 + Math.floor(random() * 4) }, () => operation(type, attributes, random));
  return { ...(random() < 0.9 ? { schemas: [PATCH_OP_URN] } : {}), Operations: random() < 0.005 ? [] : operations };
}

function operation(type: ResourceTypeDefinition, attributes: JsonObject, random: Random): JsonValue {
  if (random() < 0.003) return pick(['add', null, {}, { op: 'move', path: 'title' }, { op: 1 }], random);
  const op = pick(['add', 'add', 'replace', 'replace', 'remove', 'remove', 'Add', 'REPLACE'], random);
  if (op !== 'remove' && random() < 0.2)
    return {
      op,
      ...(random() < 0.1 ? { path: null } : {}),
      value: random() < 0.03 ? pick(['x', [], 1, null], random) : members(type, attributes, random),
    };
  if (random() < 0.005) return { op, value: 'x' };
  const { path, value } = place(type, attributes, random, op === 'remove');
  if (op === 'remove') return random() < 0.75 ? { op, path } : { op, path, value };
  return random() < 0.005 ? { op, path } : { op, path, value };
}

/** A path with a value that would fit. */
function place(
  type: ResourceTypeDefinition,
  attributes: JsonObject,
  random: Random,
  removing: boolean,
): { path: string; value: JsonValue } {
  const roll = random();
  if (roll < 0.02)
    return {
      path: pick(
        [
          '',
          '1',
          'a b',
          'emails[',
          'emails]',
          'emails[type eq "work"]x',
          'name[formatted eq "a"]',
          'title[value eq "a"]',
          '.x',
          'name.',
          'emails[type eq "a"].1',
          'nope[((]',
          'nope[]',
          'nope[a eq b]',
          'nope[a[b eq 1]]',
          'nope[a pr or]',
          'password[a]',
        ],
        random,
      ),
      value: 'x',
    };
  if (roll < 0.05)
    return {
      path: pick(
        [
          'nope',
          'name.nope',
          'urn:x:y',
          'urn:x:y:z.a',
          'password',
          'nope[a eq 1]',
          'nope[not (a pr) and (b.c ne "(" or d lt 1.5)].x',
          'emails[type eq "a"].nope',
          'name.nope.x',
          `${type.schema.id}:nope`,
          `${type.schema.id}/title`,
          `${type.schema.id}s:title`,
          'urn:ietf:params:scim:schemas:core:2.0:Group:displayName',
          'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:active',
        ],
        random,
      ),
      value: 'x',
    };
  if (roll < 0.09)
    return {
      path: pick(
        [
          'id',
          'meta',
          'meta.version',
          'groups',
          'schemas',
          'members.display',
          'groups[value eq "a"]',
          'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.displayName',
        ],
        random,
      ),
      value: 'x',
    };
  if (roll < 0.14) {
    const schema = pick([type.schema, ...type.extensions.map((each) => each.schema)], random);
    return { path: cased(schema.id, random), value: random() < 0.1 ? odd(random) : fill(schema.attributes, random, 0.3) };
  }
  const { schema, attribute } = somewhere(type, random);
  const container = schema === undefined ? attributes : ((attributes[schema.id] ?? {}) as JsonObject);
  const separator = random() < 0.1 ? '.' : ':';
  const urn = schema === undefined ? (random() < 0.05 ? type.schema.id : undefined) : schema.id;
  const name = `${urn === undefined ? '' : `${urn}${separator}`}${cased(attribute.name, random)}`;
  const subs = attribute.subAttributes;
  const form = random();
  if (subs === undefined || form < 0.3)
    return { path: name, value: removing ? listed(container[attribute.name], attribute, random) : given(attribute, random) };
  const sub = pick(subs, random);
  const ofSub = () =>
    removing && sub.multiValued ? listed(subValue(container[attribute.name], sub, random), sub, random) : given(sub, random);
  if (!attribute.multiValued || form < 0.4) return { path: `${name}.${cased(sub.name, random)}`, value: ofSub() };
  const path = `${name}[${condition(attribute, container[attribute.name], random)}]`;
  if (form < 0.7) return { path, value: random() < 0.1 ? odd(random) : element(attribute, random) };
  return { path: `${path}.${cased(sub.name, random)}`, value: ofSub() };
}

/** What a sub-attribute has: of a complex value, or of one of several. */
function subValue(present: JsonValue | undefined, sub: AttributeDefinition, random: Random): JsonValue | undefined {
  const one = Array.isArray(present) ? pick(present, random) : present;
  return typeof one === 'object' && one !== null && !Array.isArray(one) ? one[sub.name] : undefined;
}

function members(type: ResourceTypeDefinition, attributes: JsonObject, random: Random): JsonObject {
  const value: JsonObject = {};
  for (let n = Math.floor(random() * 5); n >= 0; n--) {
    const { path, value: member } = place(type, attributes, random, false);
    value[path] = member;
  }
  return value;
}

function condition(attribute: AttributeDefinition, present: JsonValue | undefined, random: Random): string {
  if (random() < 0.02)
    return pick(
      [
        '',
        'type',
        'type eq',
        'nope eq "x"',
        'type is "x"',
        'primary gt true',
        'type eq "x" and',
        'type eq work',
        'type co null',
        '(type pr',
        'value eq "a") or (type pr',
      ],
      random,
    );
  const test = (): string => {
    const elements = (Array.isArray(present) ? present : []) as JsonObject[];
    const one = elements.length > 0 && random() < 0.7 ? pick(elements, random) : undefined;
    const sub =
      pick(
        (attribute.subAttributes ?? []).filter(({ name }) => one === undefined || one[name] !== undefined),
        random,
      ) ?? attribute.subAttributes![0]!;
    if (random() < 0.08) return `${sub.name} pr`;
    if (random() < 0.04) return `${sub.name} ${pick(['eq', 'ne'], random)} null`;
    const has = one?.[sub.name];
    const known = Array.isArray(has) ? has[0] : has;
    const value = known !== undefined && random() < 0.9 ? known : simple(sub, random);
    const operator = random() < 0.75 ? 'eq' : pick(OPERATORS[sub.type] ?? OPERATORS.string!, random);
    const literal =
      typeof value === 'string' && random() < 0.3
        ? JSON.stringify(sub.type === 'dateTime' ? value : cased(value, random))
        : JSON.stringify(value);
    return `${cased(sub.name, random)} ${cased(operator, random)} ${typeof value === 'boolean' && random() < 0.2 ? `"${value}"` : literal}`;
  };
  const roll = random();
  if (roll < 0.65) return test();
  if (roll < 0.8) return `${test()} and ${test()}`;
  if (roll < 0.9) return `${test()} or ${test()}`;
  return roll < 0.95 ? `not (${test()})` : `(${test()} or ${test()}) and ${test()}`;
}

const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  boolean: ['ne'],
  binary: ['ne', 'co', 'sw', 'ew'],
  integer: ['ne', 'gt', 'ge', 'lt', 'le'],
  decimal: ['ne', 'gt', 'ge', 'lt', 'le'],
  dateTime: ['ne', 'gt', 'ge', 'lt', 'le'],
  string: ['ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'],
};

/** What a client sends for an attribute: usually right. */
function given(attribute: AttributeDefinition, random: Random): JsonValue {
  const roll = random();
  // As some clients have it: JSON in a string, the name once more, or both.
  if (random() < 0.06) {
    const value = given(attribute, random);
    const text = random() < 0.5 ? JSON.stringify(value) : value;
    return random() < 0.5 ? text : { [cased(attribute.name, random)]: text };
  }
  if (roll < 0.12) return odd(random);
  if (!attribute.multiValued) return roll < 0.2 ? wrapped(attribute, element(attribute, random), random) : element(attribute, random);
  if (roll < 0.25) return element(attribute, random);
  return Array.from({ length: 1 + Math.floor(random() * 3) }, () => element(attribute, random));
}

function wrapped(attribute: AttributeDefinition, value: JsonValue, random: Random): JsonValue {
  const roll = random();
  if (roll < 0.1) return [value, value];
  return roll < 0.5 || attribute.type === 'complex' ? [value] : [{ value, $ref: null }];
}

function odd(random: Random): JsonValue {
  return pick<JsonValue>(
    [null, null, '', '', [], {}, [null], [''], 7, { nope: 1 }, '[x', true, 'True', 'x', [[]], { value: null }, [{}], ' ', '\u0085'],
    random,
  );
}

/** One value: of a complex attribute an object, of which not all need be right. */
function element(attribute: AttributeDefinition, random: Random): JsonValue {
  if (attribute.type !== 'complex') return random() < 0.03 ? odd(random) : simple(attribute, random);
  if (random() < 0.05) return 'a';
  const object: JsonObject = {};
  for (const sub of attribute.subAttributes ?? []) {
    const wanted = sub.name === 'value' || sub.name === 'type' ? 0.8 : sub.name === 'primary' ? 0.2 : 0.3;
    if (random() >= wanted) continue;
    object[cased(sub.name, random)] = random() < 0.08 ? odd(random) : sub.multiValued ? [simple(sub, random)] : simple(sub, random);
    if (random() < 0.005) object[sub.name.toUpperCase()] = 'x';
  }
  if (random() < 0.05) object.nope = 'x';
  return object;
}

function simple({ type, name }: AttributeDefinition, random: Random): JsonValue {
  switch (type) {
    case 'boolean':
      return random() < 0.15 ? pick(['True', 'false', 'TRUE'], random) : random() < 0.5;
    case 'integer':
      return pick<JsonValue>([0, 1, 2, -1, '7'], random);
    case 'decimal':
      return pick<JsonValue>([0, 1.5, -1, '2.5', 1e21], random);
    case 'dateTime':
      return pick(['2026-01-31T09:30:00Z', '2026-01-31T10:30:00+01:00', '2026-02-01T00:00:00.5Z', '2026-01-31T09:30:00'], random);
    case 'binary':
      return pick(['YQ==', 'yq==', 'abc_'], random);
    case 'reference':
      return pick(['../Users/a', 'https://example.com/Users/b/', 'c'], random);
    default:
      return name === 'type'
        ? pick(['work', 'home', 'Work', 'other'], random)
        : pick(['a', 'A', 'b', 'ab', 'Äb', 'a\u0308B', 'c', 'ba'], random);
  }
}

/** What `remove` lists: values that are there, or others. */
function listed(present: JsonValue | undefined, attribute: AttributeDefinition, random: Random): JsonValue {
  if (Array.isArray(present) && random() < 0.7) {
    const one = pick(present, random);
    if (typeof one !== 'object' || one === null) return [one];
    const { value, type } = one as JsonObject;
    return [{ ...(value === undefined ? one : { value }), ...(type !== undefined && random() < 0.5 ? { type } : {}) }];
  }
  return given(attribute, random);
}

function fill(attributes: readonly AttributeDefinition[], random: Random, density = 0.5): JsonObject {
  const object: JsonObject = {};
  for (const attribute of attributes) {
    if (attribute.mutability === 'readOnly' || (random() >= density && !attribute.required)) continue;
    object[attribute.name] = attribute.multiValued
      ? Array.from({ length: 1 + Math.floor(random() * 3) }, () => element(attribute, random))
      : element(attribute, random);
  }
  return object;
}

function somewhere(type: ResourceTypeDefinition, random: Random): { schema: SchemaDefinition | undefined; attribute: AttributeDefinition } {
  const all = [undefined, ...type.extensions.map(({ schema }) => schema)].flatMap((schema) =>
    (schema?.attributes ?? type.attributes)
      .filter(({ mutability }) => mutability !== 'readOnly')
      .map((attribute) => ({ schema, attribute })),
  );
  // Multi-valued complex ones have the most rules.
  const plural = all.filter(({ attribute }) => attribute.multiValued && attribute.type === 'complex');
  return pick(random() < 0.5 ? plural : all, random);
}

function cased(text: string, random: Random): string {
  const roll = random();
  return roll < 0.06 ? text.toUpperCase() : roll < 0.12 ? text.toLowerCase() : text;
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random() * from.length)]!;
}
