// Row l: how long one hostile request holds the event loop of ingest, and so everybody else.
import { randomUUID } from 'node:crypto';
import { GROUP_URN } from '@rollcall/scim';
import { Client } from '../support/client.js';
import { EXTREMES, type There } from '../support/extremes.js';
import { type Case, requests } from '../support/hostile.js';
import { userBody } from '../support/users.js';
import { measured, type Row } from './measure.js';
import type { Sized } from './sized.js';
import type { World } from './world.js';

/** The least of some tries is what a request costs: the first ones compile what they need. */
const TRIES = 3;
const HELD_MAX_MS = 50;
const NAMED_IN_NOTE = 8;
/** What is left by then is left out: the note says how many kinds were measured. */
const LIMIT_MS = 240_000;
/** A request may take so long as a whole. */
const TIMEOUT_MS = 60_000;

interface Held {
  readonly name: string;
  readonly held_ms: number;
}

/** @param groups a tenant with a large group, and people in it */
export function hostileRow(groups: (world: World) => Promise<Sized>, size: number): Row {
  return {
    key: 'l',
    title: 'hostile requests, one after the other',
    byName: true,
    async measure(world) {
      const tenant = await groups(world);
      const watched = await world.watchedIngest();
      const client = new Client(watched.url, tenant.token);
      const there: There = { users: Array.from({ length: size }, (_, n) => tenant.idOf(n)), group: tenant.groups.get(size)! };
      const holds: Held[] = [];
      try {
        const result = await measured(world, undefined, async () => {
          const latencies: number[] = [];
          const cpu = process.cpuUsage();
          const send = async (name: string, make: () => Promise<Omit<Case, 'name'>>) => {
            let least_ms = Number.POSITIVE_INFINITY;
            for (let tries = 0; tries < TRIES && least_ms > HELD_MAX_MS; tries += 1) {
              const { method, path, body, options } = await make();
              await watched.held_ms();
              const { status, took_ms } = await client.request(method, path, body, { timeout_ms: TIMEOUT_MS, ...options });
              const held_ms = await watched.held_ms();
              if (status >= 500 && status !== 501 && status !== 503) throw new Error(`row l: ${name} was answered ${status}`);
              latencies.push(took_ms);
              least_ms = Math.min(least_ms, held_ms);
            }
            holds.push({ name, held_ms: least_ms });
          };
          const began = performance.now();
          const isOver = () => performance.now() - began > LIMIT_MS;
          for (const { name, make } of EXTREMES) if (!isOver()) await send(name, () => make(client, there));
          for (const { name, ...each } of await small(client)) if (!isOver()) await send(name, async () => each);
          const seconds = (performance.now() - began) / 1_000;
          const { user, system } = process.cpuUsage(cpu);
          const latencies_ms = Float64Array.from(latencies).sort();
          return { requests: latencies.length, seconds, latencies_ms, cpu_s: (user + system) / 1e6 };
        });
        return { ...result, note: said(holds) };
      } finally {
        client.close();
      }
    },
  };
}

/** The corpus of the test, on a victim of its own. */
async function small(client: Client): Promise<Case[]> {
  const made = async (path: string, body: unknown) => (await client.request('POST', path, body)).body.id as string;
  const user = await made('/Users', userBody(randomUUID()));
  const group = await made('/Groups', { schemas: [GROUP_URN], displayName: randomUUID() });
  return requests().map((each) => ({ ...each, path: each.path.replace(':id', each.path.startsWith('/Groups') ? group : user) }));
}

function said(holds: readonly Held[]): string {
  const worst = [...holds].sort((a, b) => b.held_ms - a.held_ms);
  const beyond = worst.filter(({ held_ms }) => held_ms > HELD_MAX_MS).length;
  const named = worst.slice(0, NAMED_IN_NOTE).map(({ name, held_ms }) => `${held_ms.toFixed(0)} ms ${name}`);
  return `${holds.length} kinds of request, ${beyond} of which hold the event loop for more than ${HELD_MAX_MS} ms; the worst: ${named.join('; ')}`;
}
