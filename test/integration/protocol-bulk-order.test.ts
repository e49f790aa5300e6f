import { BULK_REQUEST_URN, GROUP_URN, seeded } from '@rollcall/scim';
import { type Client, inParallel } from '../support/client.js';
import { startCluster } from '../support/cluster.js';
import { userBody } from '../support/users.js';

jest.setTimeout(120_000);

interface Known {
  readonly client: Client;
  /** Ids by what the operations call them. */
  readonly ids: ReadonlyMap<string, string>;
}

const PEOPLE = 6;
const GROUPS = 3;
const NAMES = 8;

async function prepare(client: Client): Promise<Known> {
  const ids = new Map<string, string>();
  await inParallel(Array.from({ length: PEOPLE }), 1, async (_, i) => {
    ids.set(`U${i}`, (await client.create(userBody(`n${i}`, { externalId: undefined }))).body.id);
  });
  await inParallel(Array.from({ length: GROUPS }), 1, async (_, i) => {
    ids.set(`G${i}`, (await client.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: `g${i}` })).body.id);
  });
  return { client, ids };
}

/** Operations that get in each other's way as much as they can. */
function operations(random: () => number, { ids }: Known) {
  const below = (n: number) => Math.floor(random() * n);
  const person = () => ids.get(`U${below(PEOPLE)}`);
  const room = () => ids.get(`G${below(GROUPS)}`);
  const body = () => userBody(`n${below(NAMES)}`, { externalId: undefined, title: `t${below(4)}` });
  const made: string[] = [];
  return Array.from({ length: 60 }, (_, i) => {
    const bulkId = `b${i}`;
    const someone = () => (made.length > 0 && random() < 0.3 ? `bulkId:${made[below(made.length)]}` : person());
    switch (below(9)) {
      case 0:
      case 1:
        made.push(bulkId);
        return { method: 'POST', path: '/Users', bulkId, data: body() };
      case 2:
        return { method: 'DELETE', path: `/Users/${person()}` };
      case 3:
        return { method: 'PUT', path: `/Users/${person()}`, data: body() };
      case 4:
        return {
          method: 'PATCH',
          path: `/Users/${person()}`,
          data: [{ op: 'replace', path: 'userName', value: `n${below(NAMES)}@example.com` }],
        };
      case 5:
        return { method: 'PATCH', path: `/Users/${person()}`, data: [{ op: 'replace', path: 'active', value: random() < 0.5 }] };
      case 6:
        return { method: 'PATCH', path: `/Groups/${room()}`, data: [{ op: 'add', path: 'members', value: [{ value: someone() }] }] };
      case 7:
        return { method: 'PATCH', path: `/Groups/${room()}`, data: [{ op: 'remove', path: `members[value eq "${someone()}"]` }] };
      default:
        return {
          method: 'POST',
          path: '/Groups',
          bulkId,
          data: { schemas: [GROUP_URN], displayName: `h${below(6)}`, members: [{ value: someone() }] },
        };
    }
  });
}

/** What is there, without ids and times. */
async function state({ client }: Known): Promise<unknown> {
  const [people, groups] = [(await client.list()).body.Resources, (await client.request('GET', '/Groups')).body.Resources];
  const names = new Map(people.map(({ id, userName }: Record<string, string>) => [id, userName]));
  return {
    people: people.map(({ userName, title, active }: Record<string, unknown>) => `${userName} ${title} ${active}`).sort(),
    groups: groups
      .map(({ displayName, members = [] }: { displayName: string; members: { value: string }[] }) => [
        displayName,
        members.map(({ value }) => names.get(value)).sort(),
      ])
      .sort(),
  };
}

// Goal: a bulk request that is carried out side by side ends as one that is carried out one by one (RFC 7644 §3.7).
// Method: the same random operations for two tenants; for one of them `failOnErrors` has them done one by one.
it('bulk: side by side ends as one by one, whatever the operations do to each other', async () => {
  const rounds = Array.from({ length: 3 }, (_, i) => i);
  const tenants = rounds.flatMap((i) => [`a${i}`, `b${i}`]);
  await using cluster = await startCluster({ tenants });
  const base = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6));
  for (const round of rounds) {
    const seed = base + round;
    const both = await Promise.all([`a${round}`, `b${round}`].map((tenant) => prepare(cluster.client(tenant))));
    const answers = await Promise.all(
      both.map((known, i) =>
        known.client.request('POST', '/Bulk', {
          ...{ schemas: [BULK_REQUEST_URN], Operations: operations(seeded(seed), known) },
          ...(i === 0 ? {} : { failOnErrors: 1_000 }),
        }),
      ),
    );
    const [one, other] = answers.map(({ body }) =>
      body.Operations.map(({ method, status }: Record<string, string>) => `${method} ${status}`),
    );
    expect({ seed, results: one }).toEqual({ seed, results: other });
    expect(one.length).toBe(60);
    const [first, second] = await Promise.all(both.map(state));
    expect({ seed, state: first }).toEqual({ seed, state: second });
  }
});
