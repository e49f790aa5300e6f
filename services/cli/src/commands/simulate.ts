// Traffic as an identity provider sends it, at a running ingest: to see a deployment work, and how fast.
import { randomBytes } from 'node:crypto';
import { CliError, type Command, type Context, EXIT, type Given, needed, text, whole } from '../command.js';
import { type Exchange, lifeOf, type Provider } from './simulate-life.js';

export const simulateCommands: readonly Command[] = [
  {
    usage: 'simulate <provider>',
    summary: 'send the traffic of okta or entra for so many users: assign, change, deactivate, delete',
    options: [
      ['--users <count>', 'how many; 100 if left out'],
      ['--width <count>', 'how many at the same time, up to 64; 4 if left out'],
      ['--tenant <tenant>', 'make a token of this tenant for it, and revoke it at the end'],
      ['--url <url>', 'the SCIM base URL; else ROLLCALL_SCIM_URL, else http://127.0.0.1:8080/scim/v2'],
      ['--keep', 'leave the users there, active'],
    ],
    run: async (given, context) => {
      const provider = needed(given, 'provider');
      if (provider !== 'okta' && provider !== 'entra') throw new CliError('expected okta or entra', EXIT.usage);
      const users = whole(given, 'users', { least: 1, most: USERS_MAX }) ?? 100;
      const width = whole(given, 'width', { least: 1, most: WIDTH_MAX }) ?? 4;
      const base = (text(given, 'url') ?? (context.env.ROLLCALL_SCIM_URL || DEFAULT_URL)).replace(/\/+$/, '');
      const { token, end } = await tokenFor(given, context);
      try {
        return await simulate({ provider, users, width, base, token, keep: given.keep === true }, context);
      } finally {
        await end();
      }
    },
  },
];

interface Plan {
  readonly provider: Provider;
  readonly users: number;
  readonly width: number;
  readonly base: string;
  readonly token: string;
  readonly keep: boolean;
}

async function tokenFor(given: Given, { env, api }: Context): Promise<{ token: string; end: () => Promise<void> }> {
  const tenant = text(given, 'tenant');
  if (tenant === undefined) {
    if (!env.ROLLCALL_SCIM_TOKEN) throw new CliError('set ROLLCALL_SCIM_TOKEN, or name a --tenant to make a token of', EXIT.usage);
    return { token: env.ROLLCALL_SCIM_TOKEN, end: async () => undefined };
  }
  const admin = await api();
  const at = `/tenants/${encodeURIComponent(tenant)}/tokens`;
  const made = await admin.ask('POST', at, { name: 'rollcall simulate', expiresInDays: 1 });
  return { token: String(made.token), end: async () => void (await admin.ask('DELETE', `${at}/${String(made.id)}`)) };
}

interface Tally {
  readonly counts: Map<string, number>;
  readonly took_ms: number[];
  readonly faults: Map<string, number>;
  retries: number;
}

async function simulate(plan: Plan, { out, signal }: Context): Promise<number> {
  const run = randomBytes(3).toString('hex');
  const tally: Tally = { counts: new Map(), took_ms: [], faults: new Map(), retries: 0 };
  const began = performance.now();
  let next = 0;
  let done = 0;
  const seconds = () => (performance.now() - began) / 1_000;
  const lanes = Array.from({ length: Math.min(plan.width, plan.users) }, async () => {
    while (next < plan.users && !signal.aborted && !isAway(tally)) {
      const number = next;
      next += 1;
      await live(plan, tally, `${run}-${number}`, signal);
      done += 1;
      const rate = tally.took_ms.length / seconds();
      const width = Math.round((done / plan.users) * BAR);
      out.progress(
        `[${'#'.repeat(width)}${' '.repeat(BAR - width)}] ${done}/${plan.users} users  ${rate.toFixed(0)} requests/s  ${sum(tally.faults)} faults`,
      );
    }
  });
  await Promise.all(lanes);
  out.endProgress();
  if (isAway(tally)) throw new CliError(`${plan.base} does not answer: is it ingest's base URL (--url, ROLLCALL_SCIM_URL)?`, EXIT.away);

  const sorted = tally.took_ms.sort((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
  out.show({
    ...{ provider: plan.provider, users: done, requests: sorted.length, seconds: Math.round(seconds() * 10) / 10, retries: tally.retries },
    requestsPerSecond: Math.round(sorted.length / seconds()),
    ...{ p50_ms: at(0.5), p95_ms: at(0.95), p99_ms: at(0.99) },
    answers: Object.fromEntries([...tally.counts].sort()),
    faults: Object.fromEntries(tally.faults),
  });
  return tally.faults.size === 0 && !signal.aborted ? EXIT.done : EXIT.refused;
}

/** Whether nobody has answered yet, however often they were asked. */
const isAway = ({ took_ms, faults }: Tally): boolean => took_ms.length === 0 && faults.size > 0;

/** One person's life, one request after the other. What is not answered as it must be ends it, and is counted. */
async function live(plan: Plan, tally: Tally, name: string, signal: AbortSignal): Promise<void> {
  const life = lifeOf(plan.provider, name, plan.keep);
  let answer: unknown;
  for (;;) {
    const { value: exchange, done } = life.next(answer);
    if (done || signal.aborted) return;
    const { status, body } = await send(plan, exchange, tally, signal);
    count(tally.counts, `${exchange.method} ${status}`);
    if (!exchange.expect.includes(status)) {
      count(tally.faults, `${exchange.what}: ${status === 0 ? 'no answer' : status}`);
      return;
    }
    answer = body;
  }
}

/** 429 and 503 are tried again after the time that they name, as identity providers do. */
async function send(
  plan: Plan,
  { method, path, body }: Exchange,
  tally: Tally,
  signal: AbortSignal,
): Promise<{ status: number; body: unknown }> {
  for (let attempt = 1; ; attempt += 1) {
    const began = performance.now();
    try {
      const answer = await fetch(`${plan.base}${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${plan.token}`,
          Accept: 'application/scim+json',
          ...(body === undefined ? {} : { 'Content-Type': 'application/scim+json' }),
        },
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const content = await answer.text();
      tally.took_ms.push(performance.now() - began);
      const again = (answer.status === 429 || answer.status === 503) && attempt < ATTEMPTS_MAX;
      if (!again) return { status: answer.status, body: content === '' ? undefined : JSON.parse(content) };
      tally.retries += 1;
      const wait_s = Math.min(Number(answer.headers.get('retry-after')) || 1, WAIT_S_MAX);
      await new Promise((resolve) => setTimeout(resolve, wait_s * 1_000));
    } catch {
      if (attempt >= ATTEMPTS_MAX || signal.aborted) return { status: 0, body: undefined };
      tally.retries += 1;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

const count = (counts: Map<string, number>, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
const sum = (counts: Map<string, number>) => [...counts.values()].reduce((a, b) => a + b, 0);

const DEFAULT_URL = 'http://127.0.0.1:8080/scim/v2';
const USERS_MAX = 100_000;
const WIDTH_MAX = 64;
const BAR = 24;
const TIMEOUT_MS = 30_000;
const ATTEMPTS_MAX = 5;
const WAIT_S_MAX = 10;
