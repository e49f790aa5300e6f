// Goal: what one tenant asks MongoDB for is paid for by that tenant: others' lists, and everybody's leavers, are served meanwhile.
import { BULK_REQUEST_URN } from '@rollcall/scim';
import { startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

const LISTS = 3;
const FLOOD = 40;

// Twelve slow searches of one tenant at once made another tenant's lists 20 times slower, and leavers wait.
describe('slow searches of one tenant, sent all at once', () => {
  it('run a few at a time; the rest is 429, and another tenant’s list and every leaver are served', async () => {
    const env = { TENANT_LISTS_MAX: String(LISTS), MONGO_TIMEOUT_MS: '3000', REQUEST_DEADLINE_MS: '2000' };
    await using cluster = await startCluster({ tenants: ['flood', 'other'], env });
    const [flood, other] = [cluster.client('flood'), cluster.client('other')];
    for (let n = 0; n < 40; n += 1) await flood.create(userBody(`t${n}`, { title: 'a'.repeat(20_000) }));
    const [leaver, mine] = [await other.create(userBody('leaver')), await flood.create(userBody('mine'))];
    await cluster.quiet();

    const slow = `title co "${'a'.repeat(500)}b"`;
    let ended = 0;
    const searches = Array.from({ length: FLOOD }, () =>
      flood.find(slow).finally(() => {
        ended += 1;
      }),
    );
    const searching = async (): Promise<number> => {
      const { inprog } = await cluster.db.admin().command({ currentOp: 1, active: true, ns: `${cluster.db.databaseName}.accounts` });
      return inprog.filter(({ command }: { command: unknown }) => JSON.stringify(command).includes('aaaaaaaa')).length;
    };
    // Each list asks MongoDB two things at once: how many, and which.
    const seen = [await until('slow searches in MongoDB', searching)];
    const watching = (async () => {
      while (ended < FLOOD) seen.push(await searching());
    })();

    const listed = await other.list();
    expect(listed).toMatchObject({ status: 200, body: { totalResults: 1 } });
    const inactive = patchBody({ op: 'replace', path: 'active', value: false });
    expect((await other.patch(leaver.body.id, inactive)).status).toBe(200);
    expect((await flood.delete(mine.body.id)).status).toBe(204);
    expect((await flood.find(`userName eq "t1@example.com"`)).status).toBe(200);
    expect(ended).toBeLessThan(FLOOD);

    const answers = await Promise.all(searches);
    await watching;
    expect(Math.max(...seen)).toBeLessThanOrEqual(LISTS * 2);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused[0]).toMatchObject({ headers: { 'retry-after': '1' }, body: { detail: expect.stringContaining('lists and searches') } });
    expect(answers.filter(({ status }) => ![200, 400, 429].includes(status))).toEqual([]);
    // All slots are free again.
    expect((await flood.list('count=1')).status).toBe(200);
  });
});

describe('Bulk requests of one tenant, sent all at once', () => {
  it('are carried out a few at a time, and none is lost', async () => {
    await using cluster = await startCluster({ tenants: ['acme'], env: { TENANT_BULKS_MAX: '1', REQUEST_DEADLINE_MS: '8000' } });
    const scim = cluster.client('acme');
    const bulk = (n: number) => ({
      schemas: [BULK_REQUEST_URN],
      Operations: Array.from({ length: 20 }, (_, i) => ({ method: 'POST', path: '/Users', bulkId: `b${i}`, data: userBody(`b${n}-${i}`) })),
    });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => scim.request('POST', '/Bulk', bulk(n))));
    const done = answers.filter(({ status }) => status === 200);
    expect(answers.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
    expect(done.length).toBeGreaterThan(0);
    expect((await scim.list('count=0')).body.totalResults).toBe(done.length * 20);
  });
});
