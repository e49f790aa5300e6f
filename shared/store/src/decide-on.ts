import type { Decision, Entry, IndexField, MemberLook, MemberState, NamedMember, State, TenantRules, Versioned } from '@rollcall/directory';
import type { JsonObject, ResourceTypes } from '@rollcall/scim';
import type { TenantView } from './continuity.js';
import type { Memberships } from './memberships.js';
import type { Reader } from './reader.js';

export interface DecideDeps {
  readonly reader: Pick<Reader, 'resource' | 'resources' | 'entries'>;
  readonly memberships: Pick<Memberships, 'named' | 'count' | 'all' | 'above' | 'hasAnyone'>;
}

/** What a decision is about, and by whose rules. */
export interface About {
  /** Of the resource that is addressed; absent: a new one. */
  readonly id?: string | undefined;
  readonly rules?: TenantRules | undefined;
  /** The tenant's; absent: the core types. */
  readonly types?: ResourceTypes | undefined;
}

export interface Decided {
  readonly decision: Exclude<Decision, { kind: 'look' }>;
  /** What it rests on. */
  readonly state: State;
}

/**
 * Decides on a snapshot that grows by what the decision asks for.
 * @throws TransientError where what must be read is away; Error (a bug) for a decision that never has enough
 */
export async function decideOn(
  { reader, memberships }: DecideDeps,
  view: TenantView,
  { id, rules, types }: About,
  decide: (state: State) => Decision,
): Promise<Decided> {
  const entries = new Map<IndexField, Entry>();
  const others = new Map<string, Versioned | null>();
  const members: Looked = { named: new Map() };
  const current = id === undefined ? undefined : await reader.resource(view, id);
  const state: State = { current, entries, others, complete: view.complete, rules, members, types };
  for (let looks = 0; looks <= LOOKS_MAX; looks += 1) {
    const decision = decide(state);
    if (decision.kind !== 'look') return { decision, state };
    const [found, holders] = await Promise.all([reader.entries(view, decision.entries), reader.resources(view, decision.others)]);
    for (const [field, entry] of found) entries.set(field, entry);
    for (const other of decision.others) others.set(other, holders.get(other) ?? null);
    if (decision.members) await look(memberships, view, current, decision.members, members);
  }
  throw new Error(`not decided after ${LOOKS_MAX} looks`);
}

/** What is known of members, grown by what the decision asks for. */
interface Looked extends MemberState {
  readonly named: Map<string, NamedMember>;
  count?: number;
  all?: readonly JsonObject[];
  above?: ReadonlySet<string>;
  anyone?: boolean;
}

async function look(
  memberships: DecideDeps['memberships'],
  view: TenantView,
  group: Versioned | undefined,
  { named, count, all, above, anyone }: MemberLook,
  into: Looked,
): Promise<void> {
  if (named.length > 0) for (const [id, member] of await memberships.named(view, group, named)) into.named.set(id, member);
  if (count) into.count = group ? await memberships.count(view, group) : 0;
  if (above) into.above = group ? await memberships.above(view, group) : new Set();
  if (anyone) into.anyone = group ? await memberships.hasAnyone(view, group) : false;
  if (all) into.all = group ? await memberships.all(view, group) : [];
}

const LOOKS_MAX = 8;
