import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { adminOf } from '../support/admin.js';
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
  cluster = await startCluster({ tenants: ['acme', 'globex', 'mapped', 'sourced'] });
  ({ rollcall, json } = commandLine(cluster));
  dir = await mkdtemp(path.join(tmpdir(), 'rollcall-cli-accounts-'));
  const admin = adminOf(cluster);
  for (const tenant of ['acme', 'mapped']) {
    expect((await admin(`PUT /tenants/${tenant}/profiles/office`, { workloads: ['saasApps', 'endpoint'] })).status).toBe(200);
    expect((await admin(`PUT /tenants/${tenant}/profiles/saas`, { workloads: ['saasApps'] })).status).toBe(200);
  }
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const fileOf = async (name: string, content: string): Promise<string> => {
  const file = path.join(dir, name);
  await writeFile(file, content);
  return file;
};

describe('rollcall account', () => {
  it('makes an account by hand, and finds it by a SCIM filter, in a table or as JSON', async () => {
    expect(await rollcall('account list globex')).toEqual({ code: 0, out: 'No accounts found.\n', err: '' });
    expect(await json('account list globex')).toEqual([]);
    const words = ['account', 'create', 'globex', 'ada@example.com', '--email', 'ada@example.com', '--given-name', 'Ada'];
    const made = await json([...words, '--family-name', 'King Noel', '--external-id', 'x1', '--region', 'eu-1', '--quota', '5']);
    expect(made).toMatchObject({
      origin: 'manual',
      managedBy: 'manual',
      storage: { region: 'eu-1', quotaBytes: 5 },
      user: {
        name: { givenName: 'Ada', familyName: 'King Noel' },
        externalId: 'x1',
        emails: [{ value: 'ada@example.com', primary: true }],
      },
    });
    await rollcall('account create globex grace@example.com');
    const list = await rollcall(['account', 'list', 'globex', '--filter', 'userName sw "ada"']);
    const [titles, row, ...rest] = list.out.trimEnd().split('\n');
    expect(titles).toMatch(/^ID +USERNAME +DISPLAYNAME +STATUS +BY +MANAGEDBY +PROFILE +UPDATEDAT$/);
    expect(row).toMatch(new RegExp(`^${made.id} +ada@example\\.com +Ada King Noel +active +– +manual +– +\\d{4}-`));
    expect([list.code, list.err, rest]).toEqual([0, '', []]);
    expect(await json(['account', 'list', 'globex', '--filter', 'userName sw "ada"'])).toEqual([made]);
    expect(await json('account list globex --limit 1')).toHaveLength(1);
    expect((await rollcall(`account show globex ${made.id}`)).out).toMatch(
      /^id +[0-9a-f-]{36}\nuserName +ada@example\.com\ndisplayName +Ada King Noel\nstatus +active\n/,
    );
    expect(await json(`account show globex ${made.id}`)).toEqual({
      ...made,
      newestChange: { state: expect.any(String), since: expect.any(String) },
    });
    expect((await json('account show globex ADA@example.com')).id).toBe(made.id);
  });

  it('keeps somebody out, lets them in, and gives them a profile and storage', async () => {
    const { id } = (await cluster.client('acme').create(userBody('ada'))).body;
    const out = await json(['account', 'preserve', 'acme', id, '--reason', 'on leave']);
    expect(out).toMatchObject({ status: 'preserved', reason: 'blocked', preservedBy: ['administrator'] });
    expect((await rollcall(`account show acme ${id}`)).out).toMatch(
      /\nstatus +blocked\nby +administrator\nsince\n {2}administrator\n {4}at +\d{4}-.*\n {4}reason +on leave\n/,
    );
    expect((await rollcall('account list acme')).out).toMatch(/ada@example\.com +ada Test +blocked +administrator +scim /);
    expect((await cluster.client('acme').get(id)).body.active).toBe(false);
    expect((await rollcall(`account unblock acme ${id}`)).out).toMatch(/\nstatus +active\n/);
    expect(await rollcall(`account reactivate acme ${id}`)).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^rollcall: /) });
    expect(await json(`account set acme ${id} --profile office --region eu-1 --quota 7`)).toMatchObject({
      profile: 'office',
      profileBy: 'administrator',
      storage: { region: 'eu-1', quotaBytes: 7 },
    });
    const without = await json(`account set acme ${id} --no-storage --profile saas`);
    expect([without.profile, without.storage]).toEqual(['saas', undefined]);
    expect(await json(`account set acme ${id} --no-profile`)).not.toHaveProperty('profile');
  });

  it('purges in two steps: the first does nothing, the second takes the word of the first and no other', async () => {
    const { id } = (await cluster.client('acme').create(userBody('gone'))).body;
    const asked = await rollcall(`account purge acme ${id}`);
    const word = /--confirm (\S+)/.exec(asked.err)?.[1];
    expect([asked.code, asked.out]).toEqual([0, `confirm  ${word}\n`]);
    expect((await json(`account show acme ${id}`)).status).toBe('active');
    expect(await rollcall(`account purge acme ${id} --confirm wrong`)).toMatchObject({ code: 1, err: expect.stringContaining('confirm') });
    expect(await rollcall(`account purge acme ${id} --confirm ${word}`)).toEqual({ code: 0, out: `${id} is purged.\n`, err: '' });
    expect((await rollcall(`account show acme ${id}`)).code).toBe(1);
    expect((await rollcall(`account purge acme ${id}`)).code).toBe(1);
  });

  it('exports all as CSV, or those of a filter; or as JSON', async () => {
    await rollcall('account create globex exported@example.com');
    const { code, out } = await rollcall('account export globex');
    const lines = out.trimEnd().split('\r\n');
    expect([code, lines[0]]).toEqual([0, expect.stringMatching(/^"id","userName","displayName","status",/)]);
    expect(lines).toHaveLength(1 + (await json('account export globex')).length);
    const one = await rollcall(['account', 'export', 'globex', '--filter', 'userName eq "exported@example.com"']);
    expect(one.out.trimEnd().split('\r\n')[1]).toMatch(/^"[0-9a-f-]{36}","exported@example\.com","exported@example\.com","active",/);
    expect(await rollcall(['account', 'export', 'globex', '--filter', 'userName xx'])).toMatchObject({ code: 1, out: '' });
    expect(await rollcall('account export none')).toMatchObject({ code: 1, err: 'rollcall: there is no such tenant\n' });
  });

  it.each([
    ['account list', 'tenant is missing'],
    ['account list acme --limit none', '--limit'],
    ['account list acme --limit 0', '--limit'],
    ['account show acme', 'id is missing'],
    ['account set acme some-id', '--profile, --region, --quota'],
    ['account set acme some-id --quota -1', 'quota'],
    ['account set acme some-id --no-storage --quota 1', '--no-storage'],
    ['account set acme some-id --no-profile --profile office', '--no-profile'],
    ['account create acme', 'userName is missing'],
    ['account create acme a b', 'too many arguments: b'],
    ['account import acme /nowhere/file.csv', '/nowhere/file.csv'],
    ['account preserve acme some-id --because x', '--because'],
    ['account vanish acme', 'unknown command "account vanish"'],
    ['account hsitory acme', 'Did you mean "account history"?'],
  ])('typed wrongly ends with 2, says what, and does nothing: %s', async (typed, said) => {
    expect(await rollcall(typed)).toEqual({ code: 2, out: '', err: expect.stringContaining(said) });
  });

  it.each([
    [['account', 'list', 'acme', '--filter', 'userName xx "a"'], 'filter'],
    [['account', 'show', 'acme', '../../operators'], 'no account has the userName'],
    [['account', 'block', 'acme', '../../operators'], 'not found'],
    [['account', 'preserve', 'acme', 'nobody'], 'not found'],
    [['account', 'create', 'acme', 'x@example.com', '--profile', 'nobody'], '#/profile'],
    [['account', 'create', 'acme', 'x@example.com', '--profile', 'saas', '--quota', '1'], '#/storage'],
    [['account', 'create', 'acme', ''], 'userName'],
    [['account', 'list', 'none'], 'there is no such tenant'],
  ])('says what the admin API refuses, and ends with 1: %j', async (typed, said) => {
    expect(await rollcall(typed)).toEqual({ code: 1, out: '', err: expect.stringContaining(said) });
  });
});

describe('rollcall account import', () => {
  it('follows an import to its end, and ends with 1 where a line failed, which it names', async () => {
    const file = await fileOf(
      'some.csv',
      'userName,givenName,quotaBytes\nf1@example.com,"A, B",1\n,C,\nf1@example.com,D,\nf2@example.com,E,x\n',
    );
    const { code, out, err } = await rollcall(`account import acme ${file}`);
    expect([code, err]).toEqual([1, '4 of 4 lines are done, 3 of them failed.\n']);
    expect(out).toMatch(/^LINE +REASON\n3 +userName.*\n4 +.*taken.*\n5 +quotaBytes.*\n$/);
    expect((await json(['account', 'list', 'acme', '--filter', 'userName eq "f1@example.com"']))[0]).toMatchObject({
      origin: 'import',
      user: { name: { givenName: 'A, B' } },
      storage: { quotaBytes: 1 },
    });
    const again = await rollcall(['account', 'import', 'acme', file, '--json']);
    expect([again.code, JSON.parse(again.out)]).toMatchObject([1, { kind: 'import', status: 'done', total: 4, failed: 4 }]);
  });

  it('ends with 0 where all lines made somebody; can be left alone, and asked how far it is', async () => {
    const whole = await fileOf('whole.csv', 'userName\nw1@example.com\nw2@example.com\n');
    expect(await rollcall(`account import acme ${whole}`)).toEqual({ code: 0, out: '2 of 2 lines are done, 0 of them failed.\n', err: '' });
    const more = await fileOf('more.csv', 'userName\nw3@example.com\n');
    const begun = await rollcall(`account import acme ${more} --detach`);
    const id = /import-status acme (\S+)/.exec(begun.err)?.[1];
    expect([begun.code, begun.out]).toEqual([0, expect.stringContaining(`${id}`)]);
    await until(
      'the import',
      () => json(`account import-status acme ${id}`),
      ({ status }) => status === 'done',
    );
    expect((await rollcall(`account import-status acme ${id}`)).code).toBe(0);
    expect(await rollcall(`account import-status globex ${id}`)).toMatchObject({ code: 1, err: 'rollcall: there is no such import\n' });
  });

  it('that is no CSV of accounts is refused as a whole', async () => {
    for (const [content, said] of [
      ['name\nx\n', 'unknown columns "name"'],
      ['givenName\nx\n', 'userName is required'],
      ['userName\n"x\n', 'uote'],
    ] as const)
      expect(await rollcall(`account import acme ${await fileOf('bad.csv', content)}`)).toEqual({
        code: 1,
        out: '',
        err: expect.stringContaining(said),
      });
  });
});

describe('rollcall account adopt', () => {
  it('says which account a person is; until then status says that somebody must, and ends with 1', async () => {
    const okta = cluster.client('globex');
    const shared = { emails: [{ value: 'shared@example.com', primary: true }] };
    const ids: string[] = [];
    for (const name of ['one', 'two']) ids.push((await okta.create(userBody(name, shared))).body.id);
    for (const id of ids) await okta.delete(id);
    expect((await rollcall('status globex')).code).toBe(0);
    expect((await okta.create(userBody('three', shared))).status).toBe(409);
    const status = await until(
      'status to tell',
      () => rollcall('status globex'),
      ({ code }) => code === 1,
    );
    expect(status.out).toMatch(/\nundecided\n- at .*\n {2}reason +ambiguous\n/);
    for (const id of ids) expect(status.out).toContain(id);

    const adopt = (...words: string[]) => rollcall(['account', 'adopt', 'globex', ids[1]!, ...words]);
    for (const words of [[], ['--user-name', 'a', '--external-id', 'b']])
      expect(await adopt(...words)).toEqual({ code: 2, out: '', err: expect.stringContaining('--user-name or --external-id') });
    expect(await adopt('--user-name', 'three@example.com')).toMatchObject({
      code: 0,
      out: expect.stringMatching(new RegExp(`^id +${ids[1]}\n`)),
    });
    expect((await rollcall('status globex')).code).toBe(0);
    expect((await okta.create(userBody('three', shared))).body.id).toBe(ids[1]);
    expect(await rollcall('account adopt globex nobody --user-name x')).toMatchObject({ code: 1, out: '' });
  });
});

describe('rollcall account separate', () => {
  it('lets in who shares an address with a preserved person; status ends with 0, as nobody waits', async () => {
    const okta = cluster.client('globex');
    const front = { emails: [{ value: 'front@example.com', primary: true }] };
    const { id } = (await okta.create(userBody('front', front))).body;
    expect((await rollcall(`account preserve globex ${id}`)).code).toBe(0);
    expect((await okta.create(userBody('mate', front))).status).toBe(403);
    for (const words of [[], ['--user-name', 'a', '--external-id', 'b']])
      expect(await rollcall(['account', 'separate', 'globex', id, ...words])).toMatchObject({ code: 2, out: '' });
    expect(await rollcall(`account separate globex ${id} --user-name mate@example.com`)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\nseparate\n- userName +mate@example\.com\n/),
    });
    expect((await okta.create(userBody('mate', front))).status).toBe(201);
    // A deleted account of an address that another has: a new one beside it, which is told and keeps nobody out.
    const { id: gone } = (await okta.create(userBody('gone', { emails: [{ value: 'counter@example.com' }] }))).body;
    await okta.create(userBody('stays', { emails: [{ value: 'counter@example.com' }] }));
    await okta.delete(gone);
    expect((await okta.create(userBody('comes', { emails: [{ value: 'counter@example.com' }] }))).status).toBe(201);
    const status = await until(
      'status to tell',
      () => rollcall('status globex'),
      ({ out }) => /\n {2}reason +separated\n/.test(out),
    );
    expect([status.code, status.out.includes(gone)]).toEqual([0, true]);
  });
});

describe('rollcall profile', () => {
  it('makes, lists and removes profiles, but none that is used', async () => {
    expect((await rollcall('profile list globex')).out).toMatch(/^No profiles yet/);
    expect(await json('profile set globex desk endpoint saasApps')).toEqual({ name: 'desk', workloads: ['endpoint', 'saasApps'] });
    expect((await rollcall('profile list globex')).out).toMatch(/^NAME +WORKLOADS\ndesk +endpoint, saasApps\n$/);
    await rollcall('account create globex desk@example.com --profile desk');
    await cluster.quiet();
    expect(await rollcall('profile remove globex desk')).toMatchObject({ code: 1, err: expect.stringContaining('used by 1') });
    await rollcall('profile set globex none');
    expect(await rollcall('profile remove globex none')).toEqual({ code: 0, out: 'none is removed.\n', err: '' });
  });
});

describe('rollcall source', () => {
  it('says where people come from, and lists and counts what is in the way of SCIM', async () => {
    const admin = adminOf(cluster);
    expect(await rollcall('source show sourced')).toEqual({ code: 0, out: 'source  scim\n', err: '' });
    expect(await rollcall('source set sourced directory')).toEqual({ code: 0, out: 'source  directory\n', err: '' });
    await admin('PUT /tenants/sourced/directory/accounts/main', { kind: 'ad' });
    await admin('PUT /tenants/sourced/directory/accounts/branch', { kind: 'ldap' });
    const refused = await rollcall('source set sourced scim');
    expect(refused).toEqual({
      code: 1,
      out: expect.stringMatching(/^KIND +COUNT +EXAMPLES\ndirectoryAccount +2 +main, branch\n$/),
      err: 'rollcall: the directory is still in use: see blockers\n',
    });
    const asJson = await rollcall('source set sourced scim --json');
    expect([asJson.code, JSON.parse(asJson.out)]).toEqual([1, [{ kind: 'directoryAccount', count: 2, examples: ['main', 'branch'] }]]);
    for (const name of ['main', 'branch']) await admin(`DELETE /tenants/sourced/directory/accounts/${name}`);
    expect((await rollcall('source set sourced scim')).code).toBe(0);
    expect(await rollcall('source set sourced paper')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('#/source') });
    expect(await rollcall('source set sourced')).toMatchObject({ code: 2, err: expect.stringContaining('source is missing') });
  });
});

describe('rollcall mapping', () => {
  it('says whom other rules would move, saves them for those who come, and with --all moves those who are there', async () => {
    const okta = cluster.client('mapped');
    const { id } = (await okta.create(userBody('eve', { title: 'Engineer' }))).body;
    await cluster.quiet();
    const rules = { rules: [{ name: 'engineers', filter: 'title eq "Engineer"', profile: 'office' }], default: { profile: 'saas' } };
    const file = await fileOf('mappings.json', JSON.stringify(rules));
    expect(await json(`mapping dry-run mapped ${file}`)).toEqual({
      count: 1,
      accounts: [{ id, userName: 'eve@example.com', to: 'office' }],
    });
    expect(await rollcall(`mapping dry-run mapped ${file}`)).toMatchObject({ code: 0, out: expect.stringMatching(/^count +1\n/) });
    expect((await json('mapping show mapped')).rules).toEqual([]);

    expect((await rollcall(`mapping set mapped ${file}`)).code).toBe(0);
    expect(await json('mapping show mapped')).toEqual(rules);
    expect((await rollcall('mapping show mapped')).out).toMatch(
      /^rules\n- profile +office\n {2}name +engineers\n {2}filter +.*\ndefault\n {2}profile +saas\n$/,
    );
    expect((await json(`account show mapped ${id}`)).profile).toBeUndefined();
    const came = (await okta.create(userBody('later'))).body;
    expect((await json(`account show mapped ${came.id}`)).profile).toBe('saas');

    await cluster.quiet();
    // It follows the job to its end: whoever was there is moved when it ends.
    expect(await rollcall(`mapping set mapped ${file} --all`)).toEqual({
      code: 0,
      out: expect.stringMatching(/^2 of 2 accounts are done, 0 of them failed\.\n$/),
      err: '',
    });
    expect((await json(`account show mapped ${id}`)).profile).toBe('office');
  });

  it('need not be waited for, and can be asked how far it is', async () => {
    const other = await fileOf('other.json', JSON.stringify({ default: { profile: 'saas' } }));
    const begun = await rollcall(`mapping set mapped ${other} --all --detach`);
    const id = /job-status mapped (\S+)/.exec(begun.err)?.[1];
    expect([begun.code, begun.out]).toEqual([0, expect.stringMatching(new RegExp(`^id +${id}\nkind +mappings\nstatus +running\n`))]);
    const job = await until(
      'the job',
      () => json(`mapping job-status mapped ${id}`),
      ({ status }) => status === 'done',
    );
    expect(job).toMatchObject({ id, kind: 'mappings', total: 2, done: 2, failed: 0 });
    expect(await rollcall(`mapping job-status mapped ${id}`)).toMatchObject({ code: 0, out: expect.stringContaining('2 of 2 accounts') });
    expect(await rollcall(`mapping job-status acme ${id}`)).toMatchObject({ code: 1, err: 'rollcall: there is no such job\n' });
    expect(await json('account list mapped')).toMatchObject([{ profile: 'saas' }, { profile: 'saas' }]);
  });

  it('refuses rules that are none, and keeps those that are there', async () => {
    const before = await json('mapping show mapped');
    const unknown = await fileOf('unknown.json', '{"rules":[{"name":"a","filter":"title eq \\"x\\"","profile":"nobody"}]}');
    expect(await rollcall(`mapping set mapped ${unknown}`)).toMatchObject({ code: 1, err: expect.stringContaining('nobody') });
    const filter = await fileOf('filter.json', '{"rules":[{"name":"a","filter":"title xx","profile":"office"}]}');
    expect(await rollcall(`mapping dry-run mapped ${filter}`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('#/rules/0/filter: rule "a": '),
    });
    expect(await rollcall(`mapping set mapped ${await fileOf('none.json', '{')}`)).toMatchObject({ code: 2, out: '' });
    expect(await rollcall('mapping set mapped /nowhere/file.json')).toMatchObject({ code: 2, out: '' });
    expect(await rollcall('mapping set mapped')).toMatchObject({ code: 2, err: expect.stringContaining('file is missing') });
    expect(await rollcall('mapping show none')).toMatchObject({ code: 1, err: 'rollcall: there is no such tenant\n' });
    expect(await json('mapping show mapped')).toEqual(before);
  });
});
