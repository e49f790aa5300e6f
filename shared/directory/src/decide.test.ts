import { CORE_TYPES, defineSchema, extendTypes, type JsonObject, ScimError } from '@rollcall/scim';
import { type Decision, decide, restate, type State } from './decide.js';
import { isActive, type Resource } from './resource.js';
import { type Accept, create, type Final, Model, manual, NOW, patch, remove, replace, setActive } from './testing.js';

let model: Model;
beforeEach(() => {
  model = new Model();
});

const resourceOf = (id: string): Resource => model.states.get(id)!.resource;
const accepted = (decision: Final): Accept => {
  if (decision.kind !== 'accept') throw new Error(`expected an accept, got ${JSON.stringify(decision)}`);
  return decision;
};
const errorOf = (decision: Decision): ScimError => {
  if (decision.kind !== 'refuse') throw new Error(`expected a refusal, got ${decision.kind}`);
  expect(decision.error).toBeInstanceOf(ScimError);
  return decision.error;
};
const adding = (userName: string, email?: string, more: Record<string, unknown> = {}) =>
  accepted(model.run(create(userName, { ...(email === undefined ? {} : { email }), ...more }))).next.id;
const ADA = ['ada', 'ada@x'] as const;

describe('POST of somebody new', () => {
  it('creates the account, with all its entries and their absence as premises', () => {
    const decision = accepted(model.decide(create('Ada', { email: 'Ada@X', externalId: 'E1' }), { id: 'new', now: NOW }));
    expect(decision).toMatchObject({
      operation: 'create',
      urgent: false,
      next: {
        ...{ id: 'new', type: 'User', created: NOW, deleted: false },
        account: { preservedBy: [], origin: 'scim', managedBy: 'scim' },
      },
      premises: { version: 0, others: [] },
    });
    expect(decision.before).toBeUndefined();
    expect(decision.premises.entries).toEqual([
      { field: 'i:ada@x', seen: '', next: 'new' },
      { field: 'n:userName:ada', seen: '', next: 'new' },
      { field: 'x:E1', seen: '', next: 'new' },
      // Nobody who was deleted had the name, and nobody whom an administrator keeps out has it or the address.
      ...['d:n:ada', 'h:n:ada', 'h:n:ada@x'].map((field) => ({ field, seen: '', next: '' })),
    ]);
  });

  it('keeps no `active` among the attributes: it follows from the account', () => {
    const decision = accepted(model.run(create('ada', { active: false })));
    expect(decision.next.attributes).not.toHaveProperty('active');
    expect(decision.next.account.preservedBy).toEqual(['idp']);
    expect(decision.urgent).toBe(false);
  });

  it('takes the userName as identity where there is no address, and the first address where none is primary', () => {
    adding('ada');
    expect(model.index.has('i:ada')).toBe(true);
    adding('bob', undefined, { emails: [{ value: 'B1@x' }, { value: 'b2@x' }] });
    expect(model.index.has('i:b1@x')).toBe(true);
    expect(model.index.has('i:bob')).toBe(false);
  });

  it('shares externalId and identity with others', () => {
    const [first, second] = [adding('ada', 'same@x', { externalId: 'E' }), adding('bob', 'same@x', { externalId: 'E' })];
    expect(model.index.get('x:E')).toBe(`${first} ${second}`);
    expect(model.index.get('i:same@x')).toBe(`${first} ${second}`);
  });
});

describe('POST of a name that is taken (RFC 7644 §3.3)', () => {
  it.each(['ada', 'ADA', 'Ada'])('answers 409 uniqueness, in whatever case: %s', (name) => {
    adding('ada', 'ada@x');
    expect(errorOf(model.run(create(name, { email: 'other@x' })))).toMatchObject({ status: 409, scimType: 'uniqueness' });
  });

  it('answers 409 before anything else: a deleted account of the person does not help', () => {
    model.run(remove(adding('old', 'ada@x')));
    adding('ada', 'other@x');
    expect(errorOf(model.run(create(...(['ada', { email: 'ada@x' }] as const)))).status).toBe(409);
  });

  it('adopts an unmanaged holder of the name, whatever the address', () => {
    model.put(manual('m', 'ada', { email: 'other@x' }));
    expect(accepted(model.run(create('ada', { email: 'ada@x' })))).toMatchObject({ operation: 'adopt', next: { id: 'm' } });
  });

  it('takes over an entry that its holder does not bear out, with the holder as a premise', () => {
    const other = adding('bob');
    model.index.set('n:userName:ada', other);
    const decision = accepted(model.decide(create('ada'), { id: 'new', now: NOW }));
    expect(decision.premises.others).toEqual([{ id: other, version: 1 }]);
    expect(decision.premises.entries).toContainEqual({ field: 'n:userName:ada', seen: other, next: 'new' });
  });

  it('takes over an entry of nobody', () => {
    model.index.set('n:userName:ada', 'gone');
    const decision = accepted(model.decide(create('ada'), { id: 'new', now: NOW }));
    expect(decision.premises.others).toEqual([{ id: 'gone', version: 0 }]);
  });
});

describe('POST of somebody who was deleted', () => {
  it('revives the account: same id, same birth, account and origin, new attributes and names', () => {
    const id = adding(...ADA, { title: 'Countess' });
    model.run(remove(id));
    const decision = accepted(model.run(create('ada2', { email: 'ADA@x' })));
    expect(decision).toMatchObject({ operation: 'revive', next: { id, deleted: false, account: { preservedBy: [], managedBy: 'scim' } } });
    expect(decision.next.attributes).not.toHaveProperty('title');
    expect(decision.premises.version).toBe(2);
    expect(model.index.get('n:userName:ada2')).toBe(id);
    expect(model.states.get(id)!.born).toBe(1);
    expect(model.live).toBe(1);
  });

  it('claims the name, also where its entry was read before the DELETE and the account after it', () => {
    const id = adding(...ADA);
    const others = [() => {}, () => void model.run(remove(id))];
    const decision = accepted(model.decide(create('ada', { email: 'ada@x' }), { id: 'new', now: NOW }, () => others.shift()?.()));
    expect(decision).toMatchObject({ operation: 'revive', next: { id } });
    expect(model.commit(decision)).toBe('conflict');
    model.run(create('ada', { email: 'ada@x' }));
    expect(model.index.get('n:userName:ada')).toBe(id);
  });

  it('with `active: false` revives it preserved', () => {
    model.run(remove(adding(...ADA)));
    expect(accepted(model.run(create('ada', { email: 'ada@x', active: false }))).next.account.preservedBy).toEqual(['idp']);
  });

  it('answers 409 where the name is taken meanwhile', () => {
    model.run(remove(adding(...ADA)));
    adding('ada', 'other@x');
    expect(errorOf(model.run(create('ada', { email: 'ada@x' }))).status).toBe(409);
  });

  it('answers 403 without scimType where an administrator preserves it, and keeps both marks apart', () => {
    const id = adding(...ADA);
    model.mark(id, { preservedBy: ['administrator'] });
    model.run(remove(id));
    const error = errorOf(model.run(create('ada', { email: 'ada@x' })));
    expect(error).toMatchObject({ status: 403, scimType: undefined });
    expect([...resourceOf(id).account.preservedBy].sort()).toEqual(['administrator', 'idp']);
    const inactive = accepted(model.run(create('ada', { email: 'ada@x', active: false })));
    expect(inactive).toMatchObject({ operation: 'revive', next: { id } });
  });

  it('answers 409 for two accounts that could be meant, and names neither', () => {
    const ids = [adding('a', 'same@x'), adding('b', 'same@x')];
    for (const id of ids) model.run(remove(id));
    const error = errorOf(model.run(create('c', { email: 'same@x' })));
    expect(error).toMatchObject({ status: 409, scimType: 'uniqueness' });
    for (const id of ids) expect(error.detail).not.toContain(id);
  });

  it('makes a new account for another person', () => {
    model.run(remove(adding(...ADA)));
    expect(accepted(model.run(create('grace', { email: 'other@x' }))).operation).toBe('create');
  });

  it('makes a new account beside one of the same address, while somebody else has that address', () => {
    const id = adding('a', 'same@x');
    adding('b', 'same@x');
    model.run(remove(id));
    expect(accepted(model.run(create('c', { email: 'same@x' })))).toMatchObject({
      operation: 'create',
      judged: { outcome: 'separated', accounts: [id] },
    });
  });
});

describe('an account made by hand or imported', () => {
  it('is adopted by a POST for that person, and keeps its id and origin', () => {
    model.put(manual('m', 'ada.old', { email: 'ada@x' }, { origin: 'import' }));
    expect(accepted(model.run(create('ada', { email: 'ada@x' })))).toMatchObject({
      operation: 'adopt',
      next: { id: 'm', account: { origin: 'import', managedBy: 'scim' } },
      premises: { version: 1 },
    });
    expect(model.index.has('n:userName:ada.old')).toBe(false);
    expect(model.live).toBe(1);
  });

  it('is adopted by its userName where the person has no address', () => {
    model.put(manual('m', 'ada', { email: 'ada@x' }));
    expect(accepted(model.run(create('ada')))).toMatchObject({ operation: 'adopt', next: { id: 'm' } });
  });

  it('leaves at once where the POST says `active: false`', () => {
    model.put(manual('m', 'ada', { email: 'ada@x' }));
    expect(accepted(model.run(create('ada', { email: 'ada@x', active: false })))).toMatchObject({ operation: 'adopt', urgent: true });
  });

  it('answers 403 where an administrator preserves it', () => {
    model.put(manual('m', 'ada', { email: 'ada@x' }, { preservedBy: ['administrator'] }));
    expect(errorOf(model.run(create('ada', { email: 'ada@x' }))).status).toBe(403);
  });

  it.each<[string, () => Final]>([
    ['PUT', () => model.run(replace('m', 'ada'))],
    ['PATCH', () => model.run(patch('m', { op: 'replace', path: 'title', value: 'T' }))],
  ])('becomes managed with the first %s', (_, run) => {
    model.put(manual('m', 'ada'));
    expect(accepted(run()).next.account).toMatchObject({ managedBy: 'scim', origin: 'manual' });
  });
});

describe('PUT (RFC 7644 §3.5.1)', () => {
  it('replaces the attributes and nothing else', () => {
    const id = adding(...ADA, { title: 'Countess' });
    const decision = accepted(model.run(replace(id, 'ada', { email: 'ada@x', nickName: 'A' })));
    expect(decision.next.attributes).toMatchObject({ nickName: 'A' });
    expect(decision.next.attributes).not.toHaveProperty('title');
    expect(decision.premises.entries).toEqual([]);
    expect(decision.before?.version).toBe(1);
  });

  it('restating what is there costs no version', () => {
    const id = adding(...ADA);
    expect(model.run(replace(id, 'ada', { email: 'ada@x', active: true })).kind).toBe('unchanged');
  });

  it('with `active: false` preserves, first of all', () => {
    const id = adding(...ADA);
    expect(accepted(model.run(replace(id, 'ada', { email: 'ada@x', active: false }))).urgent).toBe(true);
    expect(model.run(replace(id, 'ada', { email: 'ada@x', active: false })).kind).toBe('unchanged');
    expect(accepted(model.run(replace(id, 'ada', { email: 'ada@x', active: true }))).urgent).toBe(false);
    expect(isActive(resourceOf(id))).toBe(true);
  });

  it('that only restates `active: true` is no attempt to reactivate what an administrator preserves', () => {
    const id = adding(...ADA);
    model.mark(id, { preservedBy: ['administrator'] });
    const decision = accepted(model.run(replace(id, 'ada', { email: 'ada@x', title: 'T', active: true })));
    expect(decision.next.account.preservedBy).toEqual(['administrator']);
  });

  it('answers 403 where it lifts the identity provider’s own mark beside the administrator’s', () => {
    const id = adding(...ADA);
    model.mark(id, { preservedBy: ['idp', 'administrator'] });
    expect(errorOf(model.run(replace(id, 'ada', { email: 'ada@x', active: true })))).toMatchObject({ status: 403, scimType: undefined });
  });

  it('adds its own mark beside the administrator’s, and is no leaver then', () => {
    const id = adding(...ADA);
    model.mark(id, { preservedBy: ['administrator'] });
    const decision = accepted(model.run(replace(id, 'ada', { email: 'ada@x', active: false })));
    expect(decision).toMatchObject({ urgent: false, next: { account: { preservedBy: ['administrator', 'idp'] } } });
  });
});

describe('PUT and immutable attributes (RFC 7644 §3.5.1)', () => {
  const URN = 'urn:example:card';
  const card = defineSchema({ id: URN, name: 'Card', attributes: [{ name: 'once', mutability: 'immutable' }, { name: 'free' }] });
  const types = extendTypes(CORE_TYPES, { User: [card], Group: [card] });
  const named = { User: { userName: 'ada' }, Group: { displayName: 'Staff' } };
  const put = (type: 'User' | 'Group', given: JsonObject) => {
    const attributes = { ...named[type], [URN]: { once: 'a', free: 'f' } };
    const resource: Resource = {
      ...{ id: 'one', type, created: NOW, deleted: false, attributes },
      account: { preservedBy: [], origin: 'scim', managedBy: 'scim' },
    };
    const state: State = {
      current: { resource, version: 1, modified_ms: 0, born: 1 },
      ...{ entries: new Map(), others: new Map(), complete: true, types, members: { named: new Map(), count: 0 } },
    };
    return decide(state, { kind: 'replace', type, id: 'one', attributes: { ...named[type], ...given } }, { id: 'stamp', now: NOW });
  };

  it.each(['User', 'Group'] as const)('keeps what a %s has and the client leaves out, and refuses what is given otherwise', (type) => {
    expect(put(type, { [URN]: { free: 'g' } })).toMatchObject({ next: { attributes: { [URN]: { once: 'a', free: 'g' } } } });
    expect(put(type, {})).toMatchObject({ next: { attributes: { [URN]: { once: 'a' } } } });
    expect(put(type, { [URN]: { once: 'A', free: 'f' } }).kind).toBe('unchanged');
    expect(errorOf(put(type, { [URN]: { once: 'b' } }))).toMatchObject({ status: 400, scimType: 'mutability' });
  });
});

describe('PATCH (RFC 7644 §3.5.2)', () => {
  it('changes nothing where it says what is so', () => {
    const id = adding(...ADA, { title: 'T' });
    expect(model.run(patch(id, { op: 'replace', path: 'title', value: 'T' })).kind).toBe('unchanged');
    expect(model.run(patch(id, { op: 'remove', path: 'nickName' })).kind).toBe('unchanged');
    expect(model.run(setActive(id, true)).kind).toBe('unchanged');
  });

  it.each([false, 'False', 'false'])('with `active: %p` preserves, first of all', (active) => {
    const id = adding(...ADA);
    expect(accepted(model.run(setActive(id, active)))).toMatchObject({ urgent: true, next: { account: { preservedBy: ['idp'] } } });
    expect(model.run(setActive(id, active)).kind).toBe('unchanged');
  });

  it('reactivates what only the identity provider preserves', () => {
    const id = adding(...ADA, { active: false });
    expect(accepted(model.run(setActive(id, true)))).toMatchObject({ urgent: false, next: { account: { preservedBy: [] } } });
  });

  it.each([[['administrator']], [['idp', 'administrator']]] as const)(
    'answers 403 to `active: true` on what %p preserve',
    (preservedBy) => {
      const id = adding(...ADA);
      model.mark(id, { preservedBy: [...preservedBy] });
      expect(errorOf(model.run(setActive(id, true)))).toMatchObject({ status: 403, scimType: undefined });
    },
  );

  // `active` also shows the administrator's mark: a PATCH of false showed no difference and was dropped, and the account came back when the
  // administrator lifted the mark.
  it('with `active: false` adds its own mark beside the administrator’s', () => {
    const id = adding(...ADA);
    model.mark(id, { preservedBy: ['administrator'] });
    expect(accepted(model.run(setActive(id, false))).next.account.preservedBy).toEqual(['administrator', 'idp']);
    expect(model.run(setActive(id, false)).kind).toBe('unchanged');
  });

  it('leaves the marks alone where it says nothing of `active`', () => {
    const id = adding(...ADA);
    model.mark(id, { preservedBy: ['administrator'] });
    expect(accepted(model.run(patch(id, { op: 'replace', path: 'title', value: 'T' }))).next.account.preservedBy).toEqual([
      'administrator',
    ]);
  });

  it('renames: gives one claim back and takes the other, with its absence as a premise', () => {
    const id = adding(...ADA);
    const decision = accepted(model.run(patch(id, { op: 'replace', path: 'userName', value: 'lovelace' })));
    expect(decision.premises.entries).toEqual([
      { field: 'n:userName:ada', seen: id, next: '' },
      { field: 'n:userName:lovelace', seen: '', next: id },
      { field: 'h:n:lovelace', seen: '', next: '' },
    ]);
    expect(model.live).toBe(1);
  });

  it('renames in case alone without touching the index', () => {
    const id = adding(...ADA);
    expect(accepted(model.run(patch(id, { op: 'replace', path: 'userName', value: 'ADA' }))).premises.entries).toEqual([]);
  });

  it('answers 409 to a rename to a taken name, and 400 to what cannot be', () => {
    adding('bob');
    const id = adding(...ADA);
    expect(errorOf(model.run(patch(id, { op: 'replace', path: 'userName', value: 'BOB' })))).toMatchObject({ status: 409 });
    expect(errorOf(model.run(patch(id, { op: 'remove', path: 'userName' }))).status).toBe(400);
  });

  it('moves the identity with the primary address, and leaves others their entry', () => {
    const [a, b] = [adding('a', 'same@x'), adding('b', 'same@x')];
    model.run(patch(a, { op: 'replace', path: 'emails[type eq "work"].value', value: 'new@x' }));
    expect(model.index.get('i:same@x')).toBe(b);
    expect(model.index.get('i:new@x')).toBe(a);
  });
});

describe('DELETE (RFC 7644 §3.6)', () => {
  it('preserves the account, gives names and externalId back, keeps the identity, and goes first', () => {
    const id = adding(...ADA, { externalId: 'E' });
    expect(accepted(model.run(remove(id)))).toMatchObject({
      operation: 'delete',
      urgent: true,
      next: { deleted: true, account: { preservedBy: ['idp'] }, attributes: { userName: 'ada' } },
    });
    expect([...model.index.keys()]).toEqual(['i:ada@x', 'u:ada', 'd:n:ada', 'd:x:E']);
    expect(model.live).toBe(0);
  });

  it.each<[string, (id: string) => Final]>([
    ['DELETE', (id) => model.run(remove(id))],
    ['PUT', (id) => model.run(replace(id, 'ada'))],
    ['PATCH', (id) => model.run(setActive(id, true))],
  ])('answers 404 to a %s afterwards, as for one that never was', (_, run) => {
    const id = adding(...ADA);
    model.run(remove(id));
    expect(errorOf(run(id)).status).toBe(404);
    expect(errorOf(run('never')).status).toBe(404);
  });

  it('is urgent only where there is access to take away', () => {
    const id = adding(...ADA, { active: false });
    expect(accepted(model.run(remove(id))).urgent).toBe(false);
  });

  it('answers 404 to a resource of another type', () => {
    const id = adding(...ADA);
    expect(errorOf(model.run({ kind: 'delete', type: 'Group', id })).status).toBe(404);
  });
});

describe('If-Match (RFC 7644 §3.14)', () => {
  it.each(['W/"1"', '"1"', '*', 'W/"7", W/"1"'])('%s lets it pass at version 1', (ifMatch) => {
    const id = adding(...ADA);
    expect(model.run({ kind: 'delete', type: 'User', id, ifMatch }).kind).toBe('accept');
  });

  it.each(['W/"2"', '"11"', 'W/""'])('%s is 412, which names the version that is', (ifMatch) => {
    const id = adding(...ADA);
    const error = errorOf(model.run(replace(id, 'ada', {}, ifMatch)));
    expect(error.status).toBe(412);
    expect(error.detail).toContain('W/"1"');
  });

  it('comes after 404', () => {
    expect(errorOf(model.run(replace('none', 'ada', {}, 'W/"1"'))).status).toBe(404);
  });
});

describe('what a commit is told of the index', () => {
  const rename = (id: string) => model.decide(patch(id, { op: 'replace', path: 'userName', value: 'new' }), { id: 'unused', now: NOW });

  it('only what changes, where the index is complete', () => {
    const id = adding(...ADA, { externalId: 'E' });
    expect(accepted(rename(id)).premises.entries.map(({ field }) => field)).toEqual(['n:userName:ada', 'n:userName:new', 'h:n:new']);
  });

  it('everything that it bears or bore, where it is not: else a loader could count it twice', () => {
    const id = adding(...ADA, { externalId: 'E' });
    model.forgetIndex();
    expect(accepted(rename(id)).premises.entries).toEqual([
      { field: 'i:ada@x', seen: '', next: id },
      { field: 'n:userName:ada', seen: '', next: '' },
      { field: 'x:E', seen: '', next: id },
      { field: 'n:userName:new', seen: '', next: id },
      { field: 'h:n:new', seen: '', next: '' },
    ]);
  });

  it('fills an entry first with whom MongoDB knows, so that what is there is whole', () => {
    adding('a', 'same@x');
    const id = adding('b', 'same@x');
    model.forgetIndex();
    const decision = accepted(rename(id));
    expect(decision.premises.entries).toContainEqual({ field: 'i:same@x', seen: '', next: `id1 ${id}` });
  });

  it('refuses a name that only MongoDB knows to be taken', () => {
    adding(...ADA);
    model.forgetIndex();
    expect(errorOf(model.run(create('ada', { email: 'other@x' }))).status).toBe(409);
  });
});

describe('restate: what nobody asked for by SCIM', () => {
  it('has its claims as premises', () => {
    const id = adding(...ADA);
    const before = model.states.get(id)!;
    const entries = new Map([
      ['n:userName:ada', { raw: id, ids: [id] }],
      ['n:userName:old', { raw: '', ids: [] }],
      ['h:n:old', { raw: '', ids: [] }],
    ]);
    const next = { ...before.resource, attributes: { ...before.resource.attributes, userName: 'old' } };
    const state = { current: before, entries, others: new Map(), complete: true };
    expect(restate(state, before, 'discard', next)).toMatchObject({
      kind: 'accept',
      operation: 'discard',
      premises: {
        version: 1,
        entries: [
          { field: 'n:userName:ada', seen: id, next: '' },
          { field: 'n:userName:old', seen: '', next: id },
          { field: 'h:n:old', seen: '', next: '' },
        ],
      },
    });
  });

  it('is refused where somebody else bears the name by now', () => {
    const bob = adding('bob');
    const before = model.states.get(adding(...ADA))!;
    const next = { ...before.resource, attributes: { ...before.resource.attributes, userName: 'bob' } };
    const entries = new Map([
      ['n:userName:ada', { raw: before.resource.id, ids: [before.resource.id] }],
      ['n:userName:bob', { raw: bob, ids: [bob] }],
      ['h:n:bob', { raw: '', ids: [] }],
    ]);
    const state = { current: before, entries, others: new Map([[bob, model.states.get(bob)!]]), complete: true };
    expect(errorOf(restate(state, before, 'discard', next)).status).toBe(409);
  });

  it('takes the same state again, for what MongoDB has lost', () => {
    const before = model.states.get(adding(...ADA))!;
    const state = { current: before, entries: new Map(), others: new Map(), complete: true };
    expect(restate(state, before, 'repair', before.resource)).toMatchObject({ kind: 'accept', premises: { version: 1, entries: [] } });
  });
});

describe('decide', () => {
  it('looks before it decides: the entries first, then the holders that they name', () => {
    const at = { id: 'new', now: NOW };
    const empty = { entries: new Map(), others: new Map(), complete: true };
    expect(decide(empty, create('ada', { email: 'a@x', externalId: 'E' }), at)).toEqual({
      kind: 'look',
      entries: ['i:a@x', 'n:userName:ada', 'x:E', 'd:n:ada', 'h:n:ada', 'h:n:a@x'],
      others: [],
    });
    const entries = new Map([
      ['i:a@x', { raw: 'p q', ids: ['p', 'q'] }],
      ['n:userName:ada', { raw: 'p', ids: ['p'] }],
      ['x:E', { raw: 'r', ids: ['r'] }],
      ['d:n:ada', { raw: 's', ids: ['s'] }],
      ['h:n:ada', { raw: '', ids: [] }],
      ['h:n:a@x', { raw: 't', ids: ['t'] }],
    ]);
    expect(decide({ ...empty, entries }, create('ada', { email: 'a@x', externalId: 'E' }), at)).toEqual({
      kind: 'look',
      entries: [],
      others: ['p', 's', 'q', 't'],
    });
  });
});
