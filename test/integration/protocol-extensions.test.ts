import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BULK_REQUEST_URN, GROUP_URN, SEARCH_REQUEST_URN, USER_URN } from '@rollcall/scim';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

const BADGE = 'urn:example:params:scim:schemas:extension:badge:1.5:User';
const ROOM = 'urn:example:room';
const EXTENSIONS = {
  User: [
    {
      id: BADGE,
      name: 'Badge',
      description: 'The badge of a person',
      attributes: [
        { name: 'number', type: 'string', caseExact: true, description: 'Printed on it' },
        { name: 'level', type: 'integer', description: 'How far it opens' },
        { name: 'pin', type: 'string', mutability: 'writeOnly', returned: 'never', description: 'Never shown' },
        { name: 'issued', type: 'dateTime', description: 'When' },
        {
          name: 'doors',
          type: 'complex',
          multiValued: true,
          description: 'What it opens',
          subAttributes: [
            { name: 'value', type: 'string', description: 'The door' },
            { name: 'type', type: 'string', description: 'Its kind' },
          ],
        },
      ],
    },
  ],
  Group: [{ id: ROOM, name: 'Room', attributes: [{ name: 'floor', type: 'integer', description: 'Where it sits' }] }],
};

describe('extension schemas of a deployment (RFC 7643 §3.3, §7)', () => {
  let cluster: Cluster;
  let client: Client;
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'rollcall-extensions-'));
    const file = path.join(dir, 'extensions.json');
    await writeFile(file, JSON.stringify(EXTENSIONS));
    cluster = await startCluster({ tenants: ['acme'], env: { EXTENSIONS_FILE: file } });
    client = cluster.client('acme');
  }, 60_000);
  afterAll(async () => {
    await cluster?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  });

  it('are announced', async () => {
    const { body } = await client.request('GET', `/Schemas/${BADGE}`);
    expect(body).toMatchObject({ id: BADGE, name: 'Badge' });
    expect(body.attributes.map(({ name }: { name: string }) => name)).toEqual(['number', 'level', 'pin', 'issued', 'doors']);
    const types = (await client.request('GET', '/ResourceTypes')).body.Resources;
    expect(types[0].schemaExtensions).toContainEqual({ schema: BADGE, required: false });
    expect(types[1].schemaExtensions).toEqual([{ schema: ROOM, required: false }]);
    const described = (await client.request('GET', '/openapi.json')).body.components.schemas;
    expect(described.User.properties).toHaveProperty([BADGE, 'properties', 'level', 'type'], 'integer');
  });

  it('are stored, shown, replaced, patched, and found, whether applied or not', async () => {
    const badge = { number: 'A7', level: 3, pin: '1234', issued: '2026-01-31T10:30:00+01:00', doors: [{ value: 'Front', type: 'in' }] };
    const created = await client.create(userBody('ada', { schemas: [USER_URN, BADGE], [BADGE]: { ...badge, unknown: 1 } }));
    const { pin: _, ...shown } = badge;
    expect(created).toMatchObject({ status: 201, body: { [BADGE]: shown } });
    expect(created.body.schemas).toEqual([USER_URN, BADGE]);
    expect(created.body[BADGE]).not.toHaveProperty('pin');
    expect(created.body[BADGE]).not.toHaveProperty('unknown');
    await client.create(userBody('bob', { [BADGE]: { number: 'a7', level: 1 } }));
    await client.create(userBody('eve'));

    const filters: [string, string[]][] = [
      [`${BADGE}:level gt 1`, ['ada']],
      [`${BADGE}:number eq "A7"`, ['ada']],
      [`${BADGE}:issued eq "2026-01-31T09:30:00Z"`, ['ada']],
      [`${BADGE}:doors[value eq "front" and type eq "in"]`, ['ada']],
      [`${BADGE}:number pr`, ['ada', 'bob']],
      [`not (${BADGE}:level pr)`, ['eve']],
      [`schemas eq "${BADGE}"`, ['ada', 'bob']],
    ];
    for (const settled of [false, true]) {
      if (settled) await cluster.quiet();
      for (const [filter, names] of filters) {
        const { body } = await client.find(filter);
        expect([filter, body.Resources?.map(({ name }: { name: { givenName: string } }) => name.givenName)]).toEqual([filter, names]);
      }
      const sorted = await client.list(`sortBy=${BADGE}:level&sortOrder=ascending`);
      expect(sorted.body.Resources.map(({ name }: { name: { givenName: string } }) => name.givenName)).toEqual(['bob', 'ada', 'eve']);
      const search = await client.request('POST', '/.search', { schemas: [SEARCH_REQUEST_URN], filter: `${BADGE}:level eq 3` });
      expect(search.body.totalResults).toBe(1);
      const only = await client.get(created.body.id, {});
      expect(only.body[BADGE]).toEqual(created.body[BADGE]);
      expect((await client.request('GET', `/Users/${created.body.id}?attributes=${BADGE}:number`)).body[BADGE]).toEqual({ number: 'A7' });
    }

    const patched = await client.patch(
      created.body.id,
      patchBody(
        { op: 'replace', path: `${BADGE}:level`, value: 4 },
        { op: 'add', path: `${BADGE}:doors`, value: [{ value: 'Back', type: 'out' }] },
        { op: 'remove', path: `${BADGE}:doors[value eq "Front"]` },
      ),
    );
    expect(patched.body[BADGE]).toMatchObject({ level: 4, doors: [{ value: 'Back', type: 'out' }] });
    expect((await client.patch(created.body.id, patchBody({ op: 'remove', path: BADGE }))).body).not.toHaveProperty([BADGE]);
    const replaced = await client.replace(created.body.id, userBody('ada', { [BADGE]: { level: 9 } }));
    expect(replaced.body[BADGE]).toEqual({ level: 9 });
    expect(await client.create(userBody('wrong', { [BADGE]: { level: 'high' } }))).toMatchObject({ status: 400 });
  });

  it('are for groups and for bulk, too', async () => {
    const made = await client.request('POST', '/Bulk', {
      schemas: [BULK_REQUEST_URN],
      Operations: [
        { method: 'POST', path: '/Groups', bulkId: 'g', data: { schemas: [GROUP_URN], displayName: 'Upstairs', [ROOM]: { floor: 2 } } },
        { method: 'PATCH', path: '/Groups/bulkId:g', data: [{ op: 'replace', path: `${ROOM}:floor`, value: 3 }] },
      ],
    });
    expect(made.body.Operations.map(({ status }: { status: string }) => status)).toEqual(['201', '200']);
    const found = () => client.request('GET', `/Groups?filter=${encodeURIComponent(`${ROOM}:floor eq 3`)}`);
    expect((await found()).body.Resources[0]).toMatchObject({ displayName: 'Upstairs', [ROOM]: { floor: 3 }, schemas: [GROUP_URN, ROOM] });
    await cluster.quiet();
    expect((await found()).body.totalResults).toBe(1);
  });

  it('a file that is none stops the start, in a sentence', async () => {
    const file = path.join(dir, 'wrong.json');
    await writeFile(file, '{"Users":[]}');
    const [ingest] = cluster.ingests;
    await ingest!.stop();
    const failure = await ingest!.start({ EXTENSIONS_FILE: file }).catch((error: Error) => error.message);
    expect(failure).toContain(`EXTENSIONS_FILE: ${file}: "Users": expected User or Group`);
    expect(failure).not.toContain('at file:');
    await ingest!.start();
  });
});
