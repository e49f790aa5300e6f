import { CORE_TYPES, GROUP, PATCH_OP_URN, type PatchOptions, parsePatch, type ScimError } from '@rollcall/scim';
import type { Command } from './command.js';
import { decide, restate, type TenantRules } from './decide.js';
import { memberLine } from './history.js';
import { checkNewGroup, type MemberDelta, memberDelta, type NamedMember, patchedMembers, skippedBy } from './members.js';
import type { Versioned } from './resource.js';
import { type Accept, type Final, Model, NOW } from './testing.js';

const rules = (more: Partial<TenantRules>): TenantRules => ({ recycledIdentity: 'reactivate', ...more });
const create = (displayName: string): Command => ({ kind: 'create', type: 'Group', attributes: { displayName } });
const patch = (id: string, path: string, value: string): Command => ({
  kind: 'patch',
  type: 'Group',
  id,
  operations: parsePatch(GROUP, { schemas: [PATCH_OP_URN], Operations: [{ op: 'replace', path, value }] }),
});
const remove = (id: string): Command => ({ kind: 'delete', type: 'Group', id });

const accepted = (decision: Final): Accept => {
  if (decision.kind !== 'accept') throw new Error(`expected an accept, got ${JSON.stringify(decision)}`);
  return decision;
};
const refusal = (decision: Final) => {
  if (decision.kind !== 'refuse') throw new Error(`expected a refusal, got ${decision.kind}`);
  const { status, scimType, detail } = decision.error as ScimError;
  return { status, scimType, detail };
};

describe('names of groups', () => {
  let model: Model;
  const made = (displayName: string) => accepted(model.run(create(displayName))).next.id;
  const holders = (name: string) => (model.index.get(`n:displayName:${name}`) ?? '').split(' ').sort();
  const set = (groupNames: 'unique' | 'shared') => {
    model.rules = rules({ groupNames });
  };
  beforeEach(() => {
    model = new Model(true, rules({}));
  });

  it('are one group’s alone, without regard to case', () => {
    made('Staff');
    expect(refusal(model.run(create('STAFF')))).toMatchObject({ status: 409, scimType: 'uniqueness' });
  });

  it('may be those of several, where the tenant lets them: all are found under the name', () => {
    const first = made('Staff');
    set('shared');
    const others = [made('staff'), made('STAFF')];
    expect(holders('staff')).toEqual([first, ...others].sort());
    model.run(remove(others[0]!));
    expect(holders('staff')).toEqual([first, others[1]!].sort());
    const fourth = made('Other');
    model.run(patch(fourth, 'displayName', 'Staff'));
    expect(holders('staff')).toContain(fourth);
    expect(model.index.has('n:displayName:other')).toBe(false);
  });

  it('that are shared stay so when the setting is taken back, until a group gets another', () => {
    set('shared');
    const [first, second] = [made('Staff'), made('Staff')];
    set('unique');
    expect(accepted(model.run(patch(first, 'externalId', 'e'))).next.sharesName).toBe(true);
    expect(refusal(model.run(create('staff'))).status).toBe(409);
    expect(accepted(model.run(patch(second, 'displayName', 'Other'))).next.sharesName).toBeUndefined();
    expect(refusal(model.run(patch(second, 'displayName', 'Staff'))).status).toBe(409);
  });

  it('may be shared while the index is not complete, too: the first holder goes on with its name', () => {
    const first = made('Staff');
    set('shared');
    const second = made('Staff');
    model.forgetIndex();
    set('unique');
    for (const id of [first, second]) accepted(model.run(patch(id, 'externalId', id)));
    expect(holders('staff')).toEqual([first, second].sort());
    expect(refusal(model.run(create('staff'))).status).toBe(409);
  });

  it('have each other’s versions as premises while the index is not complete: one that lets go right now has no entry that tells', () => {
    set('shared');
    const first = made('Staff');
    model.forgetIndex();
    const decision = accepted(model.decide(create('Staff'), { id: 'second', now: NOW }));
    model.run(patch(first, 'displayName', 'Other'));
    expect(model.commit(decision)).toBe('conflict');
  });

  it('are given back to a group that MongoDB has lost, beside another that shares it', () => {
    const first = made('Staff');
    set('shared');
    const second = made('Staff');
    const before = model.states.get(first)!;
    const entries = new Map([['n:displayName:staff', { raw: '', ids: [first, second] }]]);
    const others = new Map([[second, model.states.get(second)!]]);
    expect(restate({ current: before, entries, others, complete: false }, before, 'repair', before.resource).kind).toBe('accept');
  });
});

describe('members that are not there', () => {
  const state = { named: new Map([['x', { type: undefined, present: false }]]) };
  const wish = { replaced: false, wanted: new Map([['x', true]]) };

  it('are 400 invalidValue, unless the tenant keeps them', () => {
    expect(() => memberDelta(wish, state)).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidValue' }));
    expect(memberDelta(wish, state, { unknownMembers: 'keep' })).toEqual({
      replaced: false,
      changes: [{ id: 'x', type: 'Unknown', present: true }],
    });
  });

  it('may be named again once they are kept, and be removed, whatever the setting is', () => {
    const kept = { named: new Map([['x', { type: undefined, present: true }]]) };
    expect(memberDelta(wish, kept)).toBeUndefined();
    expect(memberDelta({ ...wish, wanted: new Map([['x', false]]) }, kept)).toMatchObject({ changes: [{ id: 'x', present: false }] });
  });

  it('are in the groups that named them once they come back, only where they are kept', () => {
    const model = new Model();
    const id = accepted(model.run({ kind: 'create', type: 'User', attributes: { userName: 'ada' } })).next.id;
    model.run({ kind: 'delete', type: 'User', id });
    const back: Command = { kind: 'create', type: 'User', attributes: { userName: 'ada' } };
    expect(accepted(model.decide(back, { id: 'unused', now: NOW }))).not.toHaveProperty('rejoins');
    model.rules = rules({ unknownMembers: 'keep' });
    expect(accepted(model.decide(back, { id: 'unused', now: NOW }))).toMatchObject({ operation: 'revive', rejoins: true });
  });
});

// One unknown member refused a whole push of a group, which identity providers do not send again.
describe('members that are not there, where the tenant skips them', () => {
  const SKIP = { unknownMembers: 'skip' } as const;
  const [known, unknown, awaited] = ['a', 'b', 'c'].map((letter) => `019a0000-0000-7000-8000-00000000000${letter}`) as [
    string,
    string,
    string,
  ];
  const FOREIGN = 'bob@example.com';
  const named = new Map<string, NamedMember>([
    [known, { type: 'User', present: false }],
    [unknown, { type: undefined, present: false }],
    [awaited, { type: undefined, present: false, awaited: true }],
    [FOREIGN, { type: undefined, present: false }],
  ]);
  const wish = (ids: readonly string[], { present = true, replaced = false } = {}) => ({
    replaced,
    wanted: new Map(ids.map((id) => [id, present])),
  });
  const skips = (id: string) => ({ id, type: 'Skipped', present: true });
  const joins = { id: known, type: 'User', present: true };

  it.each<[string, string[], object | undefined, string[]]>([
    ['beside a known one', [known, unknown], { replaced: false, changes: [joins, skips(unknown)] }, [unknown]],
    ['alone', [unknown], { replaced: false, changes: [skips(unknown)] }, [unknown]],
    ['again, which changes nothing', [awaited], undefined, [awaited]],
    ['that can never come, beside a known one', [known, FOREIGN], { replaced: false, changes: [joins] }, [FOREIGN]],
  ])('are noted when they are named %s', (_, ids, delta, skipped) => {
    expect(memberDelta(wish(ids), { named }, SKIP)).toEqual(delta);
    expect(skippedBy(wish(ids), { named }, SKIP)).toEqual(skipped);
  });

  it('are 400 where nothing else is named, and none of them can ever come', () => {
    const refusal = expect.objectContaining({ status: 400, scimType: 'invalidValue', message: expect.stringContaining(FOREIGN) });
    expect(() => memberDelta(wish([FOREIGN]), { named }, SKIP)).toThrow(refusal);
    expect(() => memberDelta(wish([FOREIGN], { replaced: true }), { named, count: 0 }, SKIP)).toThrow(refusal);
  });

  // Ids of another tenant, or wrong ones, made an empty group with 201.
  it('make no new group by themselves', () => {
    const refused = expect.objectContaining({ status: 400, scimType: 'invalidValue', message: expect.stringContaining(unknown) });
    expect(() => checkNewGroup(wish([unknown]), [unknown])).toThrow(refused);
    expect(() => checkNewGroup(wish([unknown, awaited]), [unknown])).not.toThrow();
    expect(() => checkNewGroup(wish([]), [])).not.toThrow();
  });

  it('are removed with success, and one that was awaited is awaited no more', () => {
    expect(memberDelta(wish([unknown, FOREIGN], { present: false }), { named }, SKIP)).toBeUndefined();
    expect(memberDelta(wish([awaited], { present: false }), { named }, SKIP)).toMatchObject({ changes: [{ id: awaited, present: false }] });
    expect(skippedBy(wish([unknown, awaited], { present: false }), { named }, SKIP)).toEqual([]);
  });

  it('do not empty a group that has members by a replacement that names no other', () => {
    const only = wish([unknown, awaited], { replaced: true });
    expect(memberDelta(only, { named, count: 3 }, SKIP)).toMatchObject({ anyone: true });
    expect(() => memberDelta(only, { named, count: 3, anyone: true }, SKIP)).toThrow(
      expect.objectContaining({ status: 400, scimType: 'invalidValue' }),
    );
    expect(memberDelta(only, { named, count: 3, anyone: false }, SKIP)).toEqual({
      replaced: true,
      changes: [skips(unknown), skips(awaited)],
    });
  });

  it('leave a replacement that names somebody else, or nobody, as it is', () => {
    expect(memberDelta(wish([known, unknown], { replaced: true }), { named, count: 3 }, SKIP)).toEqual({
      replaced: true,
      changes: [joins, skips(unknown)],
    });
    expect(memberDelta(wish([], { replaced: true }), { named, count: 3 }, SKIP)).toEqual({ replaced: true, changes: [] });
  });

  it('are no change where a replacement names what the group has, and awaits, already', () => {
    const there = new Map(named).set(known, { type: 'User', present: true });
    const same = wish([known, awaited, FOREIGN], { replaced: true });
    expect(memberDelta(same, { named: there, count: 2 }, SKIP)).toBeUndefined();
    expect(skippedBy(same, { named: there }, SKIP)).toEqual([awaited, FOREIGN]);
  });

  it('are in the groups that named them once they come back', () => {
    const model = new Model();
    const id = accepted(model.run({ kind: 'create', type: 'User', attributes: { userName: 'ada' } })).next.id;
    model.run({ kind: 'delete', type: 'User', id });
    model.rules = rules(SKIP);
    const back: Command = { kind: 'create', type: 'User', attributes: { userName: 'ada' } };
    expect(accepted(model.decide(back, { id: 'unused', now: NOW }))).toMatchObject({ operation: 'revive', rejoins: true });
  });

  it('stand in the history as skipped, not as added', () => {
    const delta = memberDelta(wish([known, unknown]), { named }, SKIP) as MemberDelta;
    expect(memberLine(delta)).toEqual({ added: [known], removed: [], skipped: [unknown] });
  });
});

describe('attributes that no schema has, in a PATCH', () => {
  const odd = (type: 'User' | 'Group', id: string, operation: object): Command => ({
    ...{ kind: 'patch', type, id },
    operations: parsePatch(CORE_TYPES[type], { Operations: [{ op: 'add', ...operation }] }),
  });
  it.each([
    ['User', { value: { title: 'x', shoeSize: 41 } }, 'invalidSyntax'],
    ['User', { path: 'name', value: { givenName: 'A', shoeSize: 41 } }, 'invalidSyntax'],
    ['Group', { value: { externalId: 'x', shoeSize: 41 } }, 'invalidSyntax'],
  ] as const)('of a %s, %j: left out, or 400 %s where the tenant refuses them', (type, operation, scimType) => {
    const model = new Model(true, rules({}));
    const attributes = type === 'User' ? { userName: 'ada' } : { displayName: 'Staff' };
    const { id } = accepted(model.run({ kind: 'create', type, attributes })).next;
    const command = odd(type, id, operation);
    expect(model.run(command).kind).not.toBe('refuse');
    model.rules = rules({ unknownAttributes: 'refuse' });
    expect(refusal(model.run(command))).toMatchObject({ status: 400, scimType, detail: expect.stringContaining('shoeSize') });
  });
});

it('members with an attribute that no schema has are taken without it, or 400 where the tenant refuses them', () => {
  const operations = parsePatch(GROUP, { Operations: [{ op: 'add', path: 'members', value: [{ value: 'x', shoeSize: 41 }] }] });
  const wanted = (options: PatchOptions) => patchedMembers({}, operations, undefined, GROUP, options)?.wish.wanted;
  expect(wanted({})).toEqual(new Map([['x', true]]));
  expect(() => wanted({ unknownAttributes: 'refuse' })).toThrow(expect.objectContaining({ status: 400, scimType: 'invalidSyntax' }));
});

describe('groups in groups, where no group may come to be in itself', () => {
  const group = (id: string): Versioned => ({
    resource: {
      ...{ type: 'Group', id, created: NOW, deleted: false, attributes: { displayName: id } },
      account: { preservedBy: [], origin: 'scim', managedBy: 'scim' },
    },
    ...{ version: 1, born: 1, modified_ms: 1 },
  });
  const known = (above?: readonly string[], nesting = true, groupCycles: 'accept' | 'refuse' = 'refuse') => ({
    current: group('g'),
    entries: new Map(nesting ? [['#nesting', { raw: 'before', ids: ['before'] }]] : []),
    others: new Map(),
    complete: true,
    rules: rules({ groupCycles }),
    members: { named: new Map([['inner', { type: 'Group' as const, present: false }]]), ...(above ? { above: new Set(above) } : {}) },
  });
  const put: Command = {
    ...{ kind: 'patch', type: 'Group', id: 'g' },
    operations: parsePatch(GROUP, {
      schemas: [PATCH_OP_URN],
      Operations: [{ op: 'add', path: 'members', value: [{ value: 'inner' }] }],
    }),
  };
  const at = { id: 'now', now: NOW };

  it('looks at what the group is in, and at the entry that all such writes change, before it decides', () => {
    expect(decide(known(undefined, false), put, at)).toMatchObject({ kind: 'look', entries: ['#nesting'], members: { above: true } });
  });

  it('has that entry as a premise, and sets it anew; the version of the group is none', () => {
    expect(decide(known(['outer']), put, at)).toMatchObject({
      kind: 'accept',
      premises: { version: 'any', entries: [{ field: '#nesting', seen: 'before', next: 'now' }] },
    });
  });

  it('refuses a circle, and asks for nothing where circles are accepted', () => {
    const refused = decide(known(['outer', 'inner']), put, at);
    expect(refused).toMatchObject({ kind: 'refuse', error: { status: 400, scimType: 'invalidValue' } });
    expect(decide(known(undefined, false, 'accept'), put, at)).toMatchObject({ kind: 'accept', premises: { entries: [] } });
  });
});
