// Requests that nobody who means well sends: one corpus for the test that says what becomes of them and for the bench that says how long they hold us.
import { randomUUID } from 'node:crypto';
import {
  type AttributeDefinition,
  ENTERPRISE_URN,
  FILTER_DEPTH_MAX,
  GROUP,
  type ResourceTypeDefinition,
  USER,
  USER_URN,
} from '@rollcall/scim';
import type { RequestOptions } from './client.js';
import { patchBody } from './users.js';
/** One strange request. `body` is sent as JSON, `options.raw` as it is; `:id` in the path stands for a resource that is there. */
export interface Case {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly options?: RequestOptions;
  /** The one right answer, where there is one. */
  readonly status?: number;
}

const deep = (depth: number): unknown => (depth === 0 ? 'x' : { a: deep(depth - 1) });

/** What no attribute expects, or only some do. Text of its own, as a literal keeps what JSON.stringify would not. */
const STRANGE: Readonly<Record<string, string>> = {
  'a number': '7',
  'a huge number': '1e400',
  true: 'true',
  'an empty object': '{}',
  'a mixture': '[null, 1, "x", {"value": {"value": "x"}}, [], true]',
  'an operator': '{"$gt": ""}',
  'an operator in an element': '[{"value": {"$ne": null}, "type": {"$regex": ".*"}}]',
  'a BSON type': '{"_bsontype": "ObjectId", "id": "x"}',
  'a prototype': '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"polluted": true}}, "value": "x"}',
  'a lone surrogate': '"a\\ud800b"',
  'a NUL': '"a\\u0000b"',
  'keys with NUL, dots and dollars': '{"a\\u0000b": 1, "a.b": 1, "$where": "sleep(1000)", "": 1}',
  'two spellings': '{"value": "x", "VALUE": "y"}',
  'deep nesting': JSON.stringify(deep(60)),
  'a long text': `"${'x'.repeat(20_000)}"`,
  'two primaries': '[{"value": "x", "primary": true}, {"value": "y", "primary": "True"}]',
};

/** Every attribute and sub-attribute by its path. */
function pathsOf(type: ResourceTypeDefinition): { path: string; json: (value: string) => string }[] {
  const of = (attributes: readonly AttributeDefinition[], prefix: string, wrap: (inner: string) => string) =>
    attributes.flatMap(({ name, subAttributes = [], multiValued }) => [
      { path: prefix + name, json: (value: string) => wrap(`${JSON.stringify(name)}: ${value}`) },
      ...subAttributes.map((sub) => ({
        path: `${prefix}${name}.${sub.name}`,
        json: (value: string) =>
          wrap(`${JSON.stringify(name)}: ${multiValued ? '[' : ''}{${JSON.stringify(sub.name)}: ${value}}${multiValued ? ']' : ''}`),
      })),
    ]);
  return [
    ...of(type.attributes, '', (inner) => inner),
    ...type.extensions.flatMap(({ schema }) =>
      of(schema.attributes, `${schema.id}:`, (inner) => `${JSON.stringify(schema.id)}: {${inner}}`),
    ),
  ];
}

/** Every strange value for each attribute of a type. */
export function wrongTypes(type: ResourceTypeDefinition): Case[] {
  const required = type === USER ? () => `"userName": "${randomUUID()}"` : () => `"displayName": "${randomUUID()}"`;
  return pathsOf(type).flatMap(({ path, json }) =>
    Object.entries(STRANGE).flatMap(([name, value], at) => {
      const text = (more: string) => ({ raw: `{"schemas": ["${type.schema.id}"], ${required()}, ${more}}` });
      const operation = (op: string) => ({ raw: `{"Operations": [{"op": "${op}", "path": "${path}", "value": ${value}}]}` });
      const title = (how: string) => `${name} as ${path}, by ${how}`;
      const write = { name: title('POST'), method: 'POST', path: type.endpoint, options: text(json(value)) };
      const change = {
        name: title('PATCH'),
        method: 'PATCH',
        path: `${type.endpoint}/:id`,
        options: operation(at % 4 === 0 ? 'add' : 'replace'),
      };
      const put = { name: title('PUT'), method: 'PUT', path: `${type.endpoint}/:id`, options: text(json(value)) };
      return [write, ...(at % 2 === 0 ? [change] : []), ...(at % 4 === 1 ? [put] : [])];
    }),
  );
}

const raw = (text: string | Buffer, headers?: Record<string, string>): RequestOptions => ({ raw: text, ...(headers ? { headers } : {}) });
const name = () => randomUUID();

/** Bodies that are no SCIM, no JSON, no UTF-8, or too much; new names each time. */
export const bodies = (): Case[] => [
  ...[
    '',
    ' ',
    '{',
    '}',
    '[]',
    'null',
    '1',
    '"x"',
    'nonsense',
    '{"userName": }',
    "{'userName': 'x'}",
    '{"userName":"x"}}',
    '\u0000',
    '{"userName":"x",}',
    '// x',
    '<scim/>',
    '[{"userName":"x"}]',
    '{"schemas":"x","userName":"x"}',
    '{"schemas":[1],"userName":"x"}',
    '{"schemas":["urn:x"],"userName":"x"}',
    '{"schemas":[],"userName":"x"}',
    '{}',
    '{"userName":" "}',
    '{"userName":"\\t\\n"}',
    '{"userName":null}',
    '{"userName":{"$gt":""}}',
    '{"userName":["a","b"]}',
    '{"userName":"a","USERNAME":"b"}',
    '{"userName":"a","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"SCHEMAS":["x"]}',
    `{"userName":"a","${ENTERPRISE_URN}":"x"}`,
    `{"userName":"a","${ENTERPRISE_URN}":[1]}`,
    '{"userName":"a","name.givenName":"x","name":{"givenName":"y"}}',
    '{"userName":"a\\ud83d"}',
    '{"userName":"\\udc00"}',
    '['.repeat(200_000),
    `${'{"a":'.repeat(101)}1${'}'.repeat(101)}`,
    `{"userName":"a","x":${'['.repeat(99)}${']'.repeat(99)}}`.replace('x":', 'x":['),
    `{"userName":"a",${Array.from({ length: 1_100 }, (_, at) => `"k${at}":1`).join()}}`,
    `{"userName":"a","emails":[${Array.from({ length: 1_001 }, (_, at) => `"e${at}"`).join()}]}`,
    `{"userName":"a","x":[${'{},'.repeat(60_000)}1]}`,
  ].map(
    (text, at): Case => ({
      name: `body ${at}: ${text.slice(0, 40)}`,
      method: 'POST',
      path: '/Users',
      options: raw(text),
    }),
  ),
  ...[
    '{"__proto__":{"admin":true},',
    '{"constructor":{"prototype":{"admin":true}},',
    '{"\\u005f_proto__":{"admin":true},',
    '{"prototype":1,"toString":1,"valueOf":1,"hasOwnProperty":1,"__defineGetter__":1,',
  ].map(
    (start): Case => ({
      name: `prototype keys: ${start}`,
      method: 'POST',
      path: '/Users',
      options: raw(`${start}"userName":"${name()}"}`),
      status: 201,
    }),
  ),
  {
    name: 'a repeated key: the last counts',
    method: 'POST',
    path: '/Users',
    options: raw(`{"userName":"x","userName":7,"userName":"${name()}"}`),
    status: 201,
  },
  { name: '10 MB in one string', method: 'POST', path: '/Users', options: raw(`{"userName":"${'x'.repeat(10_000_000)}"}`), status: 413 },
  { name: '10 MB of escapes', method: 'POST', path: '/Users', options: raw(`{"userName":"${'\\u00e4'.repeat(1_700_000)}"}`), status: 413 },
  {
    name: '1 MB less a little, in one string',
    method: 'POST',
    path: '/Users',
    options: raw(`{"userName":"${name()}","title":"${'y'.repeat(1_000_000)}"}`),
    status: 201,
  },
  {
    name: 'no UTF-8',
    method: 'POST',
    path: '/Users',
    options: raw(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])),
    status: 400,
  },
  {
    name: 'UTF-8 of a surrogate',
    method: 'POST',
    path: '/Users',
    options: raw(Buffer.from('7b22757365724e616d65223a22eda080227d', 'hex')),
    status: 400,
  },
  {
    name: 'overlong UTF-8',
    method: 'POST',
    path: '/Users',
    options: raw(Buffer.from('7b22757365724e616d65223a22c080227d', 'hex')),
    status: 400,
  },
  { name: 'UTF-16', method: 'POST', path: '/Users', options: raw(Buffer.from('{"userName":"x"}', 'utf16le')), status: 400 },
];

export const PATCHES: readonly Case[] = [
  ...[
    {},
    [],
    { Operations: {} },
    { Operations: [] },
    { Operations: [null] },
    { Operations: [[]] },
    { Operations: [{ op: 'test', path: 'title', value: 'x' }] },
    { Operations: [{ op: 7 }] },
    { Operations: [{ op: 'remove' }] },
    { Operations: [{ op: 'add', path: 'title' }] },
    { Operations: [{ op: 'add', path: {}, value: 1 }] },
    { Operations: Array.from({ length: 5_001 }, () => ({ op: 'add', path: 'title', value: 'x' })) },
    { schemas: ['urn:x'], Operations: [{ op: 'add', path: 'title', value: 'x' }] },
    patchBody({ op: 'add', path: 'title', value: 'taken' }, { op: 'add', path: 'emails', value: 7 }), // all or nothing
    patchBody({ op: 'remove', path: 'userName' }),
    patchBody({ op: 'replace', path: 'userName', value: '' }),
    patchBody({ op: 'replace', path: 'id', value: 'x' }),
    patchBody({ op: 'remove', path: 'active' }),
    patchBody({ op: 'replace', path: 'emails[type eq "nope" or type eq "no"].value', value: 'x' }),
    ...[
      '',
      ' ',
      '.',
      '..',
      '[',
      ']',
      'emails[',
      'emails[]',
      'emails]',
      'emails[type eq "work"',
      'emails[type eq "work"].',
      'emails[type eq "work"].value.x',
      'emails.value.x',
      'title[value eq "x"]',
      '1',
      'a b',
      '\u0000',
      '\ud800',
      '$where',
      '$set.title',
      'x'.repeat(9_000),
      `${'emails['.repeat(50)}`,
      'emails[emails[value pr]]',
      'emails[$where eq "x"]',
      'emails[type gt true]',
      'emails[primary co "x"]',
      'urn:',
      ':',
      '::',
      `${USER_URN}`,
    ].map((path) => patchBody({ op: 'replace', path, value: 'x' })),
  ].map(
    (body, at): Case => ({
      name: `PATCH ${at}: ${JSON.stringify(body).slice(0, 120)}`,
      method: 'PATCH',
      path: '/Users/:id',
      body,
      status: at === 11 ? 413 : 400,
    }),
  ),
  ...[
    '__proto__',
    'constructor',
    'constructor.prototype',
    '__proto__.polluted',
    'toString',
    'nope[a eq 1].b',
    'urn:x:y:z',
    'password',
    'hasOwnProperty.call',
  ].map(
    (path): Case => ({
      name: `PATCH of ${path}: let pass, and nothing comes of it`,
      method: 'PATCH',
      path: '/Users/:id',
      body: patchBody({ op: 'replace', path, value: 'x' }),
    }),
  ),
];

export const FILTERS: readonly string[] = [
  '',
  ' ',
  '(',
  ')',
  '()',
  'userName',
  'userName eq',
  'eq "x"',
  'userName eq x',
  "userName eq 'x'",
  'userName == "x"',
  'userName eq "x',
  'userName eq "\\x"',
  'userName eq "\\ud800"',
  'userName eq "a" and',
  'and',
  'not',
  'not userName pr',
  'userName pr pr',
  'userName eq 7',
  'userName eq true',
  'userName gt null',
  'active gt true',
  'active eq "perhaps"',
  'active co true',
  'meta.created gt "yesterday"',
  'meta.created co "2026"',
  'meta.created gt 7',
  'emails[',
  'emails[]',
  'emails[type eq "work"',
  'emails]',
  'userName[type eq "x"]',
  'emails[emails[type pr]]',
  'name eq "x"',
  'nope eq "x"',
  '__proto__ pr',
  'constructor.name eq "x"',
  '$where eq "x"',
  'userName.$gt eq ""',
  '{"$gt":""}',
  'userName eq {"$gt":""}',
  `${'('.repeat(FILTER_DEPTH_MAX + 1)}title pr`,
  'x'.repeat(9_000),
  `${'not ('.repeat(100)}title pr`,
  Array.from({ length: 201 }, () => 'title pr').join(' or '),
  `title co "${'a'.repeat(600)}"`,
  'x509Certificates.value gt "x"',
  'password eq "x"',
  'userName eq "x" or 1 eq 1',
  'userName pr; drop',
  'userName pr%00',
  '\u0000',
  'userName eq "x"\u0000',
  'urn:x:y eq "x"',
  ': eq "x"',
];

/** Text that a pattern, a query or a shell would read as more than text. */
export const META = [
  '.*',
  '^',
  '$',
  'a|b',
  '(a+)+$',
  '[a-z]',
  '\\',
  '\\d',
  '\\Q',
  '\\E',
  '{1,9}',
  '(?i)x',
  '?',
  '+',
  '*',
  '#',
  'a\nb',
  "'; --",
  '$where',
  '{"$gt":""}',
  '/x/',
  '%',
  '_',
  '\u2028',
  '\u{1f600}',
  'İ',
  '-',
  '&',
  '\t',
];

export const QUERIES: readonly string[] = [
  'startIndex=x',
  'startIndex=1.5',
  'startIndex=1e9',
  'startIndex=99999999999999999999',
  'count=x',
  'count=-9e9',
  'count=0x10',
  'startIndex=NaN',
  'count=Infinity',
  'startIndex=1&startIndex=2',
  'filter=userName%20pr&filter=title%20pr',
  'attributes=userName&excludedAttributes=name',
  `attributes=${'a,'.repeat(300)}`,
  'startIndex=-5',
  'startIndex=0',
  'count=-1',
  'count=1000000',
  'attributes=',
  'attributes=,,,',
  'attributes=__proto__,constructor',
  'attributes=nope',
  'attributes=$where',
  'excludedAttributes=id,schemas',
  'x=1',
  '$where=1',
  'filter[$gt]=1',
  '__proto__[x]=1',
  '%',
  '%zz',
  '%00',
  '%ff%fe',
  '&&&=&=',
  `x=${'y'.repeat(8_000)}`,
  'filter=%',
  'filter=%ff',
  'startIndex=%00',
  'count=%F0%9F%98%80',
  'attributes=%ED%A0%80',
];

export const PATHS: readonly string[] = [
  '/Users/',
  '/Users/x',
  '/Users/%00',
  '/Users/%ff',
  '/Users/%',
  '/Users/..',
  '/Users/../Users',
  '/Users/%2e%2e%2fUsers',
  '/Users/a/b/c',
  '//Users',
  '/users',
  '/Users%2F',
  '/Users/__proto__',
  '/__proto__',
  '/constructor',
  '/toString',
  '/Users/[object%20Object]',
  `/Users/${'x'.repeat(5_000)}`,
  '/Users/00000000-0000-0000-0000-000000000000',
  '/Users/{"$gt":""}'.replaceAll('"', '%22'),
  '/Schemas/x',
  '/Schemas/__proto__',
  '/ResourceTypes/constructor',
  '/Schemas/urn:ietf:params:scim:schemas:core:2.0:user/x',
  '/Nope',
  '/.search/x',
  '/\u00e4'.replace('\u00e4', '%C3%A4'),
];
export const METHODS = ['GET', 'PUT', 'PATCH', 'DELETE', 'POST', 'PROPFIND', 'OPTIONS'] as const;

/** All of them, as requests that can be sent one after the other. */
export function requests(): Case[] {
  const get = (name: string, path: string): Case => ({ name, method: 'GET', path });
  const filters = [
    ...FILTERS,
    ...META.flatMap((text) => ['eq', 'co', 'sw', 'ew'].map((operator) => `title ${operator} ${JSON.stringify(text)}`)),
  ];
  return [
    ...wrongTypes(USER),
    ...wrongTypes(GROUP),
    ...bodies(),
    ...PATCHES,
    ...filters.map((filter) => get(`filter ${filter.slice(0, 60)}`, `/Users?filter=${encodeURIComponent(filter)}`)),
    ...QUERIES.map((query) => get(`query ${query.slice(0, 60)}`, `/Users?${query}`)),
    ...METHODS.flatMap((method) => PATHS.map((path): Case => ({ name: `${method} ${path.slice(0, 60)}`, method, path }))),
  ];
}
