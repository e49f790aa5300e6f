// The rows of the table: what is sent, and what is counted.
import { httpRequest, type LoadResult, load } from './load.js';
import { personBody, userNameOf } from './people.js';
import { forgetPeak, PROCESSES, type ProcessName, type Usage, usageOf } from './usage.js';
import type { World } from './world.js';

export interface Measured {
  readonly perSecond: number;
  readonly load: LoadResult;
  /** CPU seconds per 1,000 requests and peak memory, by process; without what the system does not tell. */
  readonly usage: ReadonlyMap<ProcessName, Usage>;
}

export interface Row {
  readonly key: string;
  readonly title: string;
  /** Takes about this many seconds; `label` makes its people new ones. */
  measure(world: World, seconds: number, label: string): Promise<Measured>;
}

export const CONNECTIONS = 64;
/** How many of the accepted are read again in row e. */
const KNOWN_MAX = 5_000;
const DRAIN_MS_MAX = 120_000;
const DRAIN_POLL_MS = 5;

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
      return measured(world, undefined, () => read(world, path, seconds));
    },
  },
  {
    key: 'e2',
    title: 'rollcall, filter userName eq',
    measure: async (world, seconds) => {
      const { names } = await known(world);
      const path = (n: number) => `/scim/v2/Users?filter=${encodeURIComponent(`userName eq "${names[n % names.length]}"`)}`;
      return measured(world, undefined, () => read(world, path, seconds));
    },
  },
];

/** Waits until nothing is pending. */
export async function drained(world: World): Promise<void> {
  const end = performance.now() + DRAIN_MS_MAX;
  for (let left = await world.pending(); left > 0; left = await world.pending()) {
    if (performance.now() > end) throw new Error(`${left} are still pending after ${DRAIN_MS_MAX / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
}

function create(port: number, path: string, status: number, { token }: World, seconds: number, label: string): Promise<LoadResult> {
  const request = (n: number) => httpRequest('POST', path, port, token, personBody(label, n));
  return load({ port, request, status, connections: CONNECTIONS, limit_ms: seconds * 1_000 });
}

function read({ ports: { ingest: port }, token }: World, path: (n: number) => string, seconds: number): Promise<LoadResult> {
  const request = (n: number) => httpRequest('GET', path(n), port, token);
  return load({ port, request, status: 200, connections: CONNECTIONS, limit_ms: seconds * 1_000 });
}

/** Begins with an empty backlog, so that no row pays for the one before. */
async function measured(world: World, baseline: 'echo' | 'mongoose' | undefined, run: () => Promise<LoadResult>): Promise<Measured> {
  await drained(world);
  const pid = (name: ProcessName) => (name === 'baseline' ? baseline && world.pidOf(baseline) : world.pidOf(name));
  for (const name of PROCESSES) forgetPeak(pid(name));
  const before = new Map(PROCESSES.map((name) => [name, usageOf(pid(name))]));
  const result = await run();
  const usage = new Map<ProcessName, Usage>();
  for (const name of PROCESSES) {
    const [was, is] = [before.get(name), usageOf(pid(name))];
    if (was && is) usage.set(name, { cpu_s: ((is.cpu_s - was.cpu_s) / result.requests) * 1_000, peak_MiB: is.peak_MiB });
  }
  return { perSecond: result.requests / result.seconds, load: result, usage };
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
  await load({ port, request, status: 201, connections: CONNECTIONS, limit_ms: DRAIN_MS_MAX, requestsMax: KNOWN_MAX, onBody });
  return { ids, names: ids.map((_, n) => userNameOf(label, n)) };
}
