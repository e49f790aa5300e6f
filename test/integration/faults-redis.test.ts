import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { checkAll, type Told, versionOf } from '../support/check.js';
import { startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

it('Redis: stopped: 503 with Retry-After within 2 s, and recovery by itself', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const ada = await okta.create(userBody('ada'));
  await cluster.quiet();
  await cluster.redisServer!.stop();
  for (const ask of [
    () => okta.create(userBody('bob')),
    () => okta.get(ada.body.id),
    () => okta.find('userName eq "ada@example.com"'),
    () => okta.list(),
  ]) {
    const answer = await ask();
    expect({ status: answer.status, retry: answer.headers['retry-after'] }).toMatchObject({
      status: 503,
      retry: expect.stringMatching(/^\d+$/),
    });
    expect(answer.took_ms).toBeLessThan(2_500);
    expect(answer.body.schemas).toEqual(['urn:ietf:params:scim:api:messages:2.0:Error']);
  }
  await cluster.redisServer!.start();
  const bob = await until(
    'a create to succeed',
    () => okta.create(userBody('bob')),
    ({ status }) => status === 201,
  );
  expect((await okta.get(ada.body.id)).status).toBe(200);
  await cluster.quiet();
  await checkAll(
    cluster,
    'acme',
    [ada, bob].map(({ body, headers }): Told => ({ id: body.id, version: versionOf(headers.etag) })),
  );
});

// Goal: a write that was answered 503 does not happen later.
// Method: SIGSTOP Redis past the deadline, so that the command lies in its socket; thaw it; the user must not be there.
it('Redis: frozen past the deadline: 503, and the write does not happen when it thaws', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const ada = await okta.create(userBody('ada'));
  await cluster.redisServer!.freeze();
  const answers = await Promise.all([
    okta.create(userBody('frozen')),
    okta.patch(ada.body.id, patchBody({ op: 'replace', path: 'title', value: 'Frozen' })),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  expect(Math.max(...answers.map(({ took_ms }) => took_ms))).toBeLessThan(3_000);
  await cluster.redisServer!.thaw();
  await until(
    'Redis to be used again',
    () => okta.find('userName eq "frozen@example.com"'),
    ({ status }) => status === 200,
  );
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect((await okta.find('userName eq "frozen@example.com"')).body.totalResults).toBe(0);
  expect((await okta.get(ada.body.id)).body.title).toBeUndefined();
  expect((await okta.create(userBody('frozen'))).status).toBe(201);
  await cluster.quiet();
  await checkAll(cluster, 'acme', []);
});

it('Redis: emptied: what MongoDB has is read as before, and the next PATCH builds on it with a higher version', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const users = await Promise.all(Array.from({ length: 30 }, (_, n) => okta.create(userBody(`u${n}`))));
  await okta.delete(users[29]!.body.id);
  await cluster.quiet();
  const before = (await okta.list('count=100')).body;

  await cluster.redis.flushall();
  expect((await okta.get(users[0]!.body.id)).body).toEqual(users[0]!.body);
  expect((await okta.find('userName eq "u3@example.com"')).body.Resources).toEqual([users[3]!.body]);
  expect((await okta.list('count=100')).body).toEqual(before);
  expect((await okta.create(userBody('u3'))).status).toBe(409);
  const patched = await okta.patch(users[0]!.body.id, patchBody({ op: 'replace', path: 'title', value: 'After' }));
  expect(patched).toMatchObject({ status: 200, body: { title: 'After', userName: 'u0@example.com' } });
  expect(versionOf(patched.headers.etag)).toBeGreaterThan(Math.max(...users.map(({ headers }) => versionOf(headers.etag))));
  // A person who was deleted is still known, and comes back with the same id.
  expect((await okta.create(userBody('u29'))).body.id).toBe(users[29]!.body.id);
  await cluster.quiet();
  await checkAll(cluster, 'acme', [{ id: patched.body.id, version: versionOf(patched.headers.etag) }]);
});

it('Redis: restored from an older append-only file: MongoDB’s newer state is read, and the next PATCH has a higher version', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const ada = await okta.create(userBody('ada', { title: 'Old' }));
  await cluster.quiet();
  const server = cluster.redisServer!;
  const folder = path.join(server.dir!, 'appendonlydir');
  await server.stop();
  await cp(folder, `${folder}.old`, { recursive: true });
  await server.start();
  const newer = await until(
    'a PATCH to succeed',
    () => okta.patch(ada.body.id, patchBody({ op: 'replace', path: 'title', value: 'New' })),
    ({ status }) => status === 200,
  );
  const bob = await okta.create(userBody('bob'));
  expect(bob.status).toBe(201);
  await cluster.quiet();

  await server.stop();
  await rm(folder, { recursive: true });
  await cp(`${folder}.old`, folder, { recursive: true });
  await server.start();
  const read = await until(
    'a read to succeed',
    () => okta.get(ada.body.id),
    ({ status }) => status === 200,
  );
  expect(read.body.title).toBe('New');
  expect((await okta.get(bob.body.id)).body.userName).toBe('bob@example.com');
  expect((await okta.find('userName eq "bob@example.com"')).body.totalResults).toBe(1);
  expect((await okta.create(userBody('bob'))).status).toBe(409);
  const patched = await okta.patch(ada.body.id, patchBody({ op: 'replace', path: 'nickName', value: 'Countess' }));
  expect(patched).toMatchObject({ status: 200, body: { title: 'New', nickName: 'Countess' } });
  expect(versionOf(patched.headers.etag)).toBeGreaterThan(Math.max(versionOf(newer.headers.etag), versionOf(bob.headers.etag)));
  await cluster.quiet();
  await checkAll(
    cluster,
    'acme',
    [newer, bob, patched].map(({ body, headers }): Told => ({ id: body.id, version: versionOf(headers.etag) })),
  );
});

it('Redis: killed under writes: every 2xx is there afterwards', async () => {
  await using cluster = await startCluster({ ownServers: true });
  const okta = cluster.client('acme');
  const told: Told[] = [];
  const strange: number[] = [];
  let writing = true;
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let n = 0; writing; n += 1) {
      const { status, body, headers } = await okta.create(userBody(`w${writer}n${n}`));
      if (status === 201) told.push({ id: body.id, version: versionOf(headers.etag) });
      else if (status !== 503) strange.push(status);
    }
  });
  await new Promise((resolve) => setTimeout(resolve, 700));
  await cluster.redisServer!.kill();
  await new Promise((resolve) => setTimeout(resolve, 500));
  await cluster.redisServer!.start();
  const before = told.length;
  await until(
    'writes to go on',
    () => told.length,
    (n) => n > before + 50,
    15_000,
  );
  writing = false;
  await Promise.all(writers);
  // A create whose answer was lost on the way may have been written before: its retry inside the deadline finds itself, never 409.
  expect(strange).toEqual([]);
  await cluster.quiet(60_000);
  await checkAll(cluster, 'acme', told);
});
