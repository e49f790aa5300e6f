import { isObject, type Json, type JsonObject } from '../api.js';
import { type Command, EXIT, text } from '../command.js';
import { readDirect } from '../direct.js';
import type { Output } from '../output.js';
import { expiry, span } from '../time.js';

export const statusCommands: readonly Command[] = [
  {
    usage: 'status [tenant]',
    summary: 'show what needs attention, of all tenants or of one; exit code 1 if anything does',
    options: [['--direct', 'ask Redis and MongoDB themselves, by REDIS_URL and MONGODB_URI: works without a worker']],
    run: async (given, context) => {
      const { api, out } = context;
      const tenant = text(given, 'tenant');
      if (given.direct === true) return attention(await readDirect(context, tenant), out);
      if (tenant === undefined) return attention(await (await api()).ask('GET', '/status'), out);
      const status = await (await api()).ask('GET', `/tenants/${encodeURIComponent(tenant)}/status`);
      awayLines(status, out);
      out.show(status, { shown: readable(status) });
      return needsAttention(status) ? EXIT.refused : EXIT.done;
    },
  },
];

/** Stores that are away, then the tenants that need attention. @returns the exit code */
function attention(found: JsonObject, out: Output): number {
  const tenants = objects(found.tenants);
  const away = awayLines(found, out);
  const isPaused = found.queue === 'paused by an operator';
  if (isPaused) out.note('Queue: paused by an operator; only deactivations and deletions are applied. rollcall doctor says by whom.');
  const unknown = Array.isArray(found.unknown) ? found.unknown : [];
  if (out.json) out.show(found);
  else {
    const rows = tenants.map((tenant) => ({ ...tenant, oldest: age(tenant.oldestPendingMs) }));
    const none =
      unknown.length > 0
        ? `Not known: ${unknown.join(', ')}.`
        : 'Nothing needs attention: no pending changes, dead letters or undecided people.';
    out.table(rows, ['tenant', 'pending', 'oldest', 'deadLetters', 'undecided'], none);
  }
  return tenants.length > 0 || away || isPaused || unknown.length > 0 ? EXIT.refused : EXIT.done;
}

/** `MongoDB: away since …`, of each store that is. @returns whether one is */
function awayLines(found: JsonObject, out: Output): boolean {
  const away = (['redis', 'mongodb'] as const).filter((store) => member(found[store], 'status') === 'away');
  for (const store of away) {
    const since = member(found[store], 'since');
    out.note(`${NAMES[store]}: away${since === undefined ? '' : ` since ${String(since)}`}`);
  }
  return away.length > 0;
}

/** Revived and separated users are listed to be looked at: no request waits for a decision about them. */
function needsAttention(status: JsonObject): boolean {
  const isAway = ['redis', 'mongodb'].some((store) => member(status[store], 'status') === 'away');
  return (
    isAway ||
    Number(status.deadLetters) > 0 ||
    objects(status.undecided).some(({ reason }) => reason !== 'revived' && reason !== 'separated')
  );
}

/** A tenant's status as people read it. */
function readable(status: JsonObject): JsonObject {
  const {
    tenant,
    status: state,
    lastRequestAt,
    lastError,
    credentials,
    users,
    groups,
    undecided,
    pending,
    oldestPendingMs,
    deadLetters,
  } = status;
  const now_ms = Date.now();
  const unknown = Array.isArray(status.unknown) ? status.unknown : [];
  const shown = (name: string, value: Json | undefined): Json | undefined => (unknown.includes(name) ? 'not known' : value);
  return {
    tenant,
    status: state,
    lastRequestAt: shown('lastRequestAt', lastRequestAt),
    lastError: shown('lastError', errorLine(lastError)),
    credentials: shown(
      'credentials',
      objects(credentials)
        .map((each) => credentialLine(each, now_ms))
        .join('; ') || 'none',
    ),
    users: shown('users', counts(users)),
    groups: shown('groups', groups),
    pending: shown('pending', pending),
    ...(Number(pending) > 0 ? { oldestPending: age(oldestPendingMs) } : {}),
    deadLetters: shown('deadLetters', deadLetters),
    undecided: shown('undecided', undecided),
  };
}

const errorLine = (error: Json | undefined): Json =>
  isObject(error)
    ? `${String(error.status)} ${String(error.method)} ${String(error.route)}: ${String(error.detail)} (${String(error.at)})`
    : null;

const credentialLine = ({ kind, name, prefix, expiresAt }: JsonObject, now_ms: number): string =>
  `${String(kind)} ${String(name)} (${String(prefix)}…) ${expiresIn(expiresAt, now_ms)}`;

const expiresIn = (expiresAt: Json | undefined, now_ms: number): string => {
  const when = expiry(expiresAt, now_ms);
  return when.startsWith('in ') ? `expires ${when}` : when;
};

/** `12 active, 3 deactivated, 0 blocked, 1 deleted`. */
const counts = (users: Json | undefined): Json =>
  isObject(users)
    ? Object.entries(users)
        .map(([state, count]) => `${String(count)} ${state}`)
        .join(', ')
    : null;

const age = (duration_ms: Json | undefined): string => (Number(duration_ms) > 0 ? span(Number(duration_ms)) : '–');

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? (value as Json[]).filter(isObject) : []);
const member = (value: Json | undefined, name: string): Json | undefined => (isObject(value) ? value[name] : undefined);

const NAMES = { redis: 'Redis', mongodb: 'MongoDB' } as const;
