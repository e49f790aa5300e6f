// What administrators do to accounts (docs/accounts.md). Decided and committed like everything that identity providers ask for.
import { foldCase, type JsonObject, ScimError } from '@rollcall/scim';
import type { Account, Person, Preserver, Resource, Storage } from './resource.js';

export type AccountCommand =
  /** Keeps the person out until an administrator lets them in again. */
  | { readonly kind: 'preserve'; readonly type: 'User'; readonly id: string; readonly reason?: string }
  /** Lifts the administrator's mark, and never the identity provider's. */
  | { readonly kind: 'reactivate'; readonly type: 'User'; readonly id: string }
  /** Sets what the account may use; null takes it away, and lets mappings choose again. */
  | {
      readonly kind: 'setAccount';
      readonly type: 'User';
      readonly id: string;
      readonly profile?: string | null;
      readonly storage?: Storage | null;
      readonly ifMatch?: string;
    }
  /** The mappings look at the account as at a new one, unless the person is deleted. */
  | { readonly kind: 'remap'; readonly type: 'User'; readonly id: string }
  /** An account made by hand, or by import. */
  | {
      readonly kind: 'make';
      readonly type: 'User';
      readonly attributes: JsonObject;
      readonly origin: 'manual' | 'import' | 'directory';
      readonly profile?: string;
      readonly storage?: Storage;
    }
  /** This account is the person who comes under this name or externalId: decides an ambiguity, or a recycled address. */
  | { readonly kind: 'expect'; readonly type: 'User'; readonly id: string; readonly userName?: string; readonly externalId?: string }
  /** This account is not the person who comes under this name or externalId: they are somebody else, whatever they have in common. */
  | { readonly kind: 'separate'; readonly type: 'User'; readonly id: string; readonly userName?: string; readonly externalId?: string }
  /** Takes away everything of the person; the id stays, so that nothing late brings them back. */
  | { readonly kind: 'purge'; readonly type: 'User'; readonly id: string };

export type AccountOperation = AccountCommand['kind'];

/** Sets or lifts one mark; the other is never touched. One that is set already stays as old as it is, and takes a new reason. */
export function mark(account: Account, by: Preserver, on: boolean, at?: { readonly at: string; readonly reason?: string }): Account {
  const preservedBy = account.preservedBy.filter((each) => each !== by);
  const { [by]: known, ...others } = account.preserved ?? {};
  const was = account.preservedBy.includes(by) ? known : undefined;
  const restated = was && at?.reason !== undefined ? { ...was, reason: at.reason } : was;
  const now = on ? (restated ?? at) : undefined;
  const preserved = { ...others, ...(now ? { [by]: now } : {}) };
  const { preserved: _, held, ...rest } = account;
  const isHeldOn = held !== undefined && (on || by !== 'administrator');
  return {
    ...rest,
    ...(isHeldOn ? { held } : {}),
    preservedBy: on ? [...preservedBy, by] : preservedBy,
    ...(Object.keys(preserved).length > 0 ? { preserved } : {}),
  };
}

/**
 * What an administrator's command makes of an account.
 * @throws ScimError 409 where there is nothing to lift; 404 for one that was purged
 */
export function administered(resource: Resource, command: Exclude<AccountCommand, { kind: 'make' }>, now: string): Resource {
  const { account } = resource;
  if (account.purged) throw new ScimError(404, undefined, `User ${resource.id} was purged`);
  switch (command.kind) {
    case 'preserve': {
      const { reason } = command;
      return { ...resource, account: mark(account, 'administrator', true, { at: now, ...(reason === undefined ? {} : { reason }) }) };
    }
    case 'reactivate':
      if (!account.preservedBy.includes('administrator')) throw new ScimError(409, undefined, notByAdministrator(resource));
      return { ...resource, deleted: false, account: mark(account, 'administrator', false) };
    case 'setAccount':
      return { ...resource, account: provided(account, command) };
    case 'expect': {
      const { userName, externalId } = command;
      const expects = { ...(userName === undefined ? {} : { userName }), ...(externalId === undefined ? {} : { externalId }) };
      return { ...resource, account: withSeparate({ ...account, expects }, without(account.separate, expects)) };
    }
    case 'separate': {
      const { userName, externalId } = command;
      const person = { ...(userName === undefined ? {} : { userName }), ...(externalId === undefined ? {} : { externalId }) };
      const { expects, ...rest } = account;
      const known = account.separate ?? [];
      const isKnown = known.some((each) => isSamePerson(each, person));
      if (!isKnown && known.length >= SEPARATE_MAX)
        throw new ScimError(409, undefined, `an account is told apart from at most ${SEPARATE_MAX} people`);
      const stillExpects = expects && !isSamePerson(expects, person) ? { expects } : {};
      return { ...resource, account: withSeparate({ ...rest, ...stillExpects }, isKnown ? known : [...known, person]) };
    }
    case 'remap':
      return resource;
    case 'purge': {
      const { origin, managedBy } = account;
      return { ...resource, deleted: true, attributes: {}, account: { preservedBy: ['administrator'], origin, managedBy, purged: true } };
    }
  }
}

/** Whether an administrator has said that this account is the person who is described. */
export const isExpected = ({ account }: Pick<Resource, 'account'>, attributes: JsonObject): boolean => isNamed(account.expects, attributes);

/** Whether an administrator has said that this account is not the person who is described. */
export const isSeparate = ({ account }: Pick<Resource, 'account'>, attributes: JsonObject): boolean =>
  account.separate?.some((person) => isNamed(person, attributes)) ?? false;

function isNamed({ userName, externalId }: Person = {}, attributes: JsonObject): boolean {
  if (externalId !== undefined && attributes.externalId === externalId) return true;
  return userName !== undefined && typeof attributes.userName === 'string' && foldCase(attributes.userName) === foldCase(userName);
}

const isSamePerson = (a: Person, b: Person): boolean =>
  a.externalId === b.externalId && foldCase(a.userName ?? '') === foldCase(b.userName ?? '');
const without = (people: readonly Person[] = [], person: Person): readonly Person[] => people.filter((each) => !isSamePerson(each, person));

function withSeparate(account: Account, separate: readonly Person[]): Account {
  const { separate: _, ...rest } = account;
  return separate.length === 0 ? rest : { ...rest, separate };
}

function provided(account: Account, { profile, storage }: Extract<AccountCommand, { kind: 'setAccount' }>): Account {
  let next = account;
  if (profile === null) {
    const { profile: _, profileBy: __, ...rest } = next;
    next = rest;
  } else if (profile !== undefined) {
    next = { ...next, profile, profileBy: 'administrator' };
  }
  if (storage === null) {
    const { storage: _, storageBy: __, ...rest } = next;
    next = rest;
  } else if (storage !== undefined) {
    next = { ...next, storage: { ...next.storage, ...storage }, storageBy: 'administrator' };
  }
  return next;
}

function notByAdministrator({ account }: Resource): string {
  return account.preservedBy.includes('idp')
    ? 'the identity provider preserved this account, not an administrator: assign the person there again'
    : 'no administrator preserved this account: it is active';
}

const SEPARATE_MAX = 100;
