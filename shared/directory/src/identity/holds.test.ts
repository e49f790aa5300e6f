import type { ScimError } from '@rollcall/scim';
import type { Command } from '../command.js';
import { create, type Final, Model, manual, NOW, patch, remove, replace, setActive } from '../testing.js';

const ID = '00u1adaadaadaada';
const ADA = ['ada', { email: 'ada@x', externalId: ID }] as const;
const KEPT_OUT = { status: 403, detail: 'active: an administrator preserved this account; only an administrator can reactivate it' };

let model: Model;
let id: string;
const accepted = (decision: Final): string => {
  if (decision.kind !== 'accept') throw new Error(`expected an accept, got ${JSON.stringify(decision)}`);
  return decision.next.id;
};
const run = (command: Command): string => accepted(model.run(command));
const admin = (kind: 'preserve' | 'reactivate' | 'separate' | 'purge', which: string, more: object = {}) =>
  model.run({ kind, type: 'User', id: which, ...more } as Command);
const errorOf = (decision: Final): ScimError | undefined => (decision.kind === 'refuse' ? decision.error : undefined);
const rename = (which: string, path: string, value: string) =>
  patch(which, path === 'email' ? { op: 'replace', path: 'emails[type eq "work"].value', value } : { op: 'replace', path, value });

/** Carries out all, and answers the last. */
const inTurn = (...commands: readonly Command[]): Final => {
  for (const command of commands.slice(0, -1)) run(command);
  return model.run(commands.at(-1)!);
};

beforeEach(() => {
  model = new Model();
  id = run(create(...ADA));
});

describe('an administrator keeps the person out', () => {
  beforeEach(() => void accepted(admin('preserve', id)));

  // Six of these made an active account.
  it.each<[string, () => Final]>([
    ['created under another userName', () => model.run(create('lovelace', { email: 'ada@x' }))],
    ['created under another address and the same externalId', () => model.run(create('lovelace', { email: 'new@x', externalId: ID }))],
    ['created under the address as userName', () => model.run(create('ADA@x', { email: 'new@x' }))],
    ['renamed, then created', () => inTurn(rename(id, 'userName', 'gone'), create('ada', { email: 'new@x' }))],
    [
      'renamed with another address, then created',
      () => inTurn(rename(id, 'userName', 'gone'), rename(id, 'email', 'gone@x'), create('ada', { email: 'ada@x' })),
    ],
    [
      'renamed twice, then created under the second name',
      () => inTurn(rename(id, 'userName', 'second'), rename(id, 'userName', 'third'), create('second', { email: 'new@x' })),
    ],
    ['renamed, deleted, then created', () => inTurn(rename(id, 'email', 'gone@x'), remove(id), create('lovelace', { email: 'ada@x' }))],
    ['deleted, then created', () => inTurn(remove(id), create(...ADA))],
    ['deleted, then created under another userName', () => inTurn(remove(id), create('lovelace', { email: 'ada@x' }))],
    [
      'created under an alias, then given the address',
      () => model.run(rename(run(create('alias', { email: 'alias@x' })), 'email', 'ADA@x')),
    ],
    [
      'created under an alias, then replaced',
      () => model.run(replace(run(create('alias', { email: 'alias@x' })), 'alias', { email: 'ada@x' })),
    ],
    [
      'created under an alias, then given the externalId',
      () => model.run(rename(run(create('alias', { email: 'alias@x' })), 'externalId', ID)),
    ],
    ['created deactivated, then activated', () => model.run(setActive(run(create('alias', { email: 'ada@x', active: false })), true))],
    [
      'given another externalId, then created under the first',
      () => inTurn(rename(id, 'externalId', '00u1otherother00'), create('lovelace', { email: 'new@x', externalId: ID })),
    ],
    ['reactivated', () => model.run(setActive(id, true))],
    [
      'made by hand',
      () =>
        model.run({
          ...{ kind: 'make', type: 'User', origin: 'manual' },
          attributes: { userName: 'ada@x', emails: [{ value: 'new@x', primary: true }] },
        } as Command),
    ],
  ])('who is %s: 403', (_, attempt) => {
    expect(errorOf(attempt())).toMatchObject({ ...KEPT_OUT, scimType: undefined, cause: { reason: 'preserved', accounts: [id] } });
  });

  it('but not under an externalId that others may get, nor somebody else', () => {
    run(create('bob', { email: 'bob@x', externalId: 'staff' }));
    accepted(admin('preserve', run(create('cyd', { email: 'cyd@x', externalId: 'staff' }))));
    run(create('dan', { email: 'dan@x', externalId: 'staff' }));
  });

  it('and leaves alone who shares the address already: other changes, and an address that stays', () => {
    model.put(manual('m', 'eve', { email: 'ada@x' }, { managedBy: 'scim' }));
    run(patch('m', { op: 'replace', path: 'title', value: 'T' }));
    run(replace('m', 'eve2', { email: 'ada@x' }));
    run(setActive('m', false));
    expect(errorOf(model.run(setActive('m', true)))).toMatchObject(KEPT_OUT);
  });

  it('until the hold is lifted, which forgets what it kept', () => {
    run(rename(id, 'userName', 'gone'));
    expect(model.states.get(id)!.resource.account.held).toEqual(['h:n:ada']);
    accepted(admin('reactivate', id));
    expect(model.states.get(id)!.resource.account).not.toHaveProperty('held');
    run(create('ada', { email: 'new@x' }));
  });

  it('but not whom an administrator says to be somebody else, by userName or by externalId', () => {
    accepted(admin('separate', id, { userName: 'GRACE' }));
    accepted(admin('separate', id, { externalId: '00u1gracegrace00' }));
    run(create('grace', { email: 'ada@x' }));
    run(create('hopper', { email: 'ada@x', externalId: '00u1gracegrace00' }));
    expect(errorOf(model.run(create('lovelace', { email: 'ada@x' })))).toMatchObject(KEPT_OUT);
    accepted(model.run({ kind: 'expect', type: 'User', id, userName: 'grace' }));
    expect(model.states.get(id)!.resource.account.separate).toEqual([{ externalId: '00u1gracegrace00' }]);
  });

  it('until the account is purged, as nothing is left to know the person by', () => {
    run(rename(id, 'userName', 'gone'));
    accepted(admin('purge', id));
    expect([...model.index.keys()]).toEqual([]);
    expect(JSON.stringify(model.states.get(id)!.resource)).not.toMatch(/ada|gone/);
    run(create(...ADA));
  });

  it('keeps a bounded number of former names, and refuses more in place of forgetting one', () => {
    for (let number = 0; number < 200; number += 1) run(rename(id, 'userName', `n${number}`));
    expect(errorOf(model.run(rename(id, 'userName', 'more')))?.status).toBe(403);
    expect(errorOf(model.run(create('ada', { email: 'new@x' })))).toMatchObject(KEPT_OUT);
  });
});

it('a hold that is set while a request decides is in its way: the commit conflicts', () => {
  const coming = model.decide(create('lovelace', { email: 'ada@x' }), { id: 'new', now: NOW });
  const renaming = run(create('alias', { email: 'alias@x' }));
  const changing = model.decide(rename(renaming, 'email', 'ada@x'), { id: 'x', now: NOW });
  accepted(admin('preserve', id));
  for (const decision of [coming, changing]) {
    if (decision.kind !== 'accept') throw new Error('not accepted');
    expect(model.commit(decision)).toBe('conflict');
  }
});

it('two people who are held and share an address are let in one by one', () => {
  const other = run(create('bob', { email: 'ada@x' }));
  for (const each of [id, other]) accepted(admin('preserve', each));
  for (const each of [id, other]) accepted(admin('reactivate', each));
});
