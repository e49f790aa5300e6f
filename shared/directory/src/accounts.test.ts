import { type JsonObject, parseFilter, ROLLCALL_USER_URN, type ScimError, USER } from '@rollcall/scim';
import type { AccountCommand } from './accounts.js';
import type { Command } from './command.js';
import { fieldsOf } from './index-fields.js';
import { assigned, concerns, type Mappings, mapped, readsGroups } from './mappings.js';
import { type Account, isActive, type Resource } from './resource.js';
import { type Accept, create, type Final, Model, NOW, patch, remove, replace, setActive, TYPES } from './testing.js';

let model: Model;
beforeEach(() => {
  model = new Model();
});

const resourceOf = (id: string): Resource => model.states.get(id)!.resource;
const accountOf = (id: string): Account => resourceOf(id).account;
const accepted = (decision: Final): Accept => {
  if (decision.kind !== 'accept') throw new Error(`expected an accept, got ${JSON.stringify(decision)}`);
  return decision;
};
const errorOf = (decision: Final): ScimError => {
  if (decision.kind !== 'refuse') throw new Error(`expected a refusal, got ${decision.kind}`);
  return decision.error;
};
const adding = (userName: string, more: Record<string, unknown> = {}) => accepted(model.run(create(userName, more))).next.id;
const admin = <Kind extends AccountCommand['kind']>(kind: Kind, id: string, more: Record<string, unknown> = {}) =>
  model.run({ kind, type: 'User', id, ...more } as Command);
const by = (kind: 'preserve' | 'reactivate', id: string): Command => ({ kind, type: 'User', id });
const made = (userName: string, email: string, more: Record<string, unknown> = {}) =>
  model.run({
    kind: 'make',
    type: 'User',
    origin: 'manual',
    attributes: { userName, emails: [{ value: email, primary: true }] },
    ...more,
  } as Command);

describe('an account that an administrator preserves', () => {
  it('is inactive, with when and why, and its access goes first', () => {
    const id = adding('ada');
    const decision = accepted(admin('preserve', id, { reason: 'investigation' }));
    expect(decision.urgent).toBe(true);
    expect(accountOf(id)).toMatchObject({
      preservedBy: ['administrator'],
      preserved: { administrator: { reason: 'investigation', at: expect.any(String) } },
    });
    expect(isActive(resourceOf(id))).toBe(false);
    for (const more of [{}, { reason: 'investigation' }]) expect(admin('preserve', id, more).kind).toBe('unchanged');
  });

  it('takes the newest reason, and stays as old as it is', () => {
    const id = adding('ada');
    admin('preserve', id, { reason: 'investigation' });
    const { at } = accountOf(id).preserved!.administrator!;
    const again = { kind: 'preserve', type: 'User', id, reason: 'she left' } as const;
    const later = model.decide(again, { id: 'x', now: '2030-01-01T00:00:00.000Z' });
    expect(accepted(later).next.account.preserved).toEqual({ administrator: { at, reason: 'she left' } });
  });

  it.each([
    ['PATCH active: true', (id: string) => setActive(id, true)],
    ['a PUT with active: true after the identity provider had deactivated it', (id: string) => replace(id, 'ada', { active: true })],
  ])('is not reactivated by %s: 403 that says what to do', (_, attempt) => {
    const id = adding('ada');
    model.run(setActive(id, false));
    admin('preserve', id);
    const error = errorOf(model.run(attempt(id)));
    expect([error.status, error.scimType]).toEqual([403, undefined]);
    expect(error.detail).toMatch(/administrator/);
    expect(accountOf(id).preservedBy).toEqual(['idp', 'administrator']);
  });

  it('is not reactivated by a POST after its DELETE', () => {
    const id = adding('ada');
    admin('preserve', id);
    model.run(remove(id));
    expect(errorOf(model.run(create('ada'))).status).toBe(403);
  });

  it('takes other changes, and a PUT that only restates active: true', () => {
    const id = adding('ada');
    admin('preserve', id);
    accepted(model.run(replace(id, 'ada', { active: true, title: 'Countess' })));
    expect(resourceOf(id).attributes.title).toBe('Countess');
    expect(isActive(resourceOf(id))).toBe(false);
    accepted(model.run(patch(id, { op: 'replace', path: 'title', value: 'Lady' })));
  });

  it('is reactivated by an administrator alone, who never lifts the identity provider’s mark', () => {
    const id = adding('ada');
    admin('preserve', id);
    model.run(setActive(id, false));
    accepted(admin('reactivate', id));
    expect(accountOf(id).preservedBy).toEqual(['idp']);
    const error = errorOf(admin('reactivate', id));
    expect(error.status).toBe(409);
    expect(error.detail).toMatch(/identity provider/);
    accepted(model.run(setActive(id, true)));
    expect(isActive(resourceOf(id))).toBe(true);
    expect(accountOf(id).preserved).toBeUndefined();
  });

  it('that was deleted claims its names anew, and 409 names the account that has them', () => {
    const id = adding('ada');
    admin('preserve', id);
    model.run(remove(id));
    accepted(admin('separate', id, { userName: 'ada' }));
    const other = adding('ada', { email: 'other@x' });
    const taken = errorOf(admin('reactivate', id));
    expect([taken.scimType, taken.cause]).toMatchObject(['uniqueness', { reason: 'taken', accounts: [other] }]);
    model.run(remove(other));
    accepted(admin('reactivate', id));
    expect(resourceOf(id)).toMatchObject({ deleted: false, account: { preservedBy: ['idp'] } });
    expect(model.index.get('n:userName:ada')).toBe(id);
  });
});

describe('an account made by hand', () => {
  it('is managed by hand until the identity provider writes to it, and keeps id, profile and storage', () => {
    const id = accepted(made('ada', 'ada@x', { profile: 'office', storage: { region: 'eu', quotaBytes: 5 } })).next.id;
    expect(accountOf(id)).toMatchObject({ origin: 'manual', managedBy: 'manual', profile: 'office', profileBy: 'administrator' });
    const adopted = accepted(model.run(create('ADA', { email: 'ada.l@x' })));
    expect(adopted).toMatchObject({
      operation: 'adopt',
      next: { id, account: { origin: 'manual', managedBy: 'scim', profile: 'office', storage: { region: 'eu', quotaBytes: 5 } } },
    });
  });

  it('is refused where the name or the person has an account already', () => {
    const id = adding('ada', { email: 'ada@x' });
    expect(errorOf(made('ADA', 'other@x')).scimType).toBe('uniqueness');
    const error = errorOf(made('ada2', 'ada@x'));
    expect([error.status, error.detail]).toEqual([409, expect.stringContaining(id)]);
  });
});

describe('a recycled address', () => {
  const [OLD, NEW] = ['00u1oldoldoldold', '00u1newnewnewnew'];
  const come = () => create('ada', { email: 'ada@x', externalId: NEW });
  const deleted = () => {
    const id = adding('ada', { email: 'ada@x', externalId: OLD });
    model.run(remove(id));
    return id;
  };

  it('revives the account by default, and says so', () => {
    const id = deleted();
    expect(accepted(model.run(come()))).toMatchObject({
      operation: 'revive',
      next: { id },
      judged: { outcome: 'recycled', accounts: [id] },
    });
  });

  it('is another person by setting: a new account beside the old one', () => {
    model.rules = { recycledIdentity: 'separate' };
    const id = deleted();
    expect(accepted(model.run(come()))).toMatchObject({ operation: 'create', judged: { outcome: 'separated', accounts: [id] } });
  });

  it('is refused by setting, until an administrator says that it is the same person', () => {
    model.rules = { recycledIdentity: 'refuse' };
    const id = deleted();
    const error = errorOf(model.run(come()));
    expect([error.status, error.scimType]).toEqual([409, 'uniqueness']);
    expect(error.detail).not.toContain(id);
    expect(error.cause).toMatchObject({ reason: 'recycled', accounts: [id], person: { userName: 'ada', externalId: NEW } });
    accepted(admin('expect', id, { externalId: NEW }));
    expect(accepted(model.run(come()))).toMatchObject({ operation: 'revive', next: { id } });
    expect(accountOf(id).expects).toBeUndefined();
  });
});

it('two candidates are refused, until an administrator says which', () => {
  const [a, b] = [adding('ada', { email: 'ada@x' }), adding('lovelace', { email: 'ada@x' })];
  model.run(remove(a));
  model.run(remove(b));
  const error = errorOf(model.run(create('grace', { email: 'ada@x' })));
  expect([error.status, error.detail.includes(a), error.detail.includes(b)]).toEqual([409, false, false]);
  // What the administrator is told, who must decide.
  expect(error.cause).toMatchObject({ reason: 'ambiguous', accounts: expect.arrayContaining([a, b]), person: { userName: 'grace' } });
  admin('expect', b, { userName: 'GRACE' });
  expect(accepted(model.run(create('grace', { email: 'ada@x' }))).next.id).toBe(b);
});

describe('a person known by userPrincipalName', () => {
  const byHand = (userName: string, more: JsonObject = {}) =>
    accepted(model.run({ kind: 'make', type: 'User', origin: 'manual', attributes: { userName, ...more } } as Command)).next.id;
  beforeEach(() => {
    model.rules = { identityAttribute: 'userPrincipalName', recycledIdentity: 'reactivate' };
  });

  it('is adopted, whatever the name and the address', () => {
    const id = byHand('grace', { userPrincipalName: 'grace@corp', emails: [{ value: 'g@x' }] });
    const posted = accepted(model.run(create('g.hopper', { email: 'other@x', userPrincipalName: 'GRACE@corp' })));
    expect(posted).toMatchObject({ operation: 'adopt', next: { id, account: { managedBy: 'scim' } } });
  });

  it('is not somebody else of the same address', () => {
    byHand('grace', { userPrincipalName: 'grace@corp', emails: [{ value: 'shared@x' }] });
    expect(accepted(model.run(create('ada', { email: 'shared@x', userPrincipalName: 'ada@corp' }))).operation).toBe('create');
  });

  it('is revived wherever it came before, and comes now', () => {
    const id = adding('ada', { [ROLLCALL_USER_URN]: { userPrincipalName: 'ada@corp' } });
    model.run(remove(id));
    expect(accepted(model.run(create('lovelace', { userPrincipalName: 'ada@corp' })))).toMatchObject({ operation: 'revive', next: { id } });
  });

  it('who has none is known by the userName, live or deleted', () => {
    const id = byHand('ada@corp');
    expect(accepted(model.run(create('ada', { userPrincipalName: 'ada@corp' })))).toMatchObject({ operation: 'adopt', next: { id } });
    const gone = adding('bob@corp');
    model.run(remove(gone));
    expect(accepted(model.run(create('bob', { userPrincipalName: 'BOB@corp' })))).toMatchObject({
      operation: 'revive',
      next: { id: gone },
    });
  });

  it('whose name was recycled is refused by setting', () => {
    model.rules = { identityAttribute: 'userPrincipalName', recycledIdentity: 'refuse' };
    model.run(remove(adding('ada', { externalId: '00u1oldoldoldold', userPrincipalName: 'ada@corp' })));
    expect(errorOf(model.run(create('ada', { externalId: '00u1newnewnewnew', userPrincipalName: 'ada@corp' }))).status).toBe(409);
  });

  it('who could be two is refused', () => {
    const [a, b] = [adding('ada', { userPrincipalName: 'ada@corp' }), adding('ada@corp')];
    model.run(remove(a));
    model.run(remove(b));
    expect(errorOf(model.run(create('new', { userPrincipalName: 'ada@corp' }))).detail).toMatch(/more than one/);
  });

  it('is refused an account by hand where there is one', () => {
    adding('ada', { userPrincipalName: 'ada@corp' });
    const error = errorOf(model.run({ kind: 'make', type: 'User', origin: 'manual', attributes: { userName: 'ada@corp' } } as Command));
    expect([error.status, error.detail]).toEqual([409, expect.stringMatching(/already/)]);
  });

  it('is found by what the tenant goes by at the time, as both are kept', () => {
    const id = adding('ada', { email: 'ada@x', userPrincipalName: 'ada@corp' });
    model.run(remove(id));
    model.rules = { identityAttribute: 'email', recycledIdentity: 'reactivate' };
    expect(accepted(model.decide(create('x', { email: 'ada@x' }), { id: 'n', now: NOW }))).toMatchObject({ operation: 'revive' });
    expect(accepted(model.decide(create('x', { userPrincipalName: 'ada@corp' }), { id: 'n', now: NOW }))).toMatchObject({
      operation: 'create',
    });
  });

  it('sent twice, in different words, is refused', () => {
    const error = errorOf(model.run(create('ada', { userPrincipalName: 'a', [ROLLCALL_USER_URN]: { userPrincipalName: 'b' } })));
    expect([error.status, error.scimType]).toEqual([400, 'invalidValue']);
  });

  it('changed by a PATCH is known by the new one, in all places', () => {
    const id = adding('ada', { userPrincipalName: 'a@corp', [ROLLCALL_USER_URN]: { userPrincipalName: 'a@corp' } });
    accepted(model.run(patch(id, { op: 'Replace', path: 'userPrincipalName', value: 'b@corp' })));
    expect(resourceOf(id).attributes[ROLLCALL_USER_URN]).toEqual({ userPrincipalName: 'b@corp' });
    expect([model.index.get('u:b@corp'), model.index.get('u:a@corp')]).toEqual([id, undefined]);
  });
});

describe('mappings', () => {
  const rule = (name: string, filter: string, profile: string) => ({
    name,
    filter: parseFilter(USER, filter),
    profile,
    storage: { region: name },
  });
  const mappings: Mappings = {
    rules: [rule('eu', 'title sw "Engineer" and active eq true', 'engineer'), rule('us', 'userType eq "Contractor"', 'saasAppsOnly')],
    default: { profile: 'basic' },
  };
  beforeEach(() => {
    model.rules = { recycledIdentity: 'reactivate', mappings };
  });

  it('the first match wins, and a default ends the list', () => {
    expect(accountOf(adding('a', { title: 'Engineer', userType: 'Contractor' }))).toMatchObject({
      profile: 'engineer',
      profileBy: 'mapping',
      storage: { region: 'eu' },
    });
    expect(accountOf(adding('b', { userType: 'contractor' }))).toMatchObject({ profile: 'saasAppsOnly' });
    expect(accountOf(adding('c'))).toMatchObject({ profile: 'basic', profileBy: 'mapping' });
    expect(accountOf(adding('d')).storage).toBeUndefined();
  });

  it('run again when an attribute that a rule reads changes, and only then', () => {
    const id = adding('a', { title: 'Engineer' });
    model.rules = { recycledIdentity: 'reactivate', mappings: { ...mappings, default: { profile: 'other' } } };
    model.run(patch(id, { op: 'replace', path: 'nickName', value: 'x' }));
    expect(accountOf(id).profile).toBe('engineer');
    model.run(patch(id, { op: 'replace', path: 'title', value: 'Clerk' }));
    expect(accountOf(id).profile).toBe('other');
  });

  it('move who is deactivated, where they are applied to all; who is deleted keeps what they have until they come back', () => {
    const giving = (profile: string) => ({ recycledIdentity: 'reactivate' as const, mappings: { rules: [], default: { profile } } });
    model.rules = giving('one');
    const [out, gone, kept] = [adding('a'), adding('b'), adding('c')];
    for (const leave of [setActive(out, false), remove(gone), by('preserve', kept)]) accepted(model.run(leave));
    model.rules = giving('other');
    for (const id of [out, kept]) expect(accepted(admin('remap', id)).next.account.profile).toBe('other');
    expect([admin('remap', gone).kind, accountOf(gone).profile]).toEqual(['unchanged', 'one']);
    expect(accepted(model.run(create('b'))).next.account.profile).toBe('other');
  });

  it('do not run when somebody is active again', () => {
    const giving = (profile: string) => ({ recycledIdentity: 'reactivate' as const, mappings: { rules: [], default: { profile } } });
    model.rules = giving('one');
    const [out, kept] = [adding('a'), adding('b')];
    for (const leave of [setActive(out, false), by('preserve', kept)]) accepted(model.run(leave));
    model.rules = giving('other');
    for (const back of [setActive(out, true), by('reactivate', kept)]) expect(accepted(model.run(back)).next.account.profile).toBe('one');
  });

  it('find a userPrincipalName wherever it is, and run again when it changes there', () => {
    const upn = { ...rule('corp', 'title pr', 'corp'), filter: parseFilter(TYPES.User, 'userPrincipalName ew "@corp"') };
    model.rules = { identityAttribute: 'userPrincipalName', recycledIdentity: 'reactivate', mappings: { ...mappings, rules: [upn] } };
    const id = adding('a', { [ROLLCALL_USER_URN]: { userPrincipalName: 'a@corp' } });
    expect(accountOf(id).profile).toBe('corp');
    model.run(patch(id, { op: 'replace', path: `${ROLLCALL_USER_URN}:userPrincipalName`, value: 'a@elsewhere' }));
    expect(accountOf(id).profile).toBe('basic');
  });

  it.each([
    'groups.display eq "staff"',
    'groups.value eq "g1"',
    'groups[display eq "Staff" and value eq "g1"]',
    'groups pr',
    'not (groups.display eq "Guests")',
  ])('know who is in a group: %s', (filter) => {
    const ofGroups = { rules: [{ name: 'r', filter: parseFilter(USER, filter), profile: 'staff' }] };
    expect([readsGroups(ofGroups), readsGroups(mappings)]).toEqual([true, false]);
    const resource = resourceOf(adding('a'));
    expect(assigned(ofGroups, resource, [{ id: 'g1', display: 'Staff' }])?.profile).toBe('staff');
    expect(assigned(ofGroups, resource, [{ id: 'g2', display: 'Guests' }])?.profile).toBe(filter === 'groups pr' ? 'staff' : undefined);
    expect(assigned(ofGroups, resource, [])?.profile).toBe(filter.startsWith('not') ? 'staff' : undefined);
  });

  it('are to look again at who is new, adopted, revived or active again, or whose profile or attributes that they read have changed; at nobody else', () => {
    const one = resourceOf(adding('a', { title: 'Engineer' }));
    const other = (change: Partial<typeof one>) => concerns(mappings, one, { ...one, ...change });
    expect(concerns(mappings, undefined, one)).toBe(true);
    expect(other({ deleted: true })).toBe(true);
    expect(other({ account: { ...one.account, managedBy: 'manual' } })).toBe(true);
    expect(other({ account: { ...one.account, profile: 'x' } })).toBe(true);
    expect(other({ account: { ...one.account, storage: { region: 'x' } } })).toBe(true);
    expect(other({ account: { ...one.account, preservedBy: ['idp'] } })).toBe(true); // a rule reads `active`
    expect(other({ attributes: { ...one.attributes, title: 'Clerk' } })).toBe(true);
    expect(other({ attributes: { ...one.attributes, nickName: 'x' } })).toBe(false);
    expect(other({})).toBe(false);
    const preserved: typeof one = { ...one, account: { ...one.account, preservedBy: ['idp'] } };
    const onTitle = { rules: [rule('r', 'title pr', 'staff')] };
    expect([concerns(onTitle, one, preserved), concerns(onTitle, preserved, one)]).toEqual([false, true]);
    const byHand: typeof one = { ...one, account: { ...one.account, profileBy: 'administrator' } };
    expect(concerns(mappings, byHand, { ...byHand, attributes: { ...one.attributes, title: 'Clerk' } })).toBe(false);
  });

  it('leave what groups gave, where a change comes without the groups: the worker judges it with them', () => {
    const id = adding('a', { title: 'Engineer' });
    const ofGroups = { rules: [rule('r', 'groups pr', 'staff')], default: { profile: 'other' } };
    model.rules = { recycledIdentity: 'reactivate', mappings: ofGroups };
    model.run(patch(id, { op: 'replace', path: 'title', value: 'Clerk' }));
    expect(accountOf(id).profile).toBe('engineer');
    expect(mapped(ofGroups, undefined, resourceOf(id), [{ id: 'g1' }]).account.profile).toBe('staff');
  });

  it('never touch what an administrator chose, until it is taken away', () => {
    const id = adding('a');
    accepted(admin('setAccount', id, { profile: 'special', storage: { quotaBytes: 9 } }));
    model.run(patch(id, { op: 'replace', path: 'title', value: 'Engineer' }));
    expect(accountOf(id)).toMatchObject({ profile: 'special', profileBy: 'administrator', storage: { quotaBytes: 9 } });
    accepted(admin('setAccount', id, { profile: null }));
    expect(accountOf(id)).toMatchObject({ profile: 'engineer', profileBy: 'mapping' });
  });

  // Quotas of an import, or set by hand, were gone as soon as a mapping chose the profile.
  it('leave storage that an administrator gave, whoever chose the profile, until it is taken away', () => {
    const made = accepted(
      model.run({ kind: 'make', type: 'User', origin: 'import', attributes: { userName: 'x' }, storage: { quotaBytes: 5 } }),
    );
    const id = made.next.id;
    const kept = { storage: { quotaBytes: 5 }, storageBy: 'administrator' };
    expect(accountOf(id)).toMatchObject({ profile: 'basic', profileBy: 'mapping', ...kept });
    accepted(model.run(create('x', { title: 'Engineer' })));
    expect(accountOf(id)).toMatchObject({ managedBy: 'scim', profile: 'engineer', ...kept });
    model.run(patch(id, { op: 'replace', path: 'title', value: 'Clerk' }));
    expect(accountOf(id)).toMatchObject({ profile: 'basic', ...kept });
    model.run(remove(id));
    model.run(create('x', { title: 'Engineer' }));
    expect(accountOf(id)).toMatchObject({ profile: 'engineer', ...kept });
    accepted(admin('setAccount', id, { storage: null, profile: null }));
    expect(accountOf(id)).toMatchObject({ profile: 'engineer', storage: { region: 'eu' } });
    expect(accountOf(id).storageBy).toBeUndefined();
  });

  it('look at an account made by hand with its first write, and leave a profile that was given', () => {
    const bare = accepted(model.run({ kind: 'make', type: 'User', origin: 'import', attributes: { userName: 'x', title: 'Engineer' } }))
      .next.id;
    expect(accountOf(bare).profileBy).toBe('mapping');
    const given = accepted(made('y', 'y@x', { profile: 'own' })).next.id;
    accepted(model.run(create('y', { email: 'y@x', title: 'Engineer' })));
    expect(accountOf(given)).toMatchObject({ profile: 'own', profileBy: 'administrator', managedBy: 'scim' });
  });
});

it('a purged account leaves its id and nothing of the person; its identity is free', () => {
  const id = adding('ada', { email: 'ada@x', externalId: 'e' });
  accepted(admin('purge', id));
  expect(resourceOf(id)).toMatchObject({ deleted: true, attributes: {}, account: { purged: true } });
  expect(fieldsOf(resourceOf(id))).toEqual([]);
  expect(accepted(model.run(create('ada', { email: 'ada@x' }))).next.id).not.toBe(id);
  expect(errorOf(admin('reactivate', id)).status).toBe(404);
});
