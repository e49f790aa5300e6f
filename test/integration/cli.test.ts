import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { type CommandLine, commandLine } from '../support/command-line.js';
import { until } from '../support/environment.js';
import { userBody } from '../support/users.js';

jest.setTimeout(120_000);

let cluster: Cluster;
let dir: string;
let rollcall: CommandLine['rollcall'];
let json: CommandLine['json'];
beforeAll(async () => {
  cluster = await startCluster({ tenants: ['acme'] });
  dir = await mkdtemp(path.join(tmpdir(), 'rollcall-cli-'));
  ({ rollcall, json } = commandLine(cluster));
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

describe('rollcall tenant and token', () => {
  it('make a tenant and its token, with which an identity provider signs in; and take both away', async () => {
    expect(await rollcall('tenant create globex --name Globex')).toMatchObject({ code: 0, out: expect.stringContaining('globex') });
    const made = await rollcall('token create globex --name Okta --days 90 --json');
    expect(made.err).toBe('');
    const { id, token } = JSON.parse(made.out);
    const okta = new Client(`${cluster.ingests[0]!.url}/scim/v2`, token);
    expect((await okta.list()).status).toBe(200);
    expect((await rollcall('token list globex')).out).toMatch(
      /^ID +NAME +PREFIX +CREATEDAT +LASTUSEDAT +EXPIRES +REPLACEDBY\n\S+ +Okta +rc_\S+ .* in 89 days/,
    );
    expect((await rollcall('token list globex')).out).not.toContain(token);
    expect(await rollcall('tenant suspend globex')).toMatchObject({ code: 0, out: 'globex is suspended.\n' });
    expect((await okta.list()).status).toBe(403);
    await rollcall('tenant resume globex');
    const next = await json(`token regenerate globex ${id} --overlap-hours 1`);
    expect((await okta.list()).status).toBe(200);
    expect((await rollcall(`token revoke globex ${id}`)).code).toBe(0);
    expect((await okta.list()).status).toBe(401);
    expect((await json('token list globex')).map((item: { id: string }) => item.id)).toEqual([next.id]);
    const { confirm } = await json('tenant delete globex --grace-hours 1');
    expect((await rollcall(`tenant delete globex --confirm ${confirm}`)).code).toBe(0);
    expect((await json('tenant show globex')).deletion.confirmed).toBe(true);
    expect((await rollcall('tenant audit globex')).out).toMatch(/tenant\.purge.*token\.generate.*tenant\.create/s);
  });

  it('say what the admin API says, and end with 1', async () => {
    expect(await rollcall('tenant create Not_An_Id')).toMatchObject({ code: 1, err: expect.stringContaining('#/id') });
    expect(await rollcall('token list none')).toMatchObject({ code: 1, err: 'rollcall: there is no such tenant\n', out: '' });
  });
});

describe('rollcall extension', () => {
  it('declares attributes of a tenant from a file, as it shows them', async () => {
    const file = path.join(dir, 'extensions.json');
    const declared = { User: [{ id: 'urn:example:badge', name: 'Badge', attributes: [{ name: 'level', type: 'integer' }] }], Group: [] };
    await writeFile(file, JSON.stringify(declared));
    expect((await rollcall(`extension set acme ${file}`)).code).toBe(0);
    expect(await json('extension show acme')).toEqual(declared);
    await writeFile(file, '{"User":[{}]}');
    expect(await rollcall(`extension set acme ${file}`)).toMatchObject({ code: 1, err: expect.stringContaining('#/User/0/id') });
    await writeFile(file, '{');
    expect(await rollcall(`extension set acme ${file}`)).toMatchObject({ code: 2, err: expect.stringContaining('expected JSON') });
  });
});

describe('rollcall operator, status, dead-letter', () => {
  it('make operators, say how it is, and find no dead letter', async () => {
    const { id, token } = await json('operator create Grace --role viewer');
    expect(await rollcall('tenant suspend acme', { ROLLCALL_OPERATOR_TOKEN: token })).toMatchObject({
      code: 3,
      err: expect.stringContaining('viewer'),
    });
    expect((await rollcall('operator list')).out).toContain('Grace');
    await rollcall(`operator remove ${id}`);
    expect((await rollcall('tenant list', { ROLLCALL_OPERATOR_TOKEN: token })).code).toBe(3);
    expect(await json('status acme')).toMatchObject({ tenant: 'acme', deadLetters: 0 });
    expect(await rollcall('status')).toMatchObject({ code: 0, out: expect.stringContaining('Nothing needs attention') });
    expect(await rollcall('dead-letter list --tenant acme')).toMatchObject({ code: 0, out: 'No dead letters.\n' });
    expect(await rollcall('dead-letter redrive --all')).toMatchObject({ code: 0, out: '0 redriven.\n' });
    expect((await rollcall('dead-letter redrive')).code).toBe(2);
  });
});

describe('a dead letter', () => {
  it('is told by status, which ends with 1, listed, redriven once its cause is gone, or discarded', async () => {
    await using broken = await startCluster({ tenants: ['acme'] });
    const typed = commandLine(broken);
    const validator = { validator: { 'attributes.title': { $ne: 'Forbidden' } }, validationLevel: 'strict', validationAction: 'error' };
    await broken.db.command({ collMod: 'accounts', ...validator });
    const okta = broken.client('acme');
    const [first, second] = [
      await okta.create(userBody('a', { title: 'Forbidden' })),
      await okta.create(userBody('b', { title: 'Forbidden' })),
    ];
    await broken.quiet();

    expect(await typed.rollcall('status acme')).toMatchObject({ code: 1, out: expect.stringMatching(/\ndeadLetters +2\n/), err: '' });
    expect((await typed.rollcall('status acme --json')).code).toBe(1);
    const list = await typed.rollcall('dead-letter list --tenant acme');
    expect([list.code, list.out]).toEqual([
      0,
      expect.stringMatching(/^TENANT +TYPE +ID +VERSION +CAUSE +RULES +CODE +TRIES +FAILEDAT +REQUESTID\nacme +User +/),
    ]);
    expect(list.out).toContain('attributes.title: $ne');
    expect(await typed.json('dead-letter list --limit 1')).toMatchObject([{ rules: ['attributes.title: $ne'] }]);
    expect(await typed.rollcall(`dead-letter redrive ${first.body.id}`)).toMatchObject({
      code: 2,
      err: expect.stringContaining('--tenant'),
    });

    await broken.db.command({ collMod: 'accounts', validator: {}, validationLevel: 'off' });
    const { id } = first.body;
    expect(await typed.rollcall(`dead-letter redrive ${id} --tenant acme`)).toEqual({ code: 0, out: '1 redriven.\n', err: '' });
    await until('it to be applied', () => broken.db.collection<{ _id: string }>('accounts').findOne({ _id: id }));
    expect(await typed.json(`dead-letter discard ${second.body.id} --tenant acme`)).toMatchObject({ discarded: 1 });
    expect(await typed.rollcall('dead-letter list')).toEqual({ code: 0, out: 'No dead letters.\n', err: '' });
    expect((await okta.get(second.body.id)).status).toBe(404);
    await broken.quiet();
    expect((await typed.rollcall('status acme')).code).toBe(0);
    expect(await typed.rollcall('status none')).toMatchObject({ code: 1, err: 'rollcall: there is no such tenant\n' });
    expect((await typed.rollcall('status acme too-much')).code).toBe(2);
    expect((await typed.rollcall('dead-letter list --limit 0')).code).toBe(2);
  });
});

describe('credentials', () => {
  it('come from a file that nobody else may read, and from no other', async () => {
    const file = path.join(dir, 'credentials.json');
    await writeFile(file, JSON.stringify({ url: cluster.worker.url, token: cluster.operatorToken }), { mode: 0o600 });
    const byFile = { ROLLCALL_ADMIN_URL: undefined, ROLLCALL_OPERATOR_TOKEN: undefined, ROLLCALL_CREDENTIALS_FILE: file };
    expect((await rollcall('tenant list', byFile)).code).toBe(0);
    await chmod(file, 0o640);
    expect(await rollcall('tenant list', byFile)).toMatchObject({ code: 3, err: expect.stringContaining('chmod 600') });
    await chmod(file, 0o604);
    expect((await rollcall('tenant list', byFile)).code).toBe(3);
    await chmod(file, 0o600);
    await writeFile(file, 'token');
    expect(await rollcall('tenant list', byFile)).toMatchObject({ code: 2, err: expect.not.stringContaining(cluster.operatorToken) });
    expect(await rollcall('tenant list', { ...byFile, ROLLCALL_CREDENTIALS_FILE: path.join(dir, 'none') })).toMatchObject({
      code: 3,
      err: expect.stringContaining('ROLLCALL_OPERATOR_TOKEN'),
    });
  });

  it('that are wrong end with 3, nobody there with 4', async () => {
    expect(await rollcall('tenant list', { ROLLCALL_OPERATOR_TOKEN: 'x'.repeat(40) })).toMatchObject({
      code: 3,
      err: `rollcall: ROLLCALL_OPERATOR_TOKEN was refused by ${cluster.worker.url}: set the token of an operator\n`,
    });
    expect(await rollcall('tenant list', { ROLLCALL_ADMIN_URL: 'http://127.0.0.1:1' })).toMatchObject({
      code: 4,
      err: expect.stringContaining('OPS_PORT'),
    });
  });
});

describe('rollcall doctor', () => {
  it('finds the servers of the tests as they must be', async () => {
    const { code, out } = await rollcall('doctor');
    expect(out).toMatch(/ok +Redis appendonly/);
    expect(out).toMatch(/ok +Redis maxmemory-policy/);
    expect(out).toMatch(/ok +MongoDB replica set/);
    expect(out).toMatch(/ok +MongoDB indexes/);
    expect([code, out.includes('NOT OK')]).toEqual([0, false]);
  });

  it('asks the servers themselves where the worker is not there, and says what is wrong', async () => {
    const away = {
      ROLLCALL_ADMIN_URL: 'http://127.0.0.1:1',
      REDIS_URL: process.env.ROLLCALL_TEST_REDIS,
      MONGODB_URI: process.env.ROLLCALL_TEST_MONGODB,
    };
    const { code, out } = await rollcall('doctor', away);
    expect(code).toBe(1);
    expect(out).toMatch(/NOT OK +worker/);
    expect(out).toMatch(/ok +Redis appendonly +yes/);
    expect(out).toMatch(/ok +MongoDB primary/);
    const gone = await rollcall('doctor --direct', { REDIS_URL: 'redis://127.0.0.1:1', MONGODB_URI: undefined });
    expect(gone).toMatchObject({ code: 1, out: expect.stringMatching(/NOT OK +Redis/) });
  });

  it('finds a missing index, and says how it comes back', async () => {
    await cluster.db.collection('accounts').dropIndex('tenant_1_nameKey_1');
    const { code, out } = await rollcall('doctor');
    expect([code, out]).toEqual([1, expect.stringMatching(/NOT OK +MongoDB indexes.*nameKey.*restart the worker/)]);
    await cluster.worker.stop();
    await cluster.worker.start();
    expect((await rollcall('doctor')).code).toBe(0);
  });
});

describe('rollcall simulate', () => {
  it.each(['okta', 'entra'])('sends the traffic of %s, with a token that it revokes at the end', async (provider) => {
    const before = (await json('token list acme')).length;
    const said = await rollcall(`simulate ${provider} --users 12 --width 3 --tenant acme --json`);
    expect(said.err).toBe('');
    expect([said.code, JSON.parse(said.out)]).toMatchObject([
      0,
      { provider, users: 12, faults: {}, answers: { 'POST 201': 12, 'DELETE 204': 12 } },
    ]);
    expect((await json('token list acme')).length).toBe(before);
  });

  it('keeps people there on request', async () => {
    const { body } = await adminOf(cluster)('POST /tenants/acme/tokens', { name: 'x' });
    expect((await rollcall('simulate okta --users 3 --keep', { ROLLCALL_SCIM_TOKEN: body.token })).code).toBe(0);
    expect((await cluster.client('acme').list()).body.totalResults).toBe(3);
  });

  it('ends with 1 where something is not answered as it must be, and with 2 where it is typed wrongly', async () => {
    const said = await rollcall('simulate okta --users 2', { ROLLCALL_SCIM_TOKEN: 'x'.repeat(40) });
    expect([said.code, said.out]).toEqual([1, expect.stringContaining('look up: 401')]);
    expect((await rollcall('simulate okta --users 0 --tenant acme')).code).toBe(2);
    expect((await rollcall('simulate google --tenant acme')).code).toBe(2);
    expect((await rollcall('simulate okta')).code).toBe(2);
  });

  it('ends with 4 where nobody answers, and takes its token back', async () => {
    const before = (await json('token list acme')).length;
    const said = await rollcall('simulate okta --users 1000 --tenant acme --url http://127.0.0.1:1/scim/v2');
    expect(said).toEqual({ code: 4, out: '', err: expect.stringContaining('http://127.0.0.1:1/scim/v2 does not answer') });
    expect((await json('token list acme')).length).toBe(before);
  });
});
