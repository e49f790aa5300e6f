import { randomUUID } from 'node:crypto';
import { GROUP_URN } from '@rollcall/scim';
import { type Cluster, startCluster } from '../support/cluster.js';
import { userBody } from '../support/users.js';

jest.setTimeout(60_000);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ workers: 0 });
}, 60_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

const okta = () => cluster.client('acme');
const createGroup = (displayName: string, members: readonly string[]) =>
  okta().request('POST', '/Groups', { schemas: [GROUP_URN], displayName, members: members.map((value) => ({ value })) });

// What else of the tenant was pending was read for every group that was shown: beyond 20,000 the answer was 503, though the group was made.
it('a group is made, changed and shown, however much of its tenant is still being applied', async () => {
  const ada = await okta().create(userBody('ada'));
  const [pending] = await cluster.redis.keys(`${cluster.prefix}:{p*}:acme:pending`);
  const others = Array.from({ length: 20_001 }, () => `U${randomUUID()}`);
  await cluster.redis.zadd(pending!, ...others.flatMap((member) => ['1', member]));
  const group = await createGroup('Behind', [ada.body.id]);
  expect(group.status).toBe(201);
  expect(group.body.members).toHaveLength(1);
  expect((await okta().request('GET', `/Groups/${group.body.id}`)).body.members).toHaveLength(1);
  await cluster.redis.zrem(pending!, ...others);
});
