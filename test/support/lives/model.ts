// What must become of accounts: a small model, written from docs/accounts.md and docs/administrator.md alone. It knows nothing of the program,
// neither versions nor an index: a list of accounts, and one rule for each request.
import { isDeepStrictEqual } from 'node:util';
import type { Person, Request } from './requests.js';
import { MAPPINGS, PROFILES, type Settings, type Storage, type Titles } from './tenants.js';

export interface Account {
  readonly person: Person;
  readonly deleted: boolean;
  readonly preservedByIdp: boolean;
  readonly preservedByAdministrator: boolean;
  readonly managedBy: 'scim' | 'manual';
  readonly origin: 'scim' | 'manual';
  readonly profile: string | undefined;
  readonly profileBy: 'mapping' | 'administrator' | undefined;
  readonly storage: Storage | undefined;
  readonly storageBy: 'mapping' | 'administrator' | undefined;
  /** An administrator has said that whoever comes under this is meant. */
  readonly expects: Named | undefined;
  /** An administrator has said that whoever comes under one of these is not meant. */
  readonly separate: readonly Named[];
  /** What the person was called before, while an administrator kept them out. */
  readonly held: readonly string[];
  /** What was done to it, one word for each version. */
  readonly history: readonly string[];
}

interface Named {
  readonly userName?: string;
  readonly externalId?: string;
}

export interface Verdict {
  readonly status: number;
  /** Why it is refused. Nobody is told: it is counted, to show that the rule was tried. */
  readonly why?: string;
  /** Which account it was about, where it was done. */
  readonly about?: number;
  readonly accounts: readonly Account[];
}

/** What a request must be answered, and what is there afterwards. */
export function judge(settings: Settings, accounts: readonly Account[], request: Request): Verdict {
  const refuse = (status: number, why: string): Verdict => ({ status, why, accounts });
  /** A change is a version; what changes nothing is none. */
  const done = (status: number, about: number, account: Account, word: string): Verdict => {
    const kept = { ...account, held: heldBy(accounts[about], account) };
    if (isDeepStrictEqual(kept, accounts[about])) return { status, about, accounts };
    const next = { ...kept, history: [...account.history, word] };
    return { status, about, accounts: about < accounts.length ? accounts.with(about, next) : [...accounts, next] };
  };
  const live = (userName: string, besides?: Account): Account | undefined =>
    accounts.find((each) => each !== besides && !each.deleted && fold(each.person.userName) === fold(userName));
  const sameAs = (person: Omit<Person, 'title'>) => accounts.filter((each) => identity(each.person) === identity(person));

  switch (request.kind) {
    case 'assign': {
      const { person, active } = request;
      const who = whoIs(settings, accounts, person);
      if ('why' in who) return refuse(409, who.why);
      const { known } = who;
      if (!known) {
        const made = newcomer('scim', person, active);
        if (isKeptOut(settings, accounts, undefined, made)) return refuse(403, 'an administrator keeps the person out by another account');
        if (live(person.userName)) return refuse(409, 'the name is taken by somebody made by hand');
        return done(201, accounts.length, mapped(settings, undefined, made), 'create');
      }
      if (known.preservedByAdministrator && active !== false) return refuse(403, 'an administrator keeps the person out');
      const back = { ...known, person, deleted: false, preservedByIdp: active === false, managedBy: 'scim' as const, expects: undefined };
      if (isKeptOut(settings, accounts, known, back)) return refuse(403, 'an administrator keeps the person out by another account');
      // It claims its names anew: who was made by hand may have one meanwhile.
      if (live(person.userName, known)) return refuse(409, 'the name is taken meanwhile');
      const isAdopted = !known.deleted && known.managedBy === 'manual';
      return done(201, accounts.indexOf(known), mapped(settings, undefined, back), isAdopted ? 'adopt' : 'revive');
    }
    case 'make': {
      const { person, profile, storage } = request;
      const made = newcomer('manual', { ...person, title: undefined }, true);
      if (isWrong(settings, given(made, profile, storage))) return refuse(400, 'the profile takes no storage');
      if (live(person.userName)) return refuse(409, 'the name is taken');
      if (sameAs(person).length > 0) return refuse(409, 'the person has an account');
      if (isKeptOut(settings, accounts, undefined, made)) return refuse(403, 'an administrator keeps the person out by another account');
      return done(201, accounts.length, mapped(settings, undefined, given(made, profile, storage)), 'make');
    }
  }

  const { which } = request;
  const known = accounts[which];
  if (!known) return refuse(404, 'there is none');
  switch (request.kind) {
    case 'preserve':
      return done(200, which, { ...known, preservedByAdministrator: true }, 'preserve');
    case 'reactivate':
      if (!known.preservedByAdministrator) return refuse(409, 'no administrator keeps the person out');
      if (known.deleted && live(known.person.userName)) return refuse(409, 'the name is taken meanwhile');
      return done(200, which, { ...known, preservedByAdministrator: false, deleted: false }, 'reactivate');
    case 'adopt':
    case 'separate': {
      const { userName, externalId } = request;
      const named = { ...(userName === undefined ? {} : { userName }), ...(externalId === undefined ? {} : { externalId }) };
      const { expects, separate } = known;
      if (request.kind === 'adopt')
        return done(200, which, { ...known, expects: named, separate: separate.filter((each) => !isSame(each, named)) }, 'expect');
      const next = separate.some((each) => isSame(each, named)) ? separate : [...separate, named];
      return done(200, which, { ...known, expects: expects && isSame(expects, named) ? undefined : expects, separate: next }, 'separate');
    }
    case 'set': {
      const { profile, storage } = request;
      const next = given(known, profile, storage);
      const isLeft = profile === null;
      if (isWrong(isLeft ? settings : undefined, next)) return refuse(400, 'the profile takes no storage');
      return done(200, which, isLeft ? mapped(settings, undefined, next) : next, 'setAccount');
    }
  }

  if (known.deleted) return refuse(404, 'it is deleted');
  if (request.kind === 'delete') return done(204, which, { ...known, deleted: true, preservedByIdp: true }, 'delete');
  const { person, wish, word } = wanted(request, known);
  if (wish === true && known.preservedByAdministrator) return refuse(403, 'an administrator keeps the person out');
  const changed = { ...known, person, preservedByIdp: wish === undefined ? known.preservedByIdp : !wish };
  if (isKeptOut(settings, accounts, known, changed)) return refuse(403, 'an administrator keeps the person out by another account');
  if (live(person.userName, known)) return refuse(409, 'the name is taken');
  const next = { ...known, person, preservedByIdp: wish === undefined ? known.preservedByIdp : !wish, managedBy: 'scim' as const };
  return done(200, which, mapped(settings, known.managedBy === 'scim' ? known : undefined, next), word);
}

/** Who the identity provider says that somebody is, and whether it wishes them active. */
function wanted(request: Extract<Request, { kind: 'put' | 'update' | 'activate' | 'deactivate' }>, { person, preservedByIdp }: Account) {
  switch (request.kind) {
    case 'put':
      // One that only restates `active: true` wishes nothing.
      return { person: request.person, wish: request.active === true && !preservedByIdp ? undefined : request.active, word: 'replace' };
    case 'update':
      return { person: { ...person, ...request.change }, wish: request.active, word: 'patch' };
    default:
      return { person, wish: request.kind === 'activate', word: 'patch' };
  }
}

const fold = (text: string): string => text.toLowerCase();

/** What a person is known by. */
const identity = ({ email, userName }: Omit<Person, 'title'>): string => fold(email ?? userName);

const isNamed = ({ userName, externalId }: Named = {}, person: Pick<Person, 'userName' | 'externalId'>): boolean =>
  (externalId !== undefined && externalId === person.externalId) || (userName !== undefined && fold(userName) === fold(person.userName));
const isSame = (a: Named, b: Named): boolean => a.externalId === b.externalId && fold(a.userName ?? '') === fold(b.userName ?? '');
const isActive = (account: Account): boolean => !account.deleted && !account.preservedByIdp && !account.preservedByAdministrator;

const isStable = ({ externalId: setting }: Settings, id: string | undefined): id is string =>
  id !== undefined && (setting === 'auto' ? id.startsWith('00u') : setting === 'stable');

/** The table of the issue, row by row. */
function whoIs(settings: Settings, accounts: readonly Account[], person: Person): { known?: Account } | { why: string } {
  const stable = (a: Account) => isStable(settings, a.person.externalId) && isStable(settings, person.externalId);
  const x = (a: Account) => stable(a) && a.person.externalId === person.externalId;
  const otherX = (a: Account) => stable(a) && a.person.externalId !== person.externalId;
  const n = (a: Account) => fold(a.person.userName) === fold(person.userName);
  const address = (a: Account) => identity(a.person) === identity(person);
  const sameId = (a: Account) => person.externalId !== undefined && a.person.externalId === person.externalId;
  const isOther = (a: Account) => a.separate.some((each) => isNamed(each, person));
  const isByHand = (a: Account) => !a.deleted && a.managedBy === 'manual';
  const isLive = (a: Account) => !a.deleted && a.managedBy === 'scim';
  const pick = (all: readonly Account[], ...ways: readonly ((a: Account) => boolean)[]) => {
    let best = all;
    for (const way of ways) if (best.some(way)) best = best.filter(way);
    return best.length > 1 ? { why: 'two could be meant' } : { known: best[0]! };
  };

  if (accounts.some((a) => isLive(a) && isActive(a) && n(a))) return { why: 'the name is taken' };
  const may = accounts.filter((a) => !isOther(a) && !(isLive(a) && isActive(a)));
  const expected = may.filter((a) => isNamed(a.expects, person) && (x(a) || n(a) || address(a)));
  if (expected.length > 0) return pick(expected);
  if (accounts.some((a) => !a.deleted && n(a) && (isOther(a) || (isLive(a) && !x(a))))) return { why: 'the name is taken' };
  if (accounts.some((a) => isLive(a) && isActive(a) && x(a) && !isOther(a))) return { why: 'the externalId is taken' };
  const byId = may.filter(x);
  if (byId.length > 0) return pick(byId, n, address, sameId);
  const preserved = may.filter((a) => a.deleted || isByHand(a));
  const byName = preserved.filter((a) => n(a) && !otherX(a));
  if (byName.length > 0) return pick(byName, address, sameId);
  const recycled = preserved.filter((a) => n(a) && address(a));
  if (recycled.length > 0) {
    if (settings.recycledIdentity === 'separate') return {};
    return settings.recycledIdentity === 'refuse' ? { why: 'the name and the address were recycled' } : pick(recycled);
  }
  const byAddress = preserved.filter((a) => address(a) && !otherX(a));
  // An address that somebody else has tells nothing of who was deleted.
  const isElse = (a: Account) => address(a) && !byAddress.includes(a) && !(a.deleted && isOther(a));
  const known = byAddress.filter((a) => (a.deleted ? !accounts.some(isElse) : settings.adoption !== 'never'));
  if (known.length === 0) return {};
  const picked = pick(known, sameId);
  if (!picked.known || picked.known.deleted) return picked;
  const { profileBy, storageBy, preservedByAdministrator } = picked.known;
  const bears = profileBy === 'administrator' || storageBy === 'administrator' || preservedByAdministrator;
  return settings.adoption === 'ask' || (settings.adoption === 'auto' && bears) ? { why: 'an administrator is asked' } : picked;
}

/** What somebody is called: a userName and an address are one kind. */
const called = ({ userName, email, externalId }: Omit<Person, 'title'>): readonly string[] => [
  ...[userName, email].flatMap((name) => (name === undefined ? [] : `name ${fold(name)}`)),
  ...(externalId === undefined ? [] : [`id ${externalId}`]),
];

/** A hold keeps what the person was called while it stands. */
function heldBy(before: Account | undefined, next: Account): readonly string[] {
  if (!next.preservedByAdministrator) return [];
  if (!before?.preservedByAdministrator) return next.held;
  return [...new Set([...before.held, ...called(before.person).filter((name) => !called(next.person).includes(name))])];
}

/** Whether an active account would come to be, or get a name, that an administrator keeps out by another one. */
function isKeptOut(settings: Settings, accounts: readonly Account[], before: Account | undefined, next: Account): boolean {
  if (!isActive(next)) return false;
  const had = before && isActive(before) ? called(before.person) : [];
  const given = called(next.person).filter((name) => !had.includes(name) && (!name.startsWith('id ') || isStable(settings, name.slice(3))));
  return accounts.some(
    (each) =>
      each !== before &&
      each.preservedByAdministrator &&
      !each.separate.some((person) => isNamed(person, next.person)) &&
      [...called(each.person), ...each.held].some((name) => given.includes(name)),
  );
}

const newcomer = (origin: Account['origin'], person: Person, active: boolean | undefined): Account => ({
  ...{ person, origin, managedBy: origin, deleted: false, preservedByIdp: active === false, preservedByAdministrator: false },
  ...{ profile: undefined, profileBy: undefined, storage: undefined, storageBy: undefined, expects: undefined },
  ...{ separate: [], held: [], history: [] },
});

/** What an administrator gives, or takes away by null, is theirs; all else stays. */
function given(account: Account, profile: string | null | undefined, storage: Storage | null | undefined): Account {
  let next = account;
  if (profile !== undefined)
    next = { ...next, ...(profile === null ? { profile: undefined, profileBy: undefined } : { profile, profileBy: 'administrator' }) };
  if (storage === null) next = { ...next, storage: undefined, storageBy: undefined };
  else if (storage !== undefined) next = { ...next, storage: { ...next.storage, ...storage }, storageBy: 'administrator' };
  return next;
}

const givenBy = (rules: Titles, { person }: Account) => rules.titles[person.title ?? ''] ?? rules.default;
const takesStorage = (profile: string): boolean => PROFILES[profile]!.some((workload) => workload !== 'saasApps');

/** Whether somebody has storage by a profile that takes none, or would by what the mappings give to who has no profile. */
function isWrong(left: Settings | undefined, account: Account): boolean {
  if (account.storage === undefined) return false;
  if (account.profile !== undefined) return !takesStorage(account.profile);
  const rules: Titles | undefined = left && MAPPINGS[left.mappings];
  const gives = rules && givenBy(rules, account);
  // Storage that a mapping gave goes with what the mappings give now.
  return gives !== undefined && account.storageBy === 'administrator' && !takesStorage(gives.profile);
}

/** What mappings give to who is new, adopted or back (`before` is undefined), or has another title and their profile from a mapping. Never what is an administrator's. */
function mapped({ mappings }: Settings, before: Account | undefined, account: Account): Account {
  const rules: Titles | undefined = MAPPINGS[mappings];
  if (!rules || account.profileBy === 'administrator') return account;
  if (before && (account.profileBy === undefined || before.person.title === account.person.title)) return account;
  const gives = givenBy(rules, account);
  if (!gives || (account.storageBy === 'administrator' && !takesStorage(gives.profile))) return account;
  const next = { ...account, profile: gives.profile, profileBy: 'mapping' as const };
  return account.storageBy === 'administrator' ? next : { ...next, storage: gives.storage, storageBy: gives.storage && 'mapping' };
}
