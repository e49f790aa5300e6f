import { BULK_REQUEST_URN, ENTERPRISE_URN, GROUP_URN, type JsonObject, type JsonValue, USER_URN } from '@rollcall/scim';
import type { Answer, Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

/** Wishes to take somebody's access away, as clients have been seen to spell them; each was answered 200, and the person stayed. */
const NOT_DONE: readonly (readonly [JsonObject, string])[] = [
  [{ op: 'replace', path: 'user.active', value: false }, 'invalidPath'],
  [{ op: 'replace', path: 'User.active', value: false }, 'invalidPath'],
  [{ op: 'replace', path: 'active.value', value: false }, 'invalidPath'],
  [{ op: 'replace', path: 'activ', value: false }, 'invalidPath'],
  [{ op: 'replace', path: 'status', value: 'inactive' }, 'invalidPath'],
  [{ op: 'replace', path: `${ENTERPRISE_URN}:active`, value: false }, 'invalidPath'],
  [{ op: 'replace', path: `${USER_URN}/active`, value: false }, 'invalidPath'],
  [{ op: 'replace', path: 'urn:ietf:params:scim:schemas:core:1.0:User:active', value: false }, 'invalidPath'],
  [{ op: 'replace', path: `${GROUP_URN}:displayName`, value: 'x' }, 'invalidPath'],
  [{ op: 'remove', path: 'activ' }, 'invalidPath'],
  [{ op: 'remove', path: 'emails[type eq "work"].valu' }, 'invalidPath'],
  [{ op: 'replace', value: { status: 'inactive' } }, 'invalidPath'],
  [{ op: 'replace', value: { [ENTERPRISE_URN]: { active: false } } }, 'invalidPath'],
  [{ op: 'replace', value: { title: 'x', 'active.value': false } }, 'invalidPath'],
  [{ op: 'replace', path: 'active', value: null }, 'invalidValue'],
  [{ op: 'replace', path: 'active', value: '' }, 'invalidValue'],
  [{ op: 'replace', path: 'active', value: 'no' }, 'invalidValue'],
  [{ op: 'replace', path: 'active', value: { active: null } }, 'invalidValue'],
  [{ op: 'replace', value: { active: null } }, 'invalidValue'],
  [{ op: 'replace', value: { active: '' } }, 'invalidValue'],
  [{ op: 'replace', value: { active: 0 } }, 'invalidValue'],
];

/** The same, in a form that is understood. */
const DONE: readonly JsonObject[] = [
  { op: 'replace', path: `${USER_URN}.active`, value: false },
  { op: 'replace', path: `${USER_URN}:ACTIVE`, value: 'False' },
  { op: 'replace', path: 'active', value: { active: false } },
  { op: 'replace', path: '', value: { active: false } },
  { op: 'replace', value: '{"active":false}' },
  { op: 'Replace', value: { [`${USER_URN}.active`]: 'false' } },
  { op: 'replace', value: { [USER_URN]: { active: ['False'] }, 'urn:example:of:another:2.0:User': { status: 'gone' } } },
];

describe('a 2xx means that what was asked is done', () => {
  let cluster: Cluster;
  let client: Client;
  let count = 0;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme'], workers: 0 });
    client = cluster.client('acme');
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const made = async (more: Record<string, unknown> = {}): Promise<JsonObject & { id: string }> =>
    (await client.create(userBody(`person-${count++}`, more))).body;
  /** One operation in a Bulk; its status and error in place of the answer's own. */
  const bulk = async (method: string, path: string, data: JsonValue): Promise<{ status: number; body: JsonObject }> => {
    const Operations = [{ method, path, data, ...(method === 'POST' ? { bulkId: 'b' } : {}) }];
    const { body } = await client.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations });
    return { status: Number(body.Operations[0].status), body: body.Operations[0].response ?? {} };
  };
  const told = ({ status, body }: Pick<Answer, 'status' | 'body'>) => [status, body.scimType];

  it.each(NOT_DONE)('PATCH %j is 400 %s, by itself and in a Bulk, and changes nothing', async (operation, scimType) => {
    const before = await made();
    const body = patchBody({ op: 'replace', path: 'title', value: 'changed' }, operation);
    expect(told(await client.patch(before.id, body))).toEqual([400, scimType]);
    expect(told(await bulk('PATCH', `/users/${before.id}`, body as unknown as JsonValue))).toEqual([400, scimType]);
    expect((await client.get(before.id)).body).toEqual(before);
  });

  it.each(DONE)('PATCH %j deactivates', async (operation) => {
    const [one, other] = [await made(), await made()];
    expect((await client.patch(one.id, patchBody(operation))).body.active).toBe(false);
    expect((await bulk('PATCH', `/Users/${other.id}`, patchBody(operation) as unknown as JsonValue)).status).toBe(200);
    expect((await client.get(other.id)).body.active).toBe(false);
  });

  it.each<[JsonObject, string]>([
    [{ active: null }, 'invalidValue'],
    [{ active: '' }, 'invalidValue'],
    [{ active: 'no' }, 'invalidValue'],
    [{ 'active.value': false }, 'invalidPath'],
    [{ [`${ENTERPRISE_URN}:active`]: false }, 'invalidPath'],
    [{ [GROUP_URN]: { displayName: 'x' } }, 'invalidPath'],
    [{ 'name.givenNam': 'x' }, 'invalidPath'],
  ])('POST and PUT with %j are 400 %s, by themselves and in a Bulk', async (more, scimType) => {
    const before = await made();
    const body = userBody(`person-${count++}`, more) as unknown as JsonValue;
    const answers = [
      await client.create(body),
      await client.replace(before.id, body),
      await bulk('POST', '/Users', body),
      await bulk('PUT', `/Users/${before.id}`, body),
    ];
    expect(answers.map(told)).toEqual(Array(4).fill([400, scimType]));
    expect((await client.get(before.id)).body).toEqual(before);
  });

  it('an error says what was expected', async () => {
    const { id } = await made();
    const detail = async (path: string) => (await client.patch(id, patchBody({ op: 'replace', path, value: 'x' }))).body.detail;
    expect(await detail('name.givenNam')).toBe(
      'path "name.givenNam": expected a sub-attribute of name (formatted, familyName, givenName, middleName, honorificPrefix, honorificSuffix)',
    );
    expect(await detail('title.value')).toBe('path "title.value": expected title alone, as it has no sub-attributes');
    expect(await detail(`${ENTERPRISE_URN}:active`)).toMatch(/expected an attribute of urn:\S+:enterprise:2\.0:User \(employeeNumber, /);
    expect(await detail('activ')).toBe('Operations[0].path: "activ": no schema of a User has such an attribute');
  });

  it('a member of a group is not removed by a path that names nothing, and is by one with a dot for a colon', async () => {
    const { id: value } = await made();
    const group = (await client.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Team', members: [{ value }] })).body;
    const remove = (path: string) => client.request('PATCH', `/Groups/${group.id}`, patchBody({ op: 'remove', path }));
    for (const path of [
      'member',
      `member[value eq "${value}"]`,
      `members[value eq "${value}"].nope`,
      `${USER_URN}:members[value eq "${value}"]`,
    ])
      expect(told(await remove(path))).toEqual([400, 'invalidPath']);
    expect((await client.request('GET', `/Groups/${group.id}`)).body).toEqual(group);
    expect((await remove(`${GROUP_URN}.members[value eq "${value}"]`)).body.members).toBeUndefined();
  });

  it('what is left out stands on the log line of its request, by name alone', async () => {
    const person = 'ada.secret@example.com';
    const { id } = await made();
    const body = {
      title: 'x',
      shoeSize: 41,
      [`things[value eq "${person}"].kind`]: 'x',
      [person]: 1,
      name: { givenName: 'A', nickNam: 'x' },
    };
    const answers = [
      await client.create(userBody(`person-${count++}`, { shoeSize: 41, [person]: 1 })),
      await client.replace(id, userBody(`person-${count++}`, { [ENTERPRISE_URN]: { department: 'x', floor: 3 } })),
      await client.patch(id, patchBody({ op: 'replace', value: body })),
      await client.request('POST', '/Bulk', {
        schemas: [BULK_REQUEST_URN],
        Operations: [{ method: 'PATCH', path: `/Users/${id}`, data: patchBody({ op: 'add', value: { title: 'y', shoeSize: 42 } }) }],
      }),
      await client.patch(id, patchBody({ op: 'replace', path: 'title', value: 'z' })),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 200]);
    const lines = (await cluster.ingests[0]!.log()).split('\n').filter((line) => line.includes('"requestId"'));
    const of = ({ headers }: Answer) =>
      lines.filter((line) => line.includes(String(headers['x-request-id']))).map((line) => JSON.parse(line).ignored);
    expect(answers.map((answer) => of(answer)[0])).toEqual([
      ['shoeSize', '(not a name)'],
      [`${ENTERPRISE_URN}:floor`],
      ['shoeSize', 'things[…].kind', '(not a name)', 'name.nickNam'],
      ['shoeSize'],
      undefined,
    ]);
    expect(lines.join()).not.toContain('ada.secret');
  });
});
