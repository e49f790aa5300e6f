import { randomUUID } from 'node:crypto';
import net from 'node:net';
import {
  type AttributeDefinition,
  ENTERPRISE_URN,
  ERROR_URN,
  FILTER_DEPTH_MAX,
  GROUP,
  type ResourceTypeDefinition,
  USER,
  USER_URN,
} from '@rollcall/scim';
import { type Answer, type Client, inParallel, type RequestOptions } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

const LANES = 8;

/** One strange request. `body` is sent as JSON, `options.raw` as it is; `:id` in the path stands for a resource that is there. */
interface Case {
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

function wrongTypes(type: ResourceTypeDefinition): Case[] {
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

const BODIES: Case[] = [
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
      ...(at === 18 ? {} : {}),
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

const PATCHES: Case[] = [
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

const FILTERS: readonly string[] = [
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
const META = [
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

describe('hostile input, over HTTP', () => {
  let cluster: Cluster;
  let okta: Client;
  let count = 0;
  beforeAll(async () => {
    cluster = await startCluster();
    okta = cluster.client('acme');
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  // Whatever came: both processes live, and have logged no bug.
  afterEach(async () => {
    expect((await okta.create(userBody(randomUUID()))).status).toBe(201);
    for (const process of [...cluster.ingests, cluster.worker])
      expect((await process.log()).split('\n').filter((line) => /"level":(50|60|"error"|"fatal")/.test(line))).toEqual([]);
  });

  /** Runs the cases in lanes, each with a resource of its own; tells what was wrong with the answers. */
  async function run(type: ResourceTypeDefinition, cases: readonly Case[]): Promise<void> {
    const wrong: unknown[] = [];
    const total = async (): Promise<number> => (await okta.request('GET', `${type.endpoint}?count=0`)).body.totalResults;
    let created = LANES + (await total());
    const lanes = Array.from({ length: LANES }, (_, lane) => cases.filter((__, at) => at % LANES === lane));
    await inParallel(lanes, LANES, async (lane, at) => {
      const fresh = () =>
        type === USER ? userBody(`victim-${at}-${randomUUID()}`) : { schemas: [GROUP.schema.id], displayName: `victim-${randomUUID()}` };
      const victim = (await okta.request('POST', type.endpoint, fresh())).body;
      let known = JSON.stringify(victim);
      for (const each of lane) {
        const answer = await okta.request(each.method, each.path.replace(':id', victim.id), each.body, each.options);
        count += 1;
        const fault = faultOf(type, each, answer);
        if (fault) wrong.push({ case: each.name, fault, status: answer.status, body: answer.text.slice(0, 300) });
        if (answer.status === 201) created += 1;
        if (!each.path.includes(':id')) continue;
        const now = answer.status < 300 ? answer.body : (await okta.request('GET', `${type.endpoint}/${victim.id}`)).body;
        if (answer.status >= 400 && JSON.stringify(now) !== known)
          wrong.push({ case: each.name, fault: 'it was refused, and changed something', known, now });
        known = JSON.stringify(now);
      }
    });
    expect(wrong.slice(0, 20)).toEqual([]);
    expect(await total()).toBe(created); // nothing that was refused is there after all
  }

  it('a User: every strange value for each attribute of the table, by POST, PUT and PATCH', async () => {
    const cases = wrongTypes(USER);
    await run(USER, cases);
  });

  it('a Group: every strange value for each attribute of the table, by POST, PUT and PATCH', async () => {
    const { body } = await okta.request('GET', '/ResourceTypes');
    if (!body.Resources.some(({ id }: { id: string }) => id === 'Group')) return; // not announced yet
    const cases = wrongTypes(GROUP).filter((_, at) => at % 2 === 0);
    await run(GROUP, cases);
  });

  it('bodies that are no SCIM, no JSON, no UTF-8, or too much', () => run(USER, BODIES));
  it('PATCHes', () => run(USER, PATCHES));

  it('filters: each is 400 invalidFilter, or finds what it says', async () => {
    const cases = FILTERS.flatMap((filter) =>
      ['/Users', `/Users?count=0`].map((path) => ({
        filter,
        path: `${path}${path.includes('?') ? '&' : '?'}filter=${encodeURIComponent(filter)}`,
      })),
    );
    const answers = await inParallel(cases, LANES, ({ path }) => okta.request('GET', path));
    count += cases.length;
    // An empty parameter is none.
    const wrong = cases.flatMap(({ filter }, at) => {
      const { status, body } = answers[at]!;
      if (filter === '' ? status === 200 : status === 400 && body.scimType === 'invalidFilter' && isError(answers[at]!)) return [];
      return [{ filter: filter.slice(0, 80), status, body }];
    });
    expect(wrong).toEqual([]);
  });

  it.each([false, true])('metacharacters in eq, co, sw and ew mean themselves (applied: %s)', async (applied) => {
    const globex = cluster.client('globex');
    if (!applied)
      await inParallel(META, LANES, (text) =>
        globex.create({ schemas: [USER_URN], userName: randomUUID(), title: `x${text}y`, nickName: text }),
      );
    else await cluster.quiet();
    const fold = (text: string) => text.normalize('NFC').toLowerCase();
    const titles = META.map((text) => fold(`x${text}y`));
    const cases = META.flatMap((text) => ['eq', 'co', 'sw', 'ew'].map((operator) => ({ text, operator })));
    await inParallel(cases, LANES, async ({ text, operator }) => {
      const wanted = fold(operator === 'sw' ? `x${text}` : operator === 'ew' ? `${text}y` : operator === 'eq' ? `x${text}y` : text);
      const expected = titles.filter((title) =>
        operator === 'sw'
          ? title.startsWith(wanted)
          : operator === 'ew'
            ? title.endsWith(wanted)
            : operator === 'eq'
              ? title === wanted
              : title.includes(wanted),
      );
      const { status, body } = await globex.find(`title ${operator} ${JSON.stringify(wanted)}`);
      expect({ text, operator, status, found: body.totalResults }).toEqual({ text, operator, status: 200, found: expected.length });
    });
    count += cases.length;
  });

  it('odd queries: 400 with a type, or ignored', async () => {
    const queries = [
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
    const answers = await inParallel(queries, LANES, (query) => okta.request('GET', `/Users?${query}`));
    count += queries.length;
    expect(
      queries.flatMap((query, at) =>
        isFine(answers[at]!, [200, 400]) ? [] : [{ query, status: answers[at]!.status, text: answers[at]!.text.slice(0, 200) }],
      ),
    ).toEqual([]);
  });

  it('odd paths: 404 as for none, 405 where there is something', async () => {
    const paths = [
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
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'POST', 'PROPFIND', 'OPTIONS']) {
      const bodies = ['PUT', 'PATCH', 'POST'].includes(method) ? { userName: 7 } : undefined;
      const answers = await inParallel(paths, LANES, (path) => okta.request(method, path, bodies));
      count += paths.length;
      const wrong = paths.flatMap((path, at) =>
        isFine(answers[at]!, [200, 400, 404, 405, 501])
          ? []
          : [{ method, path: path.slice(0, 60), status: answers[at]!.status, text: answers[at]!.text.slice(0, 200) }],
      );
      expect(wrong).toEqual([]);
    }
  });

  it('odd headers: encodings, charsets, types and conditions that we do not take', async () => {
    const { id } = (await okta.create(userBody('headers'))).body;
    const body = JSON.stringify(userBody(randomUUID()));
    const cases: [string, Record<string, string>, number][] = [
      ['POST', { 'Content-Encoding': 'gzip' }, 415],
      ['POST', { 'Content-Encoding': 'br, gzip' }, 415],
      ['POST', { 'Content-Encoding': 'x' }, 415],
      ['POST', { 'Content-Encoding': '' }, 415],
      ...[
        'text/plain',
        'text/html',
        'application/xml',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/json; charset=utf-16',
        'application/scim+json; charset=latin1',
        'json',
        '',
        '*/*',
        'application/json-patch+json',
        'application/merge-patch+json',
        `application/json; ${'x'.repeat(4_000)}; charset=utf-7`,
      ].map((type): [string, Record<string, string>, number] => ['POST', { 'Content-Type': type }, 415]),
      ...['"x"', 'W/"0"', 'W/"-1"', 'x', '""', ', ,', `${'"a", '.repeat(1_000)}"b"`, 'W/', '*x'].map(
        (tag): [string, Record<string, string>, number] => ['PUT', { 'If-Match': tag }, 412],
      ),
      ...[
        'x',
        'Bearer',
        'Bearer ',
        'Bearer x y',
        'Basic eDp5',
        `Bearer ${'x'.repeat(5_000)}`,
        'bearer null',
        'Bearer undefined',
        'Bearer rc_',
        'Bearer [object Object]',
      ].map((Authorization): [string, Record<string, string>, number] => ['POST', { Authorization }, 401]),
    ];
    for (const [method, headers, status] of cases) {
      const answer = await okta.request(method, method === 'POST' ? '/Users' : `/Users/${id}`, undefined, { raw: body, headers });
      count += 1;
      // Too many failed sign-ins from one address are 429.
      expect({
        headers: JSON.stringify(headers).slice(0, 80),
        status: answer.status === 429 ? 401 : answer.status,
        isError: isError(answer),
      }).toEqual({ headers: JSON.stringify(headers).slice(0, 80), status, isError: true });
    }
    for (const headers of [
      { Host: 'evil.example' },
      { Host: '[::1' },
      { Host: 'a b' },
      { 'X-Forwarded-Host': 'evil.example' },
      { 'X-Request-Id': 'x'.repeat(5_000) },
      { 'X-Request-Id': '\u00e4' },
      { Accept: 'text/html' },
      { 'If-None-Match': '","' },
      { 'User-Agent': '$'.concat('{jndi:ldap://x}') },
      { traceparent: 'x' },
      { Cookie: '__proto__=1' },
      { Range: 'bytes=0-1' },
    ]) {
      const answer = await okta.request('GET', `/Users/${id}`, undefined, { headers: headers as Record<string, string> });
      count += 1;
      expect({ headers, fine: isFine(answer, [200, 400, 406, 417]) }).toEqual({ headers, fine: true });
    }
  });

  it('what is no HTTP gets an answer in the same form, or none', async () => {
    const { port, hostname } = new URL(okta.baseUrl);
    const lines = [
      'GET / HTTP/9.9',
      'GET',
      '\0\0\0\0',
      'GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nX: a\0b',
      'GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: -1',
      'POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked',
      'POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x',
      `GET /${'x'.repeat(20_000)} HTTP/1.1`,
      `GET / HTTP/1.1\r\nHost: x\r\n${'X-A: b\r\n'.repeat(3_000)}`,
      'GET http://evil.example/scim/v2/Users HTTP/1.1\r\nHost: x',
      'GET * HTTP/1.1\r\nHost: x',
      'CONNECT x:1 HTTP/1.1\r\nHost: x',
      'GET /scim/v2/Users HTTP/1.0',
    ];
    for (const line of lines) {
      const text = await exchange(Number(port), hostname, `${line}\r\n\r\n`);
      count += 1;
      expect({ line: line.slice(0, 60), answer: text === '' || /^HTTP\/1\.1 4\d\d /.test(text) ? '' : text.slice(0, 200) }).toEqual({
        line: line.slice(0, 60),
        answer: '',
      });
    }
  });

  it('nothing strange is stored', async () => {
    await cluster.quiet();
    const known = (table: readonly AttributeDefinition[]) => new Set(table.map(({ name: each }) => each));
    const of = { User: USER, Group: GROUP } as const;
    for (const collection of ['accounts', 'groups']) {
      for await (const document of cluster.db.collection(collection).find({ live: true })) {
        const type = of[document.type as 'User' | 'Group'];
        const strange = Object.keys(document.attributes).filter((key) => !known(type.attributes).has(key) && !key.startsWith('urn:'));
        expect({ id: document._id, strange }).toEqual({ id: document._id, strange: [] });
      }
    }
    expect(await cluster.db.collection('accounts').countDocuments({ parked: true })).toBe(0);
    expect(count).toBeGreaterThan(2_000);
    process.stderr.write(`${count} hostile requests\n`);
  });
});

/** What is wrong with an answer; undefined: nothing. */
function faultOf(type: ResourceTypeDefinition, { status: expected }: Case, answer: Answer): string | undefined {
  const { status } = answer;
  if (expected !== undefined && status !== expected) return `expected ${expected}`;
  if (status >= 500) return 'it broke something';
  if (status >= 400) return isError(answer) ? undefined : 'no SCIM error';
  if (status !== 200 && status !== 201) return 'neither taken nor refused';
  return strangePart(type.attributes, answer.body, new Map(type.extensions.map(({ schema }) => [schema.id, schema.attributes])));
}

/** The first thing in a resource that the tables don't know, or know otherwise. */
function strangePart(
  table: readonly AttributeDefinition[],
  value: unknown,
  extensions = new Map<string, readonly AttributeDefinition[]>(),
): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `expected an object: ${JSON.stringify(value)}`;
  for (const [key, member] of Object.entries(value)) {
    const extension = extensions.get(key);
    if (extension) {
      const part = strangePart(extension, member);
      if (part) return `${key}: ${part}`;
      continue;
    }
    const attribute = table.find((each) => each.name === key);
    if (!attribute) return `unknown: ${key}`;
    if (Array.isArray(member) !== attribute.multiValued) return `${key} is ${attribute.multiValued ? 'no' : 'an'} array`;
    for (const each of Array.isArray(member) ? member : [member]) {
      const part = attribute.type === 'complex' ? strangePart(attribute.subAttributes ?? [], each) : strangeLeaf(attribute, each);
      if (part) return `${key}: ${part}`;
    }
  }
  return undefined;
}

function strangeLeaf({ type }: AttributeDefinition, value: unknown): string | undefined {
  const wanted = type === 'boolean' ? 'boolean' : type === 'integer' || type === 'decimal' ? 'number' : 'string';
  if (typeof value !== wanted) return `expected a ${wanted}: ${JSON.stringify(value)}`;
  return typeof value === 'string' && /[\0\p{Cs}]/u.test(value) ? 'a character that is none' : undefined;
}

function isError({ status, body, headers }: Answer): boolean {
  return (
    status >= 400 &&
    body?.schemas?.[0] === ERROR_URN &&
    body.status === String(status) &&
    typeof body.detail === 'string' &&
    String(headers['content-type']).startsWith('application/scim+json')
  );
}

function isFine(answer: Answer, statuses: readonly number[]): boolean {
  return statuses.includes(answer.status) && (answer.status < 400 || isError(answer));
}

function exchange(port: number, host: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, host, () => socket.write(text, 'latin1'));
    let answer = '';
    socket.setTimeout(8_000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.on('end', () => socket.end());
    setTimeout(() => socket.end(), 1_500).unref();
  });
}
