// What must become of accounts: a small model, written from DESIGN section 8 and docs/administrator.md alone. It knows nothing of the program,
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
  readonly expects: { readonly userName?: string; readonly externalId?: string } | undefined;
  /** What was done to it, one word for each version. */
  readonly history: readonly string[];
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
    if (isDeepStrictEqual(account, accounts[about])) return { status, about, accounts };
    const next = { ...account, history: [...account.history, word] };
    return { status, about, accounts: about < accounts.length ? accounts.with(about, next) : [...accounts, next] };
  };
  const live = (userName: string, besides?: Account): Account | undefined =>
    accounts.find((each) => each !== besides && !each.deleted && fold(each.person.userName) === fold(userName));
  const sameAs = (person: Omit<Person, 'title'>) => accounts.filter((each) => identity(each.person) === identity(person));

  switch (request.kind) {
    case 'assign': {
      const { person, active } = request;
      const holder = live(person.userName);
      if (holder?.managedBy === 'scim') return refuse(409, 'the name is taken');
      let meant = sameAs(person).filter(({ deleted, managedBy }) => deleted || managedBy === 'manual');
      if (holder && !meant.includes(holder)) {
        if (person.email !== undefined) return refuse(409, 'the name is taken by somebody made by hand');
        meant.push(holder);
      }
      const expected = meant.filter((each) => expects(each, person));
      if (expected.length > 0) meant = expected;
      const [known, another] = meant;
      if (another) return refuse(409, 'two could be meant');
      if (!known) return done(201, accounts.length, mapped(settings, undefined, newcomer('scim', person, active)), 'create');
      const isAnother =
        known.person.externalId !== undefined && person.externalId !== undefined && known.person.externalId !== person.externalId;
      if (settings.recycledIdentity === 'refuse' && known.deleted && isAnother && expected.length === 0)
        return refuse(409, 'the address was recycled');
      if (known.preservedByAdministrator && active !== false) return refuse(403, 'an administrator keeps the person out');
      // It claims its names anew: who was made by hand may have one meanwhile, where an administrator has said that somebody else is meant.
      if (live(person.userName, known)) return refuse(409, 'the name is taken meanwhile');
      const back = { ...known, person, deleted: false, preservedByIdp: active === false, managedBy: 'scim' as const, expects: undefined };
      return done(201, accounts.indexOf(known), mapped(settings, undefined, back), known.deleted ? 'revive' : 'adopt');
    }
    case 'make': {
      const { person, profile, storage } = request;
      const made = newcomer('manual', { ...person, title: undefined }, true);
      if (isWrong(settings, given(made, profile, storage))) return refuse(400, 'the profile takes no storage');
      if (live(person.userName)) return refuse(409, 'the name is taken');
      if (sameAs(person).length > 0) return refuse(409, 'the person has an account');
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
    case 'adopt': {
      const { userName, externalId } = request;
      const expects = { ...(userName === undefined ? {} : { userName }), ...(externalId === undefined ? {} : { externalId }) };
      return done(200, which, { ...known, expects }, 'expect');
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

const expects = (account: Account, { userName, externalId }: Person): boolean =>
  account.expects?.userName === undefined
    ? account.expects?.externalId !== undefined && account.expects.externalId === externalId
    : fold(account.expects.userName) === fold(userName);

const newcomer = (origin: Account['origin'], person: Person, active: boolean | undefined): Account => ({
  ...{ person, origin, managedBy: origin, deleted: false, preservedByIdp: active === false, preservedByAdministrator: false },
  ...{ profile: undefined, profileBy: undefined, storage: undefined, storageBy: undefined, expects: undefined, history: [] },
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
