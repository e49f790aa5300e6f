/** What the tests of this room share: a small directory in memory, which reads and commits as the store does. */
import { CORE_TYPES, PATCH_OP_URN, parsePatch, USER_URN, validateResource, withUserPrincipalName } from '@rollcall/scim';
import type { Command, Stamp } from './command.js';
import { type Decision, decide, type Entry, type State, type TenantRules } from './decide.js';
import { fieldsOf, type IndexField, joinIds, splitIds } from './index-fields.js';
import type { Account, Resource, Versioned } from './resource.js';

/** Those of a tenant that goes, or may go, by userPrincipalName. */
export const TYPES = withUserPrincipalName(CORE_TYPES);
export const NOW = '2026-01-31T10:30:00.000Z';

export const create = (userName: string, more: Record<string, unknown> = {}): Command => ({
  kind: 'create',
  type: 'User',
  attributes: attributesOf(userName, more),
});
export const replace = (id: string, userName: string, more: Record<string, unknown> = {}, ifMatch?: string): Command => ({
  kind: 'replace',
  type: 'User',
  id,
  attributes: attributesOf(userName, more, 'replace'),
  ...(ifMatch === undefined ? {} : { ifMatch }),
});
export const patch = (id: string, ...operations: readonly Record<string, unknown>[]): Command => ({
  kind: 'patch',
  type: 'User',
  id,
  operations: parsePatch(TYPES.User, { schemas: [PATCH_OP_URN], Operations: operations } as never),
});
export const remove = (id: string): Command => ({ kind: 'delete', type: 'User', id });
export const setActive = (id: string, active: boolean | string): Command => patch(id, { op: 'replace', path: 'active', value: active });

/** Attributes as a validated request has them. `email` stands for one primary address. */
export function attributesOf(userName: string, { email, ...more }: Record<string, unknown> = {}, purpose: 'create' | 'replace' = 'create') {
  const emails = email === undefined ? {} : { emails: [{ value: email, primary: true, type: 'work' }] };
  const body = { schemas: [USER_URN], userName, ...emails, ...more };
  return validateResource(TYPES.User, body as never, { unknownAttributes: 'ignore', purpose }).attributes;
}

export type Accept = Extract<Decision, { kind: 'accept' }>;
export type Final = Exclude<Decision, { kind: 'look' }>;

/** Times that a command may ask for more before it must have decided. */
const LOOKS_MAX = 5;

/** Redis and MongoDB of one tenant, as far as a decision sees them. */
export class Model {
  readonly index = new Map<IndexField, string>();
  readonly states = new Map<string, Versioned>();
  /** What MongoDB has: looked at where the index is not complete. */
  readonly stored = new Map<string, Versioned>();
  live = 0;
  /** Rises when Redis forgets; a commit of another epoch is refused. */
  epoch = 1;
  #counter = 0;
  /** Under which key each was committed last, where it had one. */
  readonly #requests = new Map<string, string | undefined>();

  constructor(
    public complete = true,
    public rules?: TenantRules,
  ) {}

  /**
   * Decides a command, giving it whatever it asks to look at.
   * @param meanwhile called before each reading but the first: what others do there is seen by the later ones alone
   */
  decide(command: Command, at: Stamp, meanwhile: () => void = () => {}): Final {
    const entries = new Map<IndexField, Entry>();
    const others = new Map<string, Versioned | null>();
    const current = 'id' in command ? this.states.get(command.id) : undefined;
    const state: State = { current, entries, others, complete: this.complete, rules: this.rules, types: TYPES };
    for (let looks = 0; looks <= LOOKS_MAX; looks += 1) {
      const decision = decide(state, command, at);
      if (decision.kind !== 'look') return decision;
      const asked = decision.entries.length + decision.others.length;
      if (asked === 0) throw new Error('asked to look at nothing');
      meanwhile();
      for (const field of decision.entries) {
        if (entries.has(field)) throw new Error(`asked twice for ${field}`);
        entries.set(field, this.#entry(field));
      }
      if (decision.entries.length > 0 && decision.others.length > 0) meanwhile();
      for (const id of decision.others) {
        if (others.has(id)) throw new Error(`asked twice for ${id}`);
        others.set(id, this.states.get(id) ?? null);
      }
    }
    throw new Error(`${command.kind}: looked ${LOOKS_MAX} times and has not decided`);
  }

  /** Commits an accepted decision, if its premises still hold; the same again under its request key finds what it has done. */
  commit({ next, premises }: Accept, epoch = this.epoch, requestKey?: string): Versioned | 'conflict' {
    if (epoch !== this.epoch) return 'conflict';
    const versionOf = (id: string) => this.states.get(id)?.version ?? 0;
    if (requestKey !== undefined && this.#requests.get(next.id) === requestKey) return this.states.get(next.id)!;
    if (versionOf(next.id) !== premises.version) return 'conflict';
    if (premises.others.some(({ id, version }) => versionOf(id) !== version)) return 'conflict';
    if (premises.entries.some(({ field, seen }) => (this.index.get(field) ?? '') !== seen)) return 'conflict';
    for (const { field, seen, next: after } of premises.entries) this.#write(field, seen, after);
    this.#requests.set(next.id, requestKey);
    return this.#keep(next);
  }

  /** Decides and commits. */
  run(command: Command, id = `id${this.#counter + 1}`): Final {
    const decision = this.decide(command, { id, now: NOW });
    if (decision.kind === 'accept' && this.commit(decision) === 'conflict') throw new Error('a conflict with nobody else there');
    return decision;
  }

  /** Puts an account there that SCIM did not make, or changes one as an administrator does. */
  put(resource: Resource): Versioned {
    const before = this.states.get(resource.id);
    for (const field of before ? fieldsOf(before.resource) : []) {
      const held = this.index.get(field) ?? '';
      this.#write(field, held, joinIds(splitIds(held).filter((id) => id !== resource.id)));
    }
    for (const field of fieldsOf(resource)) {
      const { ids } = this.#entry(field);
      this.#write(field, this.index.get(field) ?? '', joinIds([...ids.filter((id) => id !== resource.id), resource.id]));
    }
    return this.#keep(resource);
  }

  mark(id: string, account: Partial<Account>): void {
    const { resource } = this.states.get(id)!;
    this.put({ ...resource, account: { ...resource.account, ...account } });
  }

  /** MongoDB gets everything. */
  settle(): void {
    for (const [id, state] of this.states) this.stored.set(id, state);
  }

  /** Redis forgets its index, and loads it again. */
  forgetIndex(): void {
    this.settle();
    this.epoch += 1;
    this.index.clear();
    this.live = 0;
    this.complete = false;
  }

  load(): void {
    const fields = new Set([...this.stored.values()].flatMap(({ resource }) => fieldsOf(resource)));
    for (const field of fields) {
      const { raw, ids } = this.#entry(field);
      if (raw === '' && ids.length > 0) this.#write(field, '', joinIds(ids));
    }
    this.complete = true;
  }

  /** What the index must say: every field that a state bears, with all who bear it. */
  truth(): Map<IndexField, string[]> {
    const truth = new Map<IndexField, string[]>();
    for (const { resource } of this.states.values()) {
      for (const field of fieldsOf(resource)) truth.set(field, [...(truth.get(field) ?? []), resource.id].sort());
    }
    return truth;
  }

  #entry(field: IndexField): Entry {
    const raw = this.index.get(field) ?? '';
    if (raw !== '' || this.complete) return { raw, ids: splitIds(raw) };
    const holders = [...this.stored.values()].filter(({ resource }) => fieldsOf(resource).includes(field));
    return {
      raw,
      ids: holders.filter(({ resource, version }) => this.states.get(resource.id)!.version <= version).map((h) => h.resource.id),
    };
  }

  #write(field: IndexField, seen: string, after: string): void {
    if (after === '') this.index.delete(field);
    else this.index.set(field, after);
    if (field.startsWith('n:userName:')) this.live += Number(after !== '') - Number(seen !== '');
  }

  #keep(resource: Resource): Versioned {
    this.#counter += 1;
    const born = this.states.get(resource.id)?.born ?? this.#counter;
    const versioned = { resource, version: this.#counter, born, modified_ms: this.#counter };
    this.states.set(resource.id, versioned);
    return versioned;
  }
}

/** An account that somebody made by hand, or imported. */
export function manual(id: string, userName: string, more: Record<string, unknown> = {}, account: Partial<Account> = {}): Resource {
  const { active: _, ...attributes } = attributesOf(userName, more);
  return {
    ...{ type: 'User', id, created: NOW, deleted: false, attributes },
    account: { preservedBy: [], origin: 'manual', managedBy: 'manual', ...account },
  };
}
