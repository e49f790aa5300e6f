import { randomUUID } from 'node:crypto';
import { BULK_REQUEST_URN, GROUP_URN } from '@rollcall/scim';
import type { Answer, Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { userBody } from '../support/users.js';

jest.setTimeout(120_000);

let made = 0;
const fresh = (name: string): string => {
  made += 1;
  return `${name}${made}`;
};

/** Somebody is deleted, comes back by a POST, is changed, and joins a group: an operation each, all about the same person. */
async function comeBack(client: Client): Promise<readonly unknown[]> {
  const body = userBody(fresh('back'));
  const { id } = (await client.create(body)).body;
  return [
    { method: 'DELETE', path: `/Users/${id}` },
    { method: 'POST', path: '/Users', bulkId: 'x', data: body },
    { method: 'PATCH', path: '/Users/bulkId:x', data: [{ op: 'replace', path: 'title', value: 'again' }] },
    {
      ...{ method: 'POST', path: '/Groups', bulkId: 'g' },
      data: { schemas: [GROUP_URN], displayName: fresh('Back '), members: [{ value: 'bulkId:x' }] },
    },
  ];
}

const send = (client: Client, operations: readonly unknown[], key: string): Promise<Answer> =>
  client.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations: operations }, { headers: { 'Idempotency-Key': key } });

/** Without the address of the process that answered. */
const told = ({ status, body }: Answer) => ({
  status,
  results: body.Operations?.map((each: { location?: string }) => ({ ...each, location: each.location?.replace(/^.*\/scim\/v2/, '') })),
});
const statuses = (answer: Answer): string[] => answer.body.Operations?.map(({ status }: { status: string }) => status);

describe('POST /Bulk under one Idempotency-Key', () => {
  let cluster: Cluster;
  let clients: readonly Client[];
  beforeAll(async () => {
    cluster = await startCluster({ ingests: 2, tenants: ['acme'] });
    clients = [cluster.client('acme', 0), cluster.client('acme', 1)];
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  // A repeat that ran beside the first one took whom that had brought back for somebody else, and its 409s were kept.
  it.each([2, 5])('answers %d that are sent at once, at two processes, and one that comes later, all alike', async (count) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const operations = await comeBack(clients[0]!);
      const key = `key-${randomUUID()}`;
      const answers = await Promise.all(
        Array.from({ length: count }, async (_, i) => {
          await new Promise((resolve) => setTimeout(resolve, (i * round) % 9));
          return send(clients[i % 2]!, operations, key);
        }),
      );
      answers.push(await send(clients[round % 2]!, operations, key));
      for (const answer of answers) {
        expect({ round, statuses: statuses(answer) }).toEqual({ round, statuses: ['204', '201', '200', '201'] });
        expect(told(answer)).toEqual(told(answers[0]!));
      }
    }
  });
});

describe('POST /Bulk under an Idempotency-Key, whose process is killed', () => {
  it.each(['POST', 'PATCH'])('goes on at another process once %s was committed, as if nothing had been', async (method) => {
    const kill = PEOPLE + 1 + ['DELETE', 'POST', 'PATCH'].indexOf(method);
    await using cluster = await startCluster({ ingests: 2, tenants: ['acme'], faults: { ingest: { 'before ring': { kill } } } });
    const [one, other] = [cluster.client('acme', 0), cluster.client('acme', 1)];
    const operations = await comeBack(other);
    const people = Array.from({ length: PEOPLE }, (_, i) => ({
      ...{ method: 'POST', path: '/Users', bulkId: `p${i}` },
      data: userBody(fresh('p')),
    }));
    const key = `key-${randomUUID()}`;
    await expect(send(one, [...people, ...operations], key)).rejects.toThrow();
    await cluster.ingests[1]!.stop();
    await cluster.ingests[1]!.start({ ROLLCALL_FAULTS: '' });
    const answer = await send(other, [...people, ...operations], key);
    expect(statuses(answer)).toEqual([...people.map(() => '201'), '204', '201', '200', '201']);
    expect(told(await send(other, [...people, ...operations], key))).toEqual(told(answer));
  });
});

// The 409 of what referred to it was kept for a day, so that no repeat could ever succeed.
it('POST /Bulk answers 503 to what refers to something that may be made later, and does it when it is sent again', async () => {
  await using cluster = await startCluster({ workers: 0, tenants: ['acme'], env: { BACKLOG_MAX: '2' } });
  const client = cluster.client('acme');
  for (const name of ['one', 'two']) expect((await client.create(userBody(name))).status).toBe(201);
  const group = (bulkId: string, members: readonly string[]) => ({
    ...{ method: 'POST', path: '/Groups', bulkId },
    data: { schemas: [GROUP_URN], displayName: bulkId, members: members.map((value) => ({ value })) },
  });
  const operations = [
    { method: 'POST', path: '/Users', bulkId: 'x', data: userBody('x') },
    { method: 'PATCH', path: '/Users/bulkId:x', data: [{ op: 'replace', path: 'title', value: 'x' }] },
    group('g', ['bulkId:x', 'bulkId:h']),
    group('h', ['bulkId:g']),
    { method: 'PATCH', path: '/Users/bulkId:nobody', data: [{ op: 'replace', path: 'title', value: 'x' }] },
  ];
  const key = `key-${randomUUID()}`;
  expect(statuses(await send(client, operations, key))).toEqual(['429', '503', '503', '429', '409']);
  await cluster.worker.start();
  await cluster.quiet();
  // Each is let in as soon as the worker has applied what was before it.
  let answer = await send(client, operations, key);
  for (let i = 0; i < 20 && statuses(answer).includes('429'); i += 1) {
    await cluster.quiet();
    answer = await send(client, operations, key);
  }
  expect(statuses(answer)).toEqual(['201', '200', '201', '201', '409']);
});

const ROUNDS = 12;
const PEOPLE = 2;
