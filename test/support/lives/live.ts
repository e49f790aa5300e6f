// Leads one life: sends its requests, and finds for each answer what the model says to it.
import { isDeepStrictEqual } from 'node:util';
import { withoutValues } from '@rollcall/scim';
import { type Account, judge, type Verdict } from './model.js';
import type { Tried } from './outcomes.js';
import { isOfIdp, type Request, type Step } from './requests.js';
import type { Settings, Storage } from './tenants.js';

/** An account as somebody sees it; who sees less leaves members out. */
export interface Shown {
  readonly userName?: string;
  readonly email?: string | undefined;
  readonly externalId?: string | undefined;
  readonly title?: string | undefined;
  readonly active?: boolean;
  readonly deleted?: boolean;
  readonly preservedBy?: readonly string[];
  readonly managedBy?: string;
  readonly origin?: string;
  readonly profile?: string | undefined;
  readonly profileBy?: string | undefined;
  readonly storage?: Storage | undefined;
}

/** What came back. */
export interface Seen {
  readonly status: number;
  readonly scimType?: string | undefined;
  readonly detail?: string | undefined;
  readonly id?: string | undefined;
  readonly version?: number | undefined;
  readonly shows?: Shown | undefined;
  /** It was said to be the answer to the same request before, under the same key. */
  readonly isKept?: boolean;
}

/** A request on its way. */
export interface Sent {
  readonly request: Request;
  /** Of the account that it is about; of nobody where there is none. */
  readonly id: string;
  readonly key?: string | undefined;
}

export interface Ends {
  /** Sends one request, or two at once. */
  send(requests: readonly Sent[]): Promise<readonly Seen[]>;
  /** Looks at an account, as the administrator sees it. */
  look(id: string): Promise<Look>;
}

export interface Look {
  readonly id: string;
  readonly version: number;
  readonly shows: Required<Shown>;
}

type VerdictOn = (accounts: readonly Account[], request: Request) => Verdict;

/** What must be there: the model's accounts, and what was told of each. */
export interface World {
  readonly accounts: readonly Account[];
  readonly ids: readonly string[];
  /** Newest version of each that somebody was told; 0: a later one, which nobody was told. */
  readonly versions: readonly number[];
}

export const EMPTY: World = { accounts: [], ids: [], versions: [] };

/**
 * @returns what is there, after each sending
 * @throws Error for an answer that the model doesn't give
 */
export async function* live(settings: Settings, steps: readonly Step[], { send, look }: Ends, tried?: Tried): AsyncGenerator<World, void> {
  const verdictOn: VerdictOn = (accounts, request) => {
    const verdict = judge(settings, accounts, request);
    const { status, why, about } = verdict;
    const word = verdict.accounts === accounts ? 'unchanged' : verdict.accounts[about!]!.history.at(-1);
    tried?.note(`${request.kind} ${status}: ${why ?? word}`);
    return verdict;
  };
  let world = EMPTY;
  const past: object[] = [];
  const aimed = new Map<number, Request>();
  const first = new Map<number, { readonly seen: Seen; readonly isChange: boolean }>();
  for (const { step, number, isAgain } of inOrder(steps)) {
    const { comes } = step;
    const request = aimed.get(number) ?? at(step.request, world);
    aimed.set(number, request);
    // What only sets something needs no key: the admin API takes none with it.
    const key = comes.how === 'under its key' && request.kind !== 'set' ? `key${number}` : undefined;
    const other = comes.how !== 'at once with' ? [] : [comes.other === 'itself' ? request : at(comes.other, world)];
    const requests = [request, ...other];
    const answers = await send(requests.map((each) => ({ request: each, id: idOf(each, world), key })));
    const [answer] = answers as [Seen];
    // What came first of two is not in every answer: a DELETE shows nothing.
    const after = requests.length > 1 ? await Promise.all([...new Set(answers.flatMap(({ id }) => id ?? []))].map(look)) : [];
    past.push({ isAgain, key, requests, answers, after });
    const before = isAgain && key !== undefined ? first.get(number) : undefined;
    const next =
      before && (before.isChange || answer.isKept)
        ? repeated(world, before.seen, answer)
        : explained(verdictOn, world, requests, answers, after);
    if (typeof next === 'string') throw new Error([next, ...[settings, ...past, world].map((each) => JSON.stringify(each))].join('\n'));
    if (!isAgain) first.set(number, { seen: answer, isChange: next !== world });
    world = next;
    yield world;
  }
}

/** The account as the model has it. */
export const shown = (account: Account): Required<Shown> => ({
  ...account.person,
  active: !account.preservedByIdp && !account.preservedByAdministrator,
  deleted: account.deleted,
  preservedBy: [...(account.preservedByAdministrator ? ['administrator'] : []), ...(account.preservedByIdp ? ['idp'] : [])],
  managedBy: account.managedBy,
  origin: account.origin,
  profile: account.profile,
  profileBy: account.profileBy,
  storage: account.storage,
});

/** How what is shown differs from what must be; undefined: it doesn't. */
export function difference(account: Account, seen: Shown): string | undefined {
  const wanted: Shown = shown(account);
  const wrong = Object.entries(seen).filter(([name, value]) => !isDeepStrictEqual(value, wanted[name as keyof Shown]));
  return wrong.length === 0
    ? undefined
    : wrong.map(([name, value]) => `${name} is ${JSON.stringify(value)}, not ${JSON.stringify(wanted[name as keyof Shown])}`).join('; ');
}

/** Every request in its turn, and again when it comes again. */
function inOrder(steps: readonly Step[]) {
  return steps
    .flatMap((step, number) => [
      { step, number, isAgain: false, turn: number },
      ...('after' in step.comes ? [{ step, number, isAgain: true, turn: number + step.comes.after + 0.5 }] : []),
    ])
    .sort((a, b) => a.turn - b.turn);
}

/** Which account is meant is settled when a request is first sent. */
const at = (request: Request, { accounts }: World): Request =>
  'which' in request ? { ...request, which: accounts.length === 0 ? NOBODY : request.which % accounts.length } : request;

const idOf = (request: Request, { ids }: World): string =>
  ('which' in request && ids[request.which]) || '00000000-0000-7000-8000-000000000000';

/**
 * An answer that comes again says the same, and nothing has happened. Its account is shown as it is now, and a reason has no values of a person:
 * neither is kept with the answer.
 */
function repeated(world: World, before: Seen, { isKept, ...seen }: Seen): World | string {
  const told = ({ status, scimType, id, detail }: Seen) => ({ status, scimType, id, detail: detail && withoutValues(detail) });
  if (!isKept || !isDeepStrictEqual(told(seen), told(before))) return 'answered otherwise under the same key';
  const { id, version, shows } = seen;
  if (id === undefined || version === undefined || shows === undefined) return world;
  return lookedAt(world, { id, version, shows: shows as Required<Shown> });
}

/** Two requests at once are answered as if one had come after the other. */
function explained(
  verdictOn: VerdictOn,
  world: World,
  requests: readonly Request[],
  answers: readonly Seen[],
  after: readonly Look[],
): World | string {
  const wrong: string[] = [];
  const numbers = [...requests.keys()];
  for (const order of requests.length > 1 ? [numbers, numbers.toReversed()] : [numbers]) {
    let next: World | string = world;
    for (const number of order) if (typeof next !== 'string') next = taken(verdictOn, next, requests[number]!, answers[number]!);
    for (const look of after) if (typeof next !== 'string') next = lookedAt(next, look);
    if (typeof next !== 'string') return next;
    wrong.push(next);
  }
  return wrong.join('\nor ');
}

function taken(verdictOn: VerdictOn, world: World, request: Request, seen: Seen): World | string {
  const { status, why, about, accounts } = verdictOn(world.accounts, request);
  if (status !== seen.status) return `${request.kind}: ${seen.status}, not ${status} (${why ?? 'done'})`;
  if (about === undefined) return (isOfIdp(request) && badRefusal(world, request, seen)) || world;
  const isChange = accounts !== world.accounts;
  const [id, version] = [world.ids[about] ?? seen.id, world.versions[about] ?? -1];
  if (id === undefined || (seen.id ?? id) !== id) return `${request.kind}: the account ${seen.id}, not ${id}`;
  if (world.ids[about] === undefined && world.ids.includes(id)) return `${request.kind}: ${id} is somebody else`;
  if (seen.version !== undefined && (isChange ? seen.version <= version : version > 0 && seen.version !== version))
    return `${request.kind}: version ${seen.version} after ${version}, ${isChange ? 'changed' : 'unchanged'}`;
  const differs = seen.shows && difference(accounts[about]!, seen.shows);
  if (differs) return `${request.kind}: ${differs}`;
  return isChange ? { accounts, ids: put(world.ids, about, id), versions: put(world.versions, about, seen.version ?? 0) } : world;
}

export function lookedAt(world: World, { id, version, shows }: Look): World | string {
  const about = world.ids.indexOf(id);
  const known = world.versions[about] || version;
  const differs = difference(world.accounts[about]!, shows) ?? (known === version ? undefined : `version ${version}, not ${known}`);
  return differs ? `${id}: ${differs}` : { ...world, versions: put(world.versions, about, version) };
}

/** What the identity provider is told where it is refused: whose fault it is, and nobody's id. */
function badRefusal({ ids }: World, request: Request, { status, scimType, detail = '' }: Seen): string | undefined {
  if (scimType !== (status === 409 ? 'uniqueness' : undefined)) return `${request.kind}: scimType ${scimType} with ${status}`;
  if (status === 403 && !/administrator/.test(detail)) return `${request.kind}: 403 does not say what to do: ${detail}`;
  const own = 'which' in request ? ids[request.which] : undefined;
  const named = ids.find((id) => id !== own && detail.split(/[^\w-]/).includes(id));
  return named === undefined ? undefined : `${request.kind}: the identity provider is told of ${named}`;
}

const put = <T>(values: readonly T[], at: number, value: T): readonly T[] =>
  at < values.length ? values.with(at, value) : [...values, value];

const NOBODY = -1;
