import { randomUUID } from 'node:crypto';
import net from 'node:net';
import { type AttributeDefinition, ERROR_URN, GROUP, type ResourceTypeDefinition, USER, USER_URN } from '@rollcall/scim';
import { type Answer, type Client, inParallel } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { bodies, type Case, FILTERS, META, METHODS, PATCHES, PATHS, QUERIES, wrongTypes } from '../support/hostile.js';
import { userBody } from '../support/users.js';

jest.setTimeout(120_000);

const LANES = 8;

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

  it('bodies that are no SCIM, no JSON, no UTF-8, or too much', () => run(USER, bodies()));
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

  it('odd QUERIES: 400 with a type, or ignored', async () => {
    const answers = await inParallel(QUERIES, LANES, (query) => okta.request('GET', `/Users?${query}`));
    count += QUERIES.length;
    expect(
      QUERIES.flatMap((query, at) =>
        isFine(answers[at]!, [200, 400]) ? [] : [{ query, status: answers[at]!.status, text: answers[at]!.text.slice(0, 200) }],
      ),
    ).toEqual([]);
  });

  it('odd paths: 404 as for none, 405 where there is something', async () => {
    for (const method of METHODS) {
      const bodies = ['PUT', 'PATCH', 'POST'].includes(method) ? { userName: 7 } : undefined;
      const answers = await inParallel(PATHS, LANES, (path) => okta.request(method, path, bodies));
      count += PATHS.length;
      const wrong = PATHS.flatMap((path, at) =>
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
