// The rows of the table that compare rollcall with what one would write first.
import { httpRequest, type LoadResult, load } from './load.js';
import { CONNECTIONS, drained, measured, type Row, read } from './measure.js';
import { personBody, userNameOf } from './people.js';
import type { World } from './world.js';

/** How many of the accepted are read again in row e. */
const KNOWN_MAX = 5_000;
const KNOWN_MS_MAX = 120_000;

export const ROWS: readonly Row[] = [
  {
    key: 'a',
    title: 'stock Express + express.json(), echo',
    measure: (world, seconds, label) => measured(world, 'echo', () => create(world.ports.echo, '/Users', 200, world, seconds, label)),
  },
  {
    key: 'b',
    title: 'rollcall, creates accepted durably',
    measure: (world, seconds, label) =>
      measured(world, undefined, () => create(world.ports.ingest, '/scim/v2/Users', 201, world, seconds, label)),
  },
  {
    key: 'c',
    title: 'Express + mongoose, creates at w:majority, j:true',
    measure: (world, seconds, label) =>
      measured(world, 'mongoose', () => create(world.ports.mongoose, '/Users', 201, world, seconds, label)),
  },
  {
    key: 'd',
    title: 'rollcall, creates applied in MongoDB',
    measure: (world, seconds, label) =>
      measured(world, undefined, async () => {
        const before = await world.applied();
        const began = performance.now();
        const result = await create(world.ports.ingest, '/scim/v2/Users', 201, world, seconds, label);
        await drained(world);
        const elapsed_s = (performance.now() - began) / 1_000;
        const applied = (await world.applied()) - before;
        if (applied !== result.requests) throw new Error(`${result.requests} were accepted, and ${applied} are in MongoDB`);
        return { ...result, seconds: elapsed_s };
      }),
  },
  {
    key: 'e1',
    title: 'rollcall, GET by id',
    measure: async (world, seconds) => {
      const { ids } = await known(world);
      const path = (n: number) => `/scim/v2/Users/${ids[n % ids.length]}`;
      return measured(world, undefined, () => read(world, path, { limit_ms: seconds * 1_000 }));
    },
  },
  {
    key: 'e2',
    title: 'rollcall, filter userName eq',
    measure: async (world, seconds) => {
      const { names } = await known(world);
      const path = (n: number) => `/scim/v2/Users?filter=${encodeURIComponent(`userName eq "${names[n % names.length]}"`)}`;
      return measured(world, undefined, () => read(world, path, { limit_ms: seconds * 1_000 }));
    },
  },
];

function create(port: number, path: string, status: number, { token }: World, seconds: number, label: string): Promise<LoadResult> {
  const request = (n: number) => httpRequest('POST', path, port, token, personBody(label, n));
  return load({ port, request, status, connections: CONNECTIONS, limit_ms: seconds * 1_000 });
}

const knownOf = new WeakMap<World, Promise<{ ids: readonly string[]; names: readonly string[] }>>();

/** People whom row e asks for; made once. */
function known(world: World): Promise<{ ids: readonly string[]; names: readonly string[] }> {
  let people = knownOf.get(world);
  if (people === undefined) {
    people = makeKnown(world);
    knownOf.set(world, people);
  }
  return people;
}

async function makeKnown({ ports: { ingest: port }, token }: World) {
  const label = 'known';
  const ids: string[] = [];
  const request = (n: number) => httpRequest('POST', '/scim/v2/Users', port, token, personBody(label, n));
  const onBody = (body: Buffer) => void ids.push((JSON.parse(body.toString()) as { id: string }).id);
  await load({ port, request, status: 201, connections: CONNECTIONS, limit_ms: KNOWN_MS_MAX, requestsMax: KNOWN_MAX, onBody });
  return { ids, names: ids.map((_, n) => userNameOf(label, n)) };
}
