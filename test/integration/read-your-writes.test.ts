import { type Answer, inParallel } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

const count = (answers: readonly Answer[]) => {
  const statuses: Record<number, number> = {};
  for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  return statuses;
};

describe('with no worker running', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    // A hundred writes of one resource wait for each other: on a busy machine that takes longer than a client is kept waiting by default.
    cluster = await startCluster({ workers: 0, ingests: 2, env: { REQUEST_DEADLINE_MS: '8000' } });
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it('GET, list and filter show what was just written', async () => {
    const okta = cluster.client('acme');
    const ada = await okta.create(userBody('ada'));
    expect(ada.status).toBe(201);
    const { id } = ada.body;
    expect((await okta.get(id)).body).toEqual(ada.body);
    expect((await okta.list()).body.Resources).toContainEqual(ada.body);
    for (const filter of [
      'userName eq "ADA@example.com"',
      'externalId eq "00uada"',
      `id eq "${id}"`,
      'emails.value eq "ada@example.com"',
      'emails[type eq "work"].value sw "ada@" and active eq true',
    ]) {
      expect({ filter, body: (await okta.find(filter)).body }).toMatchObject({ filter, body: { totalResults: 1, Resources: [{ id }] } });
    }

    const patched = await okta.patch(id, patchBody({ op: 'replace', path: 'name.familyName', value: 'Lovelace' }));
    expect(patched).toMatchObject({ status: 200, body: { name: { familyName: 'Lovelace' } } });
    expect((await okta.get(id)).body).toEqual(patched.body);
    expect((await okta.find('name.familyName eq "lovelace"')).body.Resources).toEqual([patched.body]);

    const renamed = await okta.replace(id, { ...userBody('ada'), userName: 'countess@example.com' });
    expect(renamed.status).toBe(200);
    expect((await okta.find('userName eq "ada@example.com"')).body.totalResults).toBe(0);
    expect((await okta.find('userName eq "countess@example.com"')).body.totalResults).toBe(1);

    expect((await okta.delete(id)).status).toBe(204);
    expect((await okta.get(id)).status).toBe(404);
    expect((await okta.find('userName eq "countess@example.com"')).body.totalResults).toBe(0);
    expect((await okta.list()).body.totalResults).toBe(0);
  });

  it('a second ingest shows it at once, too', async () => {
    const ada = await cluster.client('acme', 0).create(userBody('elsewhere'));
    expect((await cluster.client('acme', 1).get(ada.body.id)).body.userName).toBe('elsewhere@example.com');
    expect((await cluster.client('acme', 1).find('userName eq "elsewhere@example.com"')).body.totalResults).toBe(1);
  });

  it('200 concurrent POSTs of one userName over two ingests: one 201, 199 times 409', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => cluster.client('acme', n % 2).create(userBody('twin'))));
    expect(count(answers)).toEqual({ 201: 1, 409: 199 });
    expect(answers.find(({ status }) => status === 409)?.body.scimType).toBe('uniqueness');
    expect((await cluster.client('acme').find('userName eq "twin@example.com"')).body.totalResults).toBe(1);
  });

  it('100 concurrent PATCHes of one user in one ingest all take effect', async () => {
    const okta = cluster.client('acme');
    const { id } = (await okta.create(userBody('busy'))).body;
    const numbers = Array.from({ length: 100 }, (_, n) => `+1 555 ${n}`);
    const answers = await Promise.all(
      numbers.map((value) => okta.patch(id, patchBody({ op: 'add', path: 'phoneNumbers', value: [{ value, type: 'work' }] }))),
    );
    expect(count(answers)).toEqual({ 200: 100 });
    const phones = (await okta.get(id)).body.phoneNumbers.map(({ value }: { value: string }) => value);
    expect(phones.sort()).toEqual([...numbers].sort());
  });

  it('100 concurrent PATCHes of one user over two ingests take effect or answer 503 with Retry-After; none is lost', async () => {
    const { id } = (await cluster.client('acme').create(userBody('busier'))).body;
    const numbers = Array.from({ length: 100 }, (_, n) => `+2 555 ${n}`);
    const answers = await Promise.all(
      numbers.map((value, n) =>
        cluster.client('acme', n % 2).patch(id, patchBody({ op: 'add', path: 'phoneNumbers', value: [{ value, type: 'work' }] })),
      ),
    );
    for (const answer of answers) {
      expect([200, 503]).toContain(answer.status);
      if (answer.status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    const told = numbers.filter((_, n) => answers[n]?.status === 200);
    const phones = (await cluster.client('acme').get(id)).body.phoneNumbers.map(({ value }: { value: string }) => value);
    expect(phones.sort()).toEqual(told.sort());
    expect(told.length).toBeGreaterThan(0);
  });

  it('tenants never see each other', async () => {
    const [acme, globex] = [cluster.client('acme'), cluster.client('globex')];
    const ours = await acme.create(userBody('secret'));
    expect((await globex.create(userBody('secret'))).status).toBe(201);
    const unknown = await globex.get('019a0000-0000-7000-8000-000000000000');
    for (const answer of [
      await globex.get(ours.body.id),
      await globex.replace(ours.body.id, userBody('mine')),
      await globex.patch(ours.body.id, patchBody({ op: 'replace', path: 'active', value: false })),
      await globex.delete(ours.body.id),
    ]) {
      expect(answer.status).toBe(404);
      expect(answer.body.detail.replace(ours.body.id, 'ID')).toBe(
        unknown.body.detail.replace('019a0000-0000-7000-8000-000000000000', 'ID'),
      );
    }
    const seen = await globex.list('count=200');
    expect(seen.body.Resources.map(({ userName }: { userName: string }) => userName)).toEqual(['secret@example.com']);
    expect((await globex.find(`id eq "${ours.body.id}"`)).body.totalResults).toBe(0);
    expect((await acme.get(ours.body.id)).body).toEqual(ours.body);
  });

  it('pages hold everybody once, in the order of creation', async () => {
    const globex = cluster.client('globex');
    const made = await inParallel(Array.from({ length: 57 }), 8, (_, n) => globex.create(userBody(`page${n}`)));
    expect(count(made)).toEqual({ 201: 57 });
    const seen: string[] = [];
    for (let start = 1; ; start += 10) {
      const page = (await globex.list(`startIndex=${start}&count=10&filter=${encodeURIComponent('userName sw "page"')}`)).body;
      expect(page.totalResults).toBe(57);
      seen.push(...(page.Resources ?? []).map(({ id }: { id: string }) => id));
      if (start + 10 > 57) break;
    }
    const born = made.map(({ body }) => ({ id: body.id, version: Number(/\d+/.exec(body.meta.version)?.[0]) }));
    expect(seen).toEqual(born.sort((a, b) => a.version - b.version).map(({ id }) => id));
  });
});
