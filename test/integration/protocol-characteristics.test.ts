import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BULK_REQUEST_URN, GROUP_URN, USER_URN } from '@rollcall/scim';
import { adminOf } from '../support/admin.js';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

const CARD = 'urn:example:card';
const OWN = 'urn:example:own';
const ATTRIBUTES = [
  { name: 'free' },
  { name: 'once', mutability: 'immutable' },
  { name: 'labels', multiValued: true, mutability: 'immutable' },
  { name: 'desk', type: 'complex', subAttributes: [{ name: 'room' }, { name: 'number', mutability: 'immutable' }] },
  { name: 'asked', returned: 'request' },
  { name: 'things', type: 'complex', multiValued: true, subAttributes: [{ name: 'value' }, { name: 'note', returned: 'request' }] },
];
const schema = (id: string) => ({ id, name: 'Card', attributes: ATTRIBUTES });
const VALUES = { free: 'f', once: 'a', labels: ['p', 'q'], desk: { room: 'r', number: '7' } };

let cluster: Cluster;
let client: Client;
let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'rollcall-characteristics-'));
  const file = path.join(dir, 'extensions.json');
  await writeFile(file, JSON.stringify({ User: [schema(CARD)], Group: [schema(CARD)] }));
  cluster = await startCluster({ tenants: ['acme'], env: { EXTENSIONS_FILE: file } });
  await adminOf(cluster)('PUT /tenants/acme/extensions', { User: [schema(OWN)], Group: [] });
  client = cluster.client('acme');
}, 60_000);
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

describe('immutable attributes and PUT (RFC 7644 §3.5.1)', () => {
  const { free: _, ...kept } = { ...VALUES, desk: { number: '7' } };

  // Each of them changed and cleared what it liked.
  it.each([
    ['a deployment’s extension of users', '/Users', CARD],
    ['a tenant’s own', '/Users', OWN],
    ['an extension of groups', '/Groups', CARD],
  ])('%s: a value that is left out is kept, and another one is 400 mutability', async (name, endpoint, urn) => {
    const body = (extension?: object) => ({
      ...(endpoint === '/Users' ? userBody(name.replaceAll(' ', '-')) : { schemas: [GROUP_URN], displayName: name }),
      ...(extension === undefined ? {} : { [urn]: extension }),
    });
    const made = (await client.request('POST', endpoint, body(VALUES))).body;
    const put = (extension?: object) => client.request('PUT', `${endpoint}/${made.id}`, body(extension));

    const restated = await put({ ...VALUES, once: 'A', labels: ['Q', 'p'] });
    expect(restated).toMatchObject({ status: 200, body: { [urn]: VALUES, meta: { version: made.meta.version } } });
    for (const wrong of [{ once: 'b' }, { labels: ['p'] }, { desk: { number: '8' } }]) {
      const [attribute] = Object.keys(wrong);
      expect(await put({ ...VALUES, ...wrong })).toMatchObject({
        status: 400,
        body: { scimType: 'mutability', detail: expect.stringContaining(`${urn}:${attribute}`) },
      });
    }
    const bulk = await client.request('POST', '/Bulk', {
      schemas: [BULK_REQUEST_URN],
      Operations: [{ method: 'PUT', path: `${endpoint}/${made.id}`, data: body({ once: 'b' }) }],
    });
    expect(bulk.body.Operations[0]).toMatchObject({ status: '400', response: { scimType: 'mutability' } });
    expect((await client.request('GET', `${endpoint}/${made.id}`)).body[urn]).toEqual(VALUES);

    expect((await put({ free: 'g' })).body[urn]).toEqual({ ...kept, free: 'g' });
    expect((await put()).body[urn]).toEqual(kept);
  });

  it('who comes back by a POST is taken as new', async () => {
    const first = await client.create(userBody('reborn', { [CARD]: { once: 'a' } }));
    await client.delete(first.body.id);
    const second = await client.create(userBody('reborn', { [CARD]: { once: 'b' } }));
    expect(second).toMatchObject({ status: 201, body: { id: first.body.id, [CARD]: { once: 'b' } } });
  });
});

describe('attributes that are returned on request (RFC 7643 §7)', () => {
  // No answer to a write showed them.
  it.each([
    ['/Users', 'asked@example.com'],
    ['/Groups', 'asked'],
  ])('%s: are in the answer to a POST, PUT or PATCH that gives them, and in no other', async (endpoint, name) => {
    const body = (extension: object) => ({
      ...(endpoint === '/Users' ? { schemas: [USER_URN], userName: name } : { schemas: [GROUP_URN], displayName: name }),
      [CARD]: extension,
    });
    const values = { free: 'f', asked: 'a', things: [{ value: '1', note: 'n' }] };
    const made = await client.request('POST', endpoint, body(values));
    expect(made).toMatchObject({ status: 201, body: { [CARD]: values } });
    const at = `${endpoint}/${made.body.id}`;
    const shown = { free: 'f', things: [{ value: '1' }] };
    expect((await client.request('GET', at)).body[CARD]).toEqual(shown);

    const patched = async (...operations: Record<string, unknown>[]) =>
      (await client.request('PATCH', at, patchBody(...operations))).body[CARD];
    expect(await patched({ op: 'replace', path: `${CARD}:free`, value: 'f' })).toEqual(shown);
    expect(await patched({ op: 'replace', path: `${CARD}:asked`, value: 'b' })).toEqual({ ...shown, asked: 'b' });
    expect(await patched({ op: 'add', value: { [CARD]: { asked: 'c' } } })).toEqual({ ...shown, asked: 'c' });
    expect(await patched({ op: 'replace', path: `${CARD}:things[value eq "1"].note`, value: 'm' })).toEqual({
      ...shown,
      things: [{ value: '1', note: 'm' }],
    });
    expect(
      (await client.request('PATCH', `${at}?excludedAttributes=${CARD}:asked`, patchBody({ op: 'add', value: { [CARD]: { asked: 'd' } } })))
        .body[CARD],
    ).toEqual(shown);

    expect((await client.request('PUT', at, body(values))).body[CARD]).toEqual(values);
    expect((await client.request('PUT', at, body(shown))).body[CARD]).toEqual(shown);
  });
});
