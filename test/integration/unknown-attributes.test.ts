import { BULK_REQUEST_URN, ENTERPRISE_URN, GROUP_URN } from '@rollcall/scim';
import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

const SHOE = { shoeSize: 41 };
const ENTERPRISE_SHOE = { [ENTERPRISE_URN]: { department: 'x', ...SHOE } };

describe('attributes that no schema of the tenant has (unknownAttributes)', () => {
  let cluster: Cluster;
  let admin: Admin;
  let clients: readonly Client[];
  beforeAll(async () => {
    cluster = await startCluster({ tenants: [], ingests: 2 });
    admin = adminOf(cluster);
    expect((await admin('POST /tenants', { id: 'acme' })).status).toBe(201);
    const { token } = (await admin('POST /tenants/acme/tokens', { name: 'test' })).body;
    clients = cluster.ingests.map(({ url }) => new Client(`${url}/scim/v2`, token));
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  const set = async (unknownAttributes: string) =>
    expect((await admin('PATCH /tenants/acme', { settings: { unknownAttributes } })).status).toBe(200);

  it('are let pass and left out, until the tenant refuses them, which holds at once and everywhere: 400, and nothing is changed', async () => {
    const [one, other] = clients as [Client, Client];
    const ada = (await one.create(userBody('ada', { ...SHOE, ...ENTERPRISE_SHOE }))).body;
    const group = (await one.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Staff', ...SHOE })).body;
    expect([ada.shoeSize, ada[ENTERPRISE_URN], group.shoeSize]).toEqual([undefined, { department: 'x' }, undefined]);
    await set('refuse');
    const requests: [string, string, object][] = [
      ['POST', '/Users', userBody('bob', SHOE)],
      ['POST', '/Users', userBody('bob', ENTERPRISE_SHOE)],
      ['POST', '/Users', userBody('bob', { emails: [{ value: 'bob@example.com', ...SHOE }] })],
      ['POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Other', ...SHOE }],
      ['PUT', `/Users/${ada.id}`, userBody('ada', { title: 'x', ...SHOE })],
      ['PUT', `/Groups/${group.id}`, { schemas: [GROUP_URN], displayName: 'Else', ...SHOE }],
      ['PATCH', `/Users/${ada.id}`, patchBody({ op: 'replace', value: { title: 'x', ...SHOE } })],
      ['PATCH', `/Users/${ada.id}`, patchBody({ op: 'replace', path: 'title', value: 'x' }, { op: 'add', path: 'shoeSize', value: 41 })],
      ['PATCH', `/Groups/${group.id}`, patchBody({ op: 'replace', value: { displayName: 'Else', ...SHOE } })],
      ['PATCH', `/Groups/${group.id}`, patchBody({ op: 'add', path: 'members', value: [{ value: ada.id, ...SHOE }] })],
    ];
    for (const client of clients)
      for (const [method, path, body] of requests) {
        const answer = await client.request(method, path, body);
        expect([method, path, answer.status]).toEqual([method, path, 400]);
        expect(answer.body).toMatchObject({
          scimType: expect.stringMatching(/^invalid(Syntax|Path)$/),
          detail: expect.stringContaining('shoeSize'),
        });
      }
    const bulk = requests.map(([method, path, data], i) => ({ method, path, data, ...(method === 'POST' ? { bulkId: `b${i}` } : {}) }));
    const { Operations } = (await other.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations: bulk })).body;
    expect(Operations.map(({ status }: { status: string }) => status)).toEqual(requests.map(() => '400'));
    expect((await one.get(ada.id)).body).toEqual(ada);
    expect((await one.request('GET', `/Groups/${group.id}`)).body).toEqual(group);
    expect([(await one.list()).body.totalResults, (await one.request('GET', '/Groups')).body.totalResults]).toEqual([1, 1]);
  });

  it('are never what identity providers send beside the schemas, nor what is read-only', async () => {
    await set('refuse');
    const more = { password: 'secret', id: 'x', meta: { resourceType: 'User' }, groups: [{ value: 'x' }] };
    const schemas = [...userBody('eve').schemas, 'urn:of:somebody:else'];
    const eve = await clients[0]!.create({ ...userBody('eve', more), schemas });
    expect(eve.status).toBe(201);
    expect((await clients[1]!.patch(eve.body.id, patchBody({ op: 'replace', value: { password: 'x', title: 'y' } }))).body.title).toBe('y');
    await set('ignore');
    expect((await clients[1]!.create(userBody('kim', SHOE))).status).toBe(201);
  });
});
