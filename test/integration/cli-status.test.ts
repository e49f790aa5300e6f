import { createServer, type Server } from 'node:net';
import { adminOf } from '../support/admin.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { until } from '../support/environment.js';
import { userBody } from '../support/users.js';

jest.setTimeout(180_000);

/** MongoDB refuses every account with this title, for good. */
const refuseTitle = (cluster: Cluster) =>
  cluster.db.command({
    collMod: 'accounts',
    validator: { 'attributes.title': { $ne: 'Forbidden' } },
    validationLevel: 'strict',
    validationAction: 'error',
  });

describe('rollcall status without a tenant', () => {
  // It said "Nothing is pending." and ended with 0, as only tenants with something pending were looked at.
  it('lists a tenant that has dead letters alone, and ends with 1', async () => {
    await using cluster = await startCluster();
    const { rollcall, json } = commandLine(cluster);
    expect(await rollcall('status')).toMatchObject({ code: 0, out: expect.stringMatching(/^Nothing needs attention/) });
    await refuseTitle(cluster);
    for (const name of ['a', 'b']) await cluster.client('acme').create(userBody(name, { title: 'Forbidden' }));
    await cluster.quiet();
    const { code, out } = await rollcall('status');
    expect([code, out]).toEqual([1, expect.stringMatching(/^TENANT +PENDING +OLDEST +DEADLETTERS +UNDECIDED\nacme +0 +– +2 +0\n$/)]);
    expect(await json('status')).toMatchObject({
      redis: { status: 'up' },
      mongodb: { status: 'up' },
      tenants: [{ tenant: 'acme', pending: 0, deadLetters: 2, undecided: 0 }],
      unknown: [],
    });
    expect((await (await fetch(`${cluster.worker.url}/tenants`, { headers: bearer(cluster) })).text()).includes('acme')).toBe(true);
  });

  it('says that an operator has paused the queue, and ends with 1', async () => {
    await using cluster = await startCluster();
    const { rollcall, json } = commandLine(cluster);
    const pressed = (action: 'pause' | 'resume') =>
      fetch(`${cluster.worker.url}/queues/api/queues/apply/${action}`, { method: 'PUT', headers: bearer(cluster) });
    expect((await pressed('pause')).ok).toBe(true);
    expect(await rollcall('status')).toMatchObject({ code: 1, out: expect.stringMatching(/^Queue: paused by an operator; /) });
    expect(await json('status')).toMatchObject({ queue: 'paused by an operator', tenants: [] });
    expect((await pressed('resume')).ok).toBe(true);
    expect(await json('status')).toMatchObject({ queue: 'running' });
    expect((await rollcall('status')).code).toBe(0);
  });

  it('lists a tenant that has undecided people alone, and ends with 1', async () => {
    await using cluster = await startCluster();
    const { json, rollcall } = commandLine(cluster);
    const admin = adminOf(cluster);
    const twin = (userName: string) => ({ userName, emails: [{ value: 'twin@example.com', primary: true }] });
    const first = await admin('POST /tenants/globex/accounts', twin('one'));
    const second = await admin('POST /tenants/globex/accounts', { userName: 'two' });
    expect([first.status, second.status]).toEqual([201, 201]);
    await cluster.quiet();
    const noted = {
      ...{ _id: 'globex/three', tenant: 'globex', at: new Date(), reason: 'ambiguous', userName: 'three', requestId: 'r' },
      accounts: [first.body.id, second.body.id],
    };
    await cluster.db.collection<{ _id: string }>('undecided').insertOne(noted);
    expect((await json('status')).tenants).toMatchObject([{ tenant: 'globex', pending: 0, deadLetters: 0, undecided: 1 }]);
    expect((await rollcall('status')).code).toBe(1);
  });
});

describe('rollcall status while MongoDB is away', () => {
  // `status` was silent and ended with 0; `status acme` failed with 4 after 7 s, which means that nothing answers.
  it('names the store that is away, says what it knows, and ends with 1', async () => {
    await using cluster = await startCluster({ ownServers: true });
    const { rollcall, json } = commandLine(cluster);
    const known = await cluster.client('acme').create(userBody('ada'));
    expect(known.status).toBe(201);
    await cluster.quiet();
    await cluster.mongoServer!.stop();
    await cluster.client('acme').create(userBody('grace'));
    await until('the worker to see it', async () => (await json('status')).mongodb.status === 'away');

    const all = await rollcall('status');
    expect(all).toMatchObject({ code: 1, err: '' });
    expect(all.out).toMatch(/^MongoDB: away since \d{4}-.*\nTENANT +PENDING +OLDEST +DEADLETTERS +UNDECIDED\nacme +1 +.* +0 +–\n$/);

    const one = await rollcall('status acme');
    expect(one).toMatchObject({ code: 1, err: '' });
    expect(one.out).toMatch(/^MongoDB: away since .*\ntenant +acme\nstatus +active\nlastRequestAt +not known\n/);
    expect(one.out).toMatch(/\npending +1\n/);
    expect(await json('status acme')).toMatchObject({
      mongodb: { status: 'away', since: expect.any(String) },
      redis: { status: 'up' },
      pending: 1,
      deadLetters: 0,
      undecided: null,
      unknown: expect.arrayContaining(['lastRequestAt', 'credentials', 'users', 'undecided']),
    });
    await cluster.mongoServer!.start();
    await cluster.quiet(60_000);
    await until('it to be up again', async () => (await rollcall('status')).code === 0);
  });
});

describe('rollcall status of one tenant', () => {
  it('counts users by state and groups, and says when its tokens expire', async () => {
    await using cluster = await startCluster();
    const { rollcall, json } = commandLine(cluster);
    const okta = cluster.client('acme');
    const [, off, gone, held] = await Promise.all(
      ['active', 'off', 'gone', 'held'].map(async (name) => (await okta.create(userBody(name))).body.id),
    );
    await okta.request('POST', '/Groups', { displayName: 'Staff' });
    await okta.replace(off, userBody('off', { active: false }));
    await okta.delete(gone);
    expect((await rollcall(`account block acme ${held} --reason Left`)).code).toBe(0);
    await cluster.quiet();
    expect(await json('status acme')).toMatchObject({
      users: { active: 1, deactivated: 1, blocked: 1, deleted: 1 },
      groups: 1,
      credentials: [{ kind: 'token', name: 'seed', expiresAt: expect.any(String) }],
      unknown: [],
    });
    const { out } = await rollcall('status acme');
    expect(out).toMatch(/\nusers +1 active, 1 deactivated, 1 blocked, 1 deleted\n/);
    expect(out).toMatch(/\ncredentials +token seed \(rc_.{4}…\) expires in 364 days\n/);
    const plan = await cluster.db
      .collection('accounts')
      .find({ tenant: 'acme', 'account.preservedBy.0': { $exists: true }, live: true })
      .explain('queryPlanner');
    expect(JSON.stringify(plan.queryPlanner.winningPlan)).toContain('tenant_1_preserved');
  });
});

describe('without a worker that answers', () => {
  let cluster: Cluster;
  let typed: CommandLine;
  let stores: Record<string, string | undefined>;
  beforeAll(async () => {
    cluster = await startCluster({ ownServers: true });
    typed = commandLine(cluster);
    await refuseTitle(cluster);
    await cluster.client('acme').create(userBody('dead', { title: 'Forbidden' }));
    await cluster.quiet();
    process.kill(cluster.worker.pid()!, 'SIGSTOP');
    expect((await cluster.client('globex').create(userBody('ada'))).status).toBe(201);
    stores = {
      REDIS_URL: cluster.redisServer!.url,
      MONGODB_URI: databaseOf(cluster),
      ROLLCALL_KEY_PREFIX: cluster.prefix,
      PARTITIONS: '8',
    };
  });
  afterAll(async () => {
    const pid = cluster?.worker.pid();
    if (pid !== undefined) process.kill(pid, 'SIGCONT');
    await cluster?.[Symbol.asyncDispose]();
  });

  // `status` took 30 s, and `doctor` had not ended after 100 s.
  it.each(['status', 'status acme', 'tenant list', 'account list acme'])('%s ends with 4, and names --direct', async (line) => {
    const began = performance.now();
    expect(await typed.rollcall(line)).toMatchObject({ code: 4, out: '', err: expect.stringContaining('doctor --direct') });
    expect(performance.now() - began).toBeLessThan(15_000);
  });

  it('doctor ends, says so, and goes on to ask the stores', async () => {
    const { code, out } = await typed.rollcall('doctor', stores);
    expect(code).toBe(1);
    expect(out).toMatch(/NOT OK +worker +does not answer/);
    expect(out).toMatch(/ok +Redis appendonly +yes/);
    expect(out).toMatch(/NOT OK +dead letters +1/);
  });

  it('status --direct and doctor --direct read backlog, oldest and dead letters from the stores', async () => {
    await until('the lease of the frozen worker to end', async () =>
      (await typed.rollcall('doctor --direct', stores)).out.includes('held by no worker'),
    );
    const { code, out } = await typed.rollcall('doctor --direct', stores);
    expect(code).toBe(1);
    expect(out).toMatch(/NOT OK +worker’s lease +held by no worker +start a worker/);
    expect(out).toMatch(/backlog +1 pending, the oldest for \d+ /);
    expect(out).toMatch(/NOT OK +dead letters +1/);

    const status = await typed.rollcall('status --direct', stores);
    expect(status).toMatchObject({ code: 1, err: '' });
    expect(status.out).toMatch(/\nglobex +1 +\d+ \w+ +0 +0\n/);
    expect(status.out).toMatch(/\nacme +0 +– +1 +0\n/);
    const one = await typed.rollcall('status acme --direct --json', stores);
    expect(JSON.parse(one.out)).toMatchObject({ tenants: [{ tenant: 'acme', deadLetters: 1 }], worker: { status: 'away' } });
    expect(await typed.rollcall('status --direct')).toMatchObject({ code: 2, err: expect.stringContaining('REDIS_URL') });
  });
});

describe('what is silent', () => {
  let silent: Server;
  let url: string;
  beforeAll(async () => {
    silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    url = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  });
  afterAll(() => silent.close());

  it('counts as away: a Redis and a MongoDB that accept connections and say nothing', async () => {
    const { rollcall } = commandLine({ worker: { url: 'http://127.0.0.1:1' }, ingests: [{ url: '' }], operatorToken: 'x' } as never);
    const env = { REDIS_URL: `redis://${url}`, MONGODB_URI: `mongodb://${url}/rollcall` };
    expect((await rollcall('status --direct', env)).out).toBe('Redis: away\nMongoDB: away\nNot known: pending, deadLetters, undecided.\n');
    const { code, out } = await rollcall('doctor --direct', env);
    expect([code, out]).toEqual([1, expect.stringMatching(/NOT OK +Redis +does not answer.*\nNOT OK +MongoDB +does not answer/)]);
  });
});

const bearer = ({ operatorToken }: Cluster) => ({ Authorization: `Bearer ${operatorToken}` });

/** The database of a cluster on its own server. */
function databaseOf({ mongoServer, prefix }: Cluster): string {
  const uri = new URL(mongoServer!.uri);
  uri.pathname = `/${prefix}`;
  return uri.href;
}
