// One row's measurement: what is sent is the row's, what is counted is counted here.
import { httpRequest, type LoadResult, load } from './load.js';
import { forgetPeak, PROCESSES, type ProcessName, type Usage, usageOf } from './usage.js';
import type { World } from './world.js';

export interface Measured {
  readonly perSecond: number;
  readonly load: LoadResult;
  /** CPU seconds per 1,000 requests and peak memory, by process; without what the system does not tell. */
  readonly usage: ReadonlyMap<ProcessName, Usage>;
  /** What no column has room for. */
  readonly note?: string;
}

export interface Row {
  readonly key: string;
  readonly title: string;
  /** Where less than what is asked for is enough. */
  readonly seconds_max?: number;
  /** It takes minutes: measured only where it is asked for by name, and once. */
  readonly byName?: true;
  /** Takes about this many seconds; `label` makes its people new ones. */
  measure(world: World, seconds: number, label: string): Promise<Measured>;
}

export const CONNECTIONS = 64;
const DRAIN_MS_MAX = 120_000;
const DRAIN_POLL_MS = 5;

/** Waits until nothing is pending. */
export async function drained(world: World): Promise<void> {
  const end = performance.now() + DRAIN_MS_MAX;
  for (let left = await world.pending(); left > 0; left = await world.pending()) {
    if (performance.now() > end) throw new Error(`${left} are still pending after ${DRAIN_MS_MAX / 1_000} s`);
    await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
  }
}

/** Begins with an empty backlog, so that no row pays for the one before. */
export async function measured(world: World, baseline: 'echo' | 'mongoose' | undefined, run: () => Promise<LoadResult>): Promise<Measured> {
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

/** GETs, for so many seconds or so many requests. */
export function read(
  world: World,
  path: (n: number) => string,
  { token = world.token, ...limits }: { readonly token?: string; readonly limit_ms: number; readonly requestsMax?: number },
): Promise<LoadResult> {
  const port = world.ports.ingest;
  return load({ port, request: (n) => httpRequest('GET', path(n), port, token), status: 200, connections: CONNECTIONS, ...limits });
}
