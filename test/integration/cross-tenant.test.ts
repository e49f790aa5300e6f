import { GROUP_URN, seeded } from '@rollcall/scim';
import { type Attack, adminAttack, FILTERS, type Own, scimAttack } from '../support/attacks.js';
import { Client, inParallel } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { type Known, type Marked, markTenant } from '../support/marked-tenant.js';
import { differences, type State, stateOf } from '../support/state.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(180_000);

const [BY_SCIM, BY_ADMIN] = [9_000, 1_500];
const LANES = 16;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;

interface Answered {
  readonly status: number;
  /** Headers and body, as they came. */
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came, and says what it expects
  readonly body: any;
}

// Goal: whatever a tenant sends, it sees nothing of another, and changes nothing there.
// Method: two tenants full of marks; a third sends requests made at random of what it could know of them. Both stores are compared before and after.
describe('10,000 requests of a tenant that is after the data of others', () => {
  let cluster: Cluster;
  let client: Client;
  let own: Own;
  let others: Marked[];
  let before: State[];
  /** Ids that the attacker wrote into data of its own, and may see there. */
  const written = new Set<string>();

  beforeAll(async () => {
    // A busy machine decides nothing here: a 503 for want of time would prove nothing.
    const env = {
      SIGN_IN_FAILURES_MAX: '100000',
      REQUEST_DEADLINE_MS: '20000',
      REQUEST_TIMEOUT_MS: '22000',
      MONGO_TIMEOUT_MS: '20000',
      LOG_LEVEL: 'warn',
    };
    cluster = await startCluster({ tenants: ['acme', 'globex', 'initech'], env });
    client = cluster.client('acme');
    others = [await markTenant(cluster, 'globex'), await markTenant(cluster, 'initech')];
    own = await attacker();
    before = await Promise.all(others.map(({ tenant }) => stateOf(cluster, tenant)));
  }, 90_000);
  afterAll(async () => {
    client?.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  it('hold nothing of another tenant, are no 5xx, and change nothing there', async () => {
    const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
    const random = seeded(seed);
    const attacks = Array.from({ length: BY_SCIM + BY_ADMIN }, (_, n) => {
      const of = others[n % others.length]!;
      return n % ((BY_SCIM + BY_ADMIN) / BY_ADMIN) === 0
        ? { ...adminAttack(of, own, random, n), byAdmin: true }
        : { ...scimAttack(of, own, random, n), byAdmin: false };
    });
    const faults: object[] = [];
    const kinds = new Map<string, number>();
    await inParallel(attacks, LANES, async (attack) => {
      const answer = await send(attack, attack.byAdmin);
      kinds.set(attack.kind, (kinds.get(attack.kind) ?? 0) + 1);
      const wrong = faultOf(attack, answer);
      if (wrong) faults.push({ wrong, attack, status: answer.status, text: answer.text.slice(0, 500) });
    });
    expect({ seed, faults: faults.slice(0, 5), count: faults.length }).toEqual({ seed, faults: [], count: 0 });
    process.stderr.write(`${attacks.length} requests of ${kinds.size} kinds, 0 hits (SEED=${seed})\n`);

    await cluster.quiet();
    for (const [at, { tenant }] of others.entries()) {
      const after = await stateOf(cluster, tenant);
      expect({ seed, tenant, counts: after.counts, changed: differences(before[at]!, after) }).toEqual({
        ...{ seed, tenant, counts: before[at]!.counts, changed: [] },
      });
    }
  });

  it('would have been hits: the owner’s own token finds what every filter asks for, and the marks in it', async () => {
    for (const of of others) {
      const owner = new Client(client.baseUrl, of.token);
      for (const filter of FILTERS)
        for (const path of ['/Users', '/Groups'] as const) {
          const text = filter(of.users[0]!, of.groups[0]!, path);
          if (text === undefined) continue;
          const found = answered(await owner.request('GET', `${path}?filter=${encodeURIComponent(text)}`));
          expect([text, found.status, found.body.totalResults > 0]).toEqual([text, 200, true]);
          expect(hitsOf('', found)).not.toEqual([]);
        }
      const { status } = await owner.get(of.users[0]!.id);
      expect(status).toBe(200);
      owner.close();
    }
  });

  it('would have been seen: one change by the owner changes the state that is compared', async () => {
    const [of] = others;
    const owner = new Client(client.baseUrl, of!.token);
    await owner.patch(of!.users[0]!.id, patchBody({ op: 'replace', path: 'active', value: false }));
    await cluster.quiet();
    const changed = differences(before[0]!, await stateOf(cluster, of!.tenant));
    expect(changed).toEqual(
      expect.arrayContaining([`accounts/${of!.users[0]!.id}`, expect.stringMatching(/^history\//), expect.stringMatching(/^redis r\//)]),
    );
    owner.close();
  });

  /** The tenant that attacks, with some people and groups of its own. */
  async function attacker(): Promise<Own> {
    const users: Known[] = [];
    const groups: Known[] = [];
    for (let n = 0; n < 8; n += 1) {
      const { body, headers } = await client.create(userBody(`own${n}`));
      users.push({ id: body.id, name: `own${n}`, etag: String(headers.etag) });
    }
    for (let n = 0; n < 3; n += 1) {
      const members = users.slice(n).map(({ id }) => ({ value: id }));
      const { body, headers } = await client.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: `own ${n}`, members });
      groups.push({ id: body.id, name: `own ${n}`, etag: String(headers.etag) });
    }
    await cluster.quiet();
    return { tenant: 'acme', token: cluster.token('acme'), users, groups };
  }

  async function send({ method, path, body, headers = {} }: Attack, byAdmin: boolean): Promise<Answered> {
    const request = JSON.stringify([path, body]);
    if (others.some(({ mark }) => request.includes(mark))) throw new Error('the attacker was told a mark');
    if (byAdmin) return byOperator(method, path, body, headers);
    if (method !== 'GET') for (const [id] of request.matchAll(UUID)) written.add(id.toLowerCase());
    const sent = typeof body === 'string' ? { raw: body } : {};
    return answered(await client.request(method, path, body, { ...sent, headers, timeout_ms: 30_000 }));
  }

  async function byOperator(method: string, path: string, body: unknown, headers: Readonly<Record<string, string>>): Promise<Answered> {
    const answer = await fetch(`${cluster.worker.url}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    const isJson = answer.headers.get('content-type')?.includes('json') === true && text !== '';
    return { status: answer.status, text: JSON.stringify([...answer.headers]) + text, body: isJson ? JSON.parse(text) : text };
  }

  /** What is wrong with an answer; undefined: nothing. */
  function faultOf(attack: Attack, answer: Answered): string | undefined {
    const hits = hitsOf(JSON.stringify([attack.path, attack.body, attack.headers]), answer);
    if (hits.length > 0) return `a hit: ${hits.join(', ')}`;
    if (answer.status >= 500 && answer.status !== 501) return 'it broke something';
    if (attack.expect && !attack.expect.includes(answer.status)) return `expected ${attack.expect.join(' or ')}`;
    if (attack.isEmpty && !isEmpty(answer)) return 'found something';
    return undefined;
  }

  /** What an answer holds of another tenant: a mark, an id that nobody was told, or one that was neither in the request nor written before. */
  function hitsOf(request: string, { text }: Answered): string[] {
    const asked = request.toLowerCase();
    const ids = [...text.matchAll(UUID)].map(([id]) => id.toLowerCase());
    return others.flatMap(({ mark, hidden, users, groups }) => {
      const told = new Set([...users, ...groups].map(({ id }) => id));
      const held = ids.filter((id) => hidden.has(id) || (told.has(id) && !asked.includes(id) && !written.has(id)));
      return text.includes(mark) ? [mark, ...held] : held;
    });
  }
});

const answered = ({ status, headers, text, body }: Awaited<ReturnType<Client['request']>>): Answered => ({
  ...{ status, body },
  text: JSON.stringify(headers) + text,
});

function isEmpty({ status, body }: Answered): boolean {
  if (status !== 200) return false;
  if (typeof body === 'string') return body.trim().split('\n').length === 1; // CSV: its head alone
  return 'items' in body ? body.items.length === 0 : body.totalResults === 0 && (body.Resources ?? []).length === 0;
}
