import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { type Admin, adminOf } from '../support/admin.js';
import { type Client, inParallel } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { difference, EMPTY, live, lookedAt, type World } from '../support/lives/live.js';
import { endsOf, look, shownByScim } from '../support/lives/over-http.js';
import { about, type Step, steps } from '../support/lives/requests.js';
import { KINDS, MAPPINGS, PROFILES, rulesOf, type Titles } from '../support/lives/tenants.js';

jest.setTimeout(1_800_000);

const SEQUENCES = Number(process.env.SEQUENCES ?? 1_500);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const STEPS_MAX = 8;
/** Lives that are led at the same time. */
const LANES = 16;
/** One in so many requests is followed by a look at all accounts of the life. */
const LOOKS = 8;

// Goal: what the small model says of accounts is what becomes of them over HTTP, in Redis and in MongoDB.
// Method: many lives at once, in tenants of each kind of settings, at two ingests and a worker that applies meanwhile; every answer is the model's, and
// so is every account: at the end of its life and now and then before by SCIM and the admin API, and once all is quiet in MongoDB, with its history.
describe('sequences of assign, update, deactivate, delete, preserve, reactivate, adopt, with retries, many at a time', () => {
  const tenants = KINDS.map((_, number) => `kind-${number}`);
  const worlds = new Map<string, World[]>(tenants.map((tenant) => [tenant, []]));
  let cluster: Cluster;
  let admin: Admin;
  let clients: Map<string, Client[]>;

  beforeAll(async () => {
    // A busy machine decides nothing here: a 503 for want of time would prove nothing.
    const env = { REQUEST_DEADLINE_MS: '20000', REQUEST_TIMEOUT_MS: '22000', MONGO_TIMEOUT_MS: '20000', LOG_LEVEL: 'warn' };
    cluster = await startCluster({ tenants, ingests: 2, env });
    admin = adminOf(cluster);
    clients = new Map(tenants.map((tenant) => [tenant, [0, 1].map((ingest) => cluster.client(tenant, ingest))]));
    for (const [at, tenant] of tenants.entries()) await settle(tenant, KINDS[at]!);
  }, 120_000);
  afterAll(async () => {
    for (const each of [...clients.values()].flat()) each.close();
    await cluster?.[Symbol.asyncDispose]();
  });

  it('are answered as the model says, and leave what it says', async () => {
    const lives = fc.sample(steps(STEPS_MAX), { numRuns: SEQUENCES, seed: SEED });
    const wrong: string[] = [];
    await inParallel(lives, LANES, async (life, number) => {
      if (wrong.length >= WRONG_MAX) return;
      const at = number % tenants.length;
      await lead(tenants[at]!, at, life, number).catch((error: Error) => wrong.push(`SEED=${SEED}, life ${number}: ${error.message}`));
    });
    expect(wrong).toEqual([]);
    process.stderr.write(`${SEQUENCES} sequences (SEED=${SEED})\n`);
  });

  it('leave each account once in MongoDB, as the model says, and each of its versions once in the history', async () => {
    await cluster.quiet(120_000);
    for (const tenant of tenants) await checkStored(tenant, worlds.get(tenant)!);
  });

  async function settle(tenant: string, { mappings, ...settings }: (typeof KINDS)[number]): Promise<void> {
    const titles: Titles | undefined = MAPPINGS[mappings];
    const done = [
      await admin(`PATCH /tenants/${tenant}`, { settings }),
      ...(await Promise.all(
        Object.entries(PROFILES).map(([name, workloads]) => admin(`PUT /tenants/${tenant}/profiles/${name}`, { workloads })),
      )),
      ...(titles ? [await admin(`PUT /tenants/${tenant}/mappings`, rulesOf(titles))] : []),
    ];
    expect(new Set(done.map(({ status }) => status))).toEqual(new Set([200]));
  }

  async function lead(tenant: string, at: number, life: readonly Step[], number: number): Promise<void> {
    const mine = life.map((step) => about(String(number), step));
    let world = EMPTY;
    const ends = endsOf({ tenant, clients: clients.get(tenant)!, admin, life: String(number) });
    let turn = number;
    for await (world of live(KINDS[at]!, mine, ends)) if (turn++ % LOOKS === 0) await check(tenant, world);
    await check(tenant, world);
    worlds.get(tenant)!.push(world);
  }

  async function check(tenant: string, world: World): Promise<void> {
    const [client] = clients.get(tenant)!;
    for (const [at, account] of world.accounts.entries()) {
      const id = world.ids[at]!;
      const [byScim, byAdmin] = await Promise.all([client!.get(id), look({ tenant, admin }, id)]);
      const differs = account.deleted ? undefined : difference(account, shownByScim(byScim.body));
      const wrong = byScim.status === (account.deleted ? 404 : 200) ? (differs ?? lookedAt(world, byAdmin)) : byScim.text;
      if (typeof wrong === 'string') throw new Error(`${wrong}: ${JSON.stringify([account, byScim.body, byAdmin])}`);
    }
  }

  async function checkStored(tenant: string, lives: readonly World[]): Promise<void> {
    const stored = new Map((await cluster.db.collection('accounts').find({ tenant }).toArray()).map((each) => [String(each._id), each]));
    const history = new Map<string, { readonly version: number; readonly word: string }[]>();
    for await (const { id, version, line } of cluster.db.collection('history').find({ tenant }).sort({ version: 1 }))
      history.set(id, [...(history.get(id) ?? []), { version, word: line.operation }]);
    const wrong: unknown[] = [];
    for (const { accounts, ids } of lives) {
      for (const [at, account] of accounts.entries()) {
        const id = ids[at]!;
        const [document, versions] = [stored.get(id), history.get(id) ?? []];
        const differs = document ? difference(account, shownInMongo(document)) : 'lost';
        const isTold = isDeepStrictEqual(
          versions.map(({ word }) => word),
          account.history,
        );
        const isNewest = versions.at(-1)?.version === document?.version;
        if (
          differs ||
          !isTold ||
          !isNewest ||
          !isDeepStrictEqual([document?.account.expects, document?.account.separate ?? []], [account.expects, account.separate])
        )
          wrong.push({ differs, account, document, versions });
        stored.delete(id);
        history.delete(id);
      }
    }
    const others = { accounts: [...stored.keys()], histories: [...history.keys()] };
    expect({ tenant, wrong, others }).toEqual({ tenant, wrong: [], others: { accounts: [], histories: [] } });
  }
});

// biome-ignore lint/suspicious/noExplicitAny: a document as it is
function shownInMongo({ attributes, account, live }: any) {
  const { managedBy, origin, profile, profileBy, storage } = account;
  const preservedBy = [...account.preservedBy].sort();
  return {
    ...{ ...shownByScim({ ...attributes, active: preservedBy.length === 0 }), deleted: !live, preservedBy },
    ...{ managedBy, origin, profile, profileBy, storage },
  };
}

const WRONG_MAX = 5;
