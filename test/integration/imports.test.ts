import { connect } from 'node:net';
import { adminOf } from '../support/admin.js';
import { checkAll, type Told } from '../support/check.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';

jest.setTimeout(180_000);

/** Begins an import. @returns its id */
async function begin({ worker, operatorToken }: Cluster, tenant: string, csv: string): Promise<string> {
  const answer = await fetch(`${worker.url}/admin/v1/tenants/${tenant}/imports`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${operatorToken}`, 'Content-Type': 'text/csv' },
    body: csv,
  });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: string }).id;
}

/** Every tenth line is faulty, each in another way; the others make somebody. */
const FAULTS: readonly (readonly [line: (n: number) => string, reason: string])[] = [
  [() => ',Nobody,,', 'userName'],
  [(n) => `i${n}@example.com,Ada,,lots`, 'quotaBytes'],
  [() => 'i1@example.com,Twin,,', 'taken'],
  [(n) => `i${n}@example.com,Ada,nowhere,`, 'profile'],
];
const faultOf = (n: number) => (n % 10 === 0 ? FAULTS[(n / 10) % FAULTS.length] : undefined);

// The key was compared with the length of the body alone: another file of that length, or any in pieces, was taken for the first and lost.
describe('an import under an Idempotency-Key', () => {
  it('is done once; the same file again is answered as the first time, and another is 422, whole or in pieces', async () => {
    await using cluster = await startCluster({ tenants: ['acme'] });
    const send = async (csv: string, { chunked = false, key = 'k1' } = {}) => {
      const answer = await fetch(`${cluster.worker.url}/admin/v1/tenants/acme/imports`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'text/csv; charset=UTF-8', 'Idempotency-Key': key },
        body: chunked ? new Blob([csv]).stream() : csv,
        ...(chunked ? { duplex: 'half' } : {}),
      });
      return { status: answer.status, replayed: answer.headers.get('idempotency-replayed'), body: (await answer.json()) as { id: string } };
    };
    const [one, other] = ['userName\nada1@example.com\n', 'userName\nbob2@example.com\n'];
    const first = await send(one);
    expect([first.status, first.replayed]).toEqual([202, null]);
    for (const chunked of [false, true]) {
      expect(await send(one, { chunked })).toEqual({ status: 202, replayed: 'true', body: first.body });
      expect(await send(other, { chunked })).toMatchObject({ status: 422, body: { detail: expect.stringContaining('Idempotency-Key') } });
    }
    // Its lines wait for nobody.
    expect(await cluster.db.collection('jobLines').countDocuments({ job: { $ne: first.body.id } })).toBe(0);
    // What was refused is kept for nobody.
    expect((await send('', { key: 'k2' })).status).toBe(400);
    const second = await send(other, { chunked: true, key: 'k2' });
    expect([second.status, second.replayed]).toEqual([202, null]);
    for (const { body } of [first, second])
      await until(
        'the import',
        async () => (await adminOf(cluster)(`GET /tenants/acme/imports/${body.id}`)).body,
        ({ status }) => status === 'done',
      );
    expect((await adminOf(cluster)('GET /tenants/acme/accounts')).body.items).toMatchObject([
      { userName: 'ada1@example.com' },
      { userName: 'bob2@example.com' },
    ]);
  });
});

// After an import that was refused before its end, the next request on the connection was answered 408 after 24 s, or not at all.
describe('an import that is refused before its end', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme'], ingests: 0, env: { IMPORT_BYTES_MAX: '4000000' } });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it.each([
    ['an unknown column', () => `nope\n${'x\n'.repeat(1_000_000)}`, 400],
    ['a quote without an end', () => `userName\n"${'x'.repeat(2_000_000)}`, 400],
    ['a size above IMPORT_BYTES_MAX', () => `userName\n${'x@y.z\n'.repeat(800_000)}`, 413],
    ['another encoding', () => `userName\nzo\xeb\n${'x\n'.repeat(1_000_000)}`, 400],
  ])('for %s leaves the connection to the next request', async (_, content, status) => {
    const { hostname, port, host } = new URL(cluster.worker.url);
    const body = Buffer.from(content(), 'latin1');
    const head = [
      'POST /admin/v1/tenants/acme/imports HTTP/1.1',
      `Host: ${host}`,
      `Authorization: Bearer ${cluster.operatorToken}`,
      'Content-Type: text/csv',
      `Content-Length: ${body.length}`,
    ];
    const socket = connect(Number(port), hostname);
    try {
      let answered = '';
      socket.setEncoding('latin1').on('data', (text) => {
        answered += text;
      });
      socket.on('error', () => undefined); // what was answered by then is judged below
      socket.write(`${head.join('\r\n')}\r\n\r\n`);
      socket.write(body);
      socket.write(`GET /healthz HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const statuses = () => [...answered.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, code]) => Number(code));
      expect(await until('both answers', statuses, ({ length }) => length === 2)).toEqual([status, 200]);
      expect(await cluster.db.collection('jobLines').countDocuments({})).toBe(0);
    } finally {
      socket.destroy();
    }
  });

  it('in pieces, without a length, for its size is 413', async () => {
    const answer = await fetch(`${cluster.worker.url}/admin/v1/tenants/acme/imports`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'text/csv' },
      body: new Blob([`userName\n${`${'x'.repeat(5_000)}\n`.repeat(1_000)}`]).stream(),
      duplex: 'half',
    } as RequestInit);
    expect([answer.status, await answer.json()]).toEqual([
      413,
      expect.objectContaining({ detail: expect.stringContaining('at most 4000000 bytes') }),
    ]);
    expect(await cluster.db.collection('jobLines').countDocuments({})).toBe(0);
  });
});

// Goal: a restarted import goes on; each line is whole or not at all, and none is applied twice.
// Method: the fault point before line 350 kills the worker (SIGKILL), so that half of a part is done and not counted; another goes on.
it('an import whose worker is killed in the middle goes on with the next: each line once, each error kept, all counted', async () => {
  const [lines, killedAt] = [600, 350];
  await using cluster = await startCluster({ tenants: ['acme'], faults: { worker: { 'before line': { kill: killedAt } } } });
  const id = await beginLines(cluster, lines);
  await cluster.worker.ended();
  await cluster.worker.kill();
  const before = await cluster.db.collection<{ _id: string }>('jobs').findOne({ _id: id });
  expect(before).toMatchObject({ status: 'running', total: lines, done: 300, failed: 30, next: 301 });

  await cluster.worker.start({ ROLLCALL_FAULTS: '{}' });
  const { good, accounts } = await ended(cluster, id, lines);
  // Whole: what the line said of the person and of the storage came together.
  for (const { nameKey, attributes, account } of accounts) {
    expect(attributes.name).toEqual({ givenName: 'Ada' });
    expect(`i${account.storage.quotaBytes}@example.com`).toBe(nameKey);
  }
  // Once: one line of the history for each line of the file, which is that of the version that is there.
  const history = await cluster.db.collection('history').find({ tenant: 'acme' }).toArray();
  const requests = new Map(history.map(({ id: account, version, line }) => [line.request, { id: account, version }]));
  expect([history.length, requests.size]).toEqual([good.length, good.length]);
  const told = good.map((n) => requests.get(`import/${id}/${n}`) as Told);
  expect(new Map(accounts.map(({ _id, version }) => [String(_id), version]))).toEqual(new Map(told.map((each) => [each.id, each.version])));
  await checkAll(cluster, 'acme', told);
  // Nothing of the file stays behind.
  expect(await cluster.db.collection('jobLines').countDocuments({})).toBe(0);
});

// Goal: where two workers come to have the same part at once, each line is still done once, and counted once.
// Method: the lease of the job is taken from whoever has it again and again, so that both work at the same part at the same time; then it is left alone.
it('two workers that get the same part of an import at once make nobody twice, and all is counted once', async () => {
  await using cluster = await startCluster({ tenants: ['acme'], workers: 2, faults: { worker: { 'before line': { delay: 1 } } } });
  const lines = 200;
  const id = await beginLines(cluster, lines);
  const jobs = cluster.db.collection<{ _id: string }>('jobs');
  const made = async () =>
    Promise.all(
      cluster.workers.map(async ({ url }) => {
        const text = await (await fetch(`${url}/metrics`)).text();
        return Number(/^rollcall_accepted_total\{[^}]*operation="make"[^}]*\} (\d+)$/m.exec(text)?.[1] ?? 0);
      }),
    );
  await until(
    'both to have made somebody',
    async () => {
      await jobs.updateOne({ _id: id }, { $set: { leaseUntil: new Date(0) } });
      return made();
    },
    (counts) => counts.every((count) => count > 0),
    30_000,
  );
  const { good } = await ended(cluster, id, lines);
  const history = await cluster.db.collection('history').find({ tenant: 'acme' }).toArray();
  expect(history.map(({ line }) => line.request).sort()).toEqual(good.map((n) => `import/${id}/${n}`).sort());
  await checkAll(cluster, 'acme', []);
  expect(await cluster.db.collection('jobLines').countDocuments({})).toBe(0);
});

/** Begins an import of so many lines, every tenth of which is wrong. */
const beginLines = (cluster: Cluster, lines: number) => {
  const csv = Array.from({ length: lines }, (_, i) => faultOf(i + 1)?.[0](i + 1) ?? `i${i + 1}@example.com,Ada,,${i + 1}`);
  return begin(cluster, 'acme', `userName,givenName,profile,quotaBytes\n${csv.join('\n')}\n`);
};

/** Waits for its end: all lines are counted, the wrong ones named, and each good one has made an account. @returns these, with their lines */
async function ended(cluster: Cluster, id: string, lines: number) {
  const done = await until(
    'the import',
    async () => (await adminOf(cluster)(`GET /tenants/acme/imports/${id}`)).body,
    ({ status }) => status === 'done',
    90_000,
  );
  const faulty = Array.from({ length: lines / 10 }, (_, i) => 10 * (i + 1));
  expect(done).toMatchObject({ total: lines, done: lines, failed: faulty.length });
  expect(done.failures).toEqual(faulty.map((line) => ({ line: line + 1, reason: expect.stringContaining(faultOf(line)![1]) })));
  await cluster.quiet();

  const good = Array.from({ length: lines }, (_, i) => i + 1).filter((n) => !faultOf(n));
  const accounts = await cluster.db.collection('accounts').find({ tenant: 'acme' }).toArray();
  expect(accounts.map(({ nameKey }) => nameKey).sort()).toEqual(good.map((n) => `i${n}@example.com`).sort());
  return { good, accounts };
}
