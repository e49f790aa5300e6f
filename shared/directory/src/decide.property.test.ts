import { foldCase, ROLLCALL_USER_URN } from '@rollcall/scim';
import * as fc from 'fast-check';
import type { Command } from './command.js';
import { isStable } from './identity/external-id.js';
import {
  externalIdOf,
  fieldsOf,
  formerIdField,
  formerNameField,
  holdableFields,
  type IdentityAttribute,
  isClaim,
  isHeld,
  principalOf,
  userPrincipalNameField,
} from './index-fields.js';
import { isActive, type Resource } from './resource.js';
import { type Accept, create, Model, manual, NOW, patch, remove, replace } from './testing.js';

const NAMES = ['ada', 'ADA', 'bob', 'cyd', 'Äda', 'a\u0308da'];
const EMAILS = [undefined, 'ada@x', 'ADA@x', 'bob@x', 'same@x'];
/** Some are the names of others. */
const PRINCIPALS = ['ada', 'BOB', 'ada@corp', 'ADA@corp'];

const STABLE = ['00u1aaaaaaaaaaaa', '00u1bbbbbbbbbbbb'];

const person = fc.record(
  {
    name: fc.constantFrom(...NAMES),
    email: fc.constantFrom(...EMAILS),
    externalId: fc.constantFrom('E1', 'E2', 'e1', ...STABLE),
    userPrincipalName: fc.constantFrom(...PRINCIPALS),
    [ROLLCALL_USER_URN]: fc.record({ userPrincipalName: fc.constantFrom(...PRINCIPALS) }),
    active: fc.boolean(),
  },
  { requiredKeys: ['name'] },
);
const operation = fc.oneof(
  fc.record({ op: fc.constantFrom('replace', 'Add'), path: fc.constant('userName'), value: fc.constantFrom(...NAMES) }),
  fc.record({ op: fc.constant('replace'), path: fc.constant('active'), value: fc.constantFrom<unknown>(true, false, 'False', 'True') }),
  fc.record({ op: fc.constant('replace'), path: fc.constant('externalId'), value: fc.constantFrom('E1', ...STABLE) }),
  fc.record({ op: fc.constant('replace'), path: fc.constant('emails[type eq "work"].value'), value: fc.constantFrom('ada@x', 'same@x') }),
  fc.record({
    op: fc.constant('replace'),
    path: fc.constantFrom('userPrincipalName', `${ROLLCALL_USER_URN}:userPrincipalName`),
    value: fc.constantFrom(...PRINCIPALS, ''),
  }),
  fc.record({ op: fc.constant('remove'), path: fc.constantFrom('emails', 'externalId', 'active', 'title', 'userName') }),
  fc.record({ op: fc.constant('add'), value: fc.record({ title: fc.constantFrom('a', 'b'), active: fc.boolean() }, { requiredKeys: [] }) }),
);
/** Which of the accounts that are there; the model says which that is. */
const which = fc.nat(11);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('create' as const), person }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('replace' as const), which, person }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('patch' as const), which, operations: fc.array(operation, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('import' as const), person }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('administer' as const), which, preserve: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constantFrom({ kind: 'settle' as const }, { kind: 'forget' as const }, { kind: 'load' as const }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Person = typeof person extends fc.Arbitrary<infer T> ? T : never;

const bodyOf = ({ name: _, ...more }: Person) => Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined));

/** The SCIM command that a step means, if it is one. */
function commandOf(model: Model, step: Step): Command | undefined {
  const idOf = (at: number) => [...model.states.keys()][at] ?? 'nobody';
  switch (step.kind) {
    case 'create':
      return create(step.person.name, bodyOf(step.person));
    case 'replace':
      return replace(idOf(step.which), step.person.name, bodyOf(step.person));
    case 'patch':
      return patch(idOf(step.which), ...step.operations);
    case 'delete':
      return remove(idOf(step.which));
    default:
      return undefined;
  }
}

/** What happens beside SCIM. */
function happen(model: Model, step: Step): void {
  switch (step.kind) {
    case 'import': {
      const { active: _, ...more } = bodyOf(step.person);
      const resource = manual(`m${model.states.size}`, step.person.name, more);
      const names = fieldsOf(resource).filter(isClaim);
      if (!names.some((name) => model.truth().has(name))) model.put(resource);
      break;
    }
    case 'administer': {
      const found = [...model.states.values()][step.which];
      if (!found) break;
      const rest = found.resource.account.preservedBy.filter((mark) => mark !== 'administrator');
      model.mark(found.resource.id, { preservedBy: step.preserve ? [...rest, 'administrator'] : rest });
      break;
    }
    case 'settle':
      model.settle();
      break;
    case 'forget':
      model.forgetIndex();
      break;
    case 'load':
      model.load();
      break;
  }
}

/**
 * An entry of identities or externalIds that is filled from MongoDB, while the index is not complete, may name a holder that left it in between
 * (`raced`): it is whole, and whoever reads it asks the holder's own state. A claim is always exact.
 */
function check(model: Model, { raced = false } = {}): void {
  const truth = model.truth();
  for (const [field, ids] of truth) if (isClaim(field) && ids.length > 1) throw new Error(`${field} is held by ${ids.join(' and ')}`);
  const entries = new Map([...model.index].map(([field, raw]) => [field, raw.split(' ').sort()]));
  for (const [field, ids] of raced ? entries : []) {
    const borne = ids.filter((id) => truth.get(field)?.includes(id));
    if (isClaim(field)) continue;
    if (borne.length > 0) entries.set(field, borne);
    else entries.delete(field);
  }
  if (model.complete) expect(entries).toEqual(truth);
  // Until it is complete, what is there must be true and whole.
  else for (const [field, ids] of entries) expect([field, ids]).toEqual([field, truth.get(field)]);
  if (model.complete) expect(model.live).toBe([...model.states.values()].filter(({ resource }) => !resource.deleted).length);
}

/** What one write may never do to an account. */
function checkStep(before: Resource | undefined, { next, operation, urgent, premises }: Accept): void {
  expect(next.attributes).not.toHaveProperty('active');
  expect(new Set(next.account.preservedBy).size).toBe(next.account.preservedBy.length);
  expect(new Set(premises.entries.map(({ field }) => field)).size).toBe(premises.entries.length);
  expect(operation === 'create').toBe(before === undefined);
  if (!before) return;
  expect(next).toMatchObject({ id: before.id, type: before.type, created: before.created });
  expect(next.account.origin).toBe(before.account.origin);
  const byAdministrator = (resource: Resource) => resource.account.preservedBy.includes('administrator');
  expect(byAdministrator(next)).toBe(byAdministrator(before));
  if (byAdministrator(before) && before.deleted === next.deleted) {
    // Nobody but an administrator brings such an account back.
    expect(next.account.preservedBy.length).toBeGreaterThan(0);
  }
  const hadAccess = !before.deleted && before.account.preservedBy.length === 0;
  const hasAccess = !next.deleted && next.account.preservedBy.length === 0;
  expect(urgent).toBe(hadAccess && !hasAccess);
  if (next.deleted)
    expect(fieldsOf(next)).toEqual([
      ...fieldsOf(before).filter((field) => field.startsWith('i:')),
      userPrincipalNameField(principalOf(next)!),
      formerNameField(String(next.attributes.userName)),
      ...(externalIdOf(next) === undefined ? [] : [formerIdField(externalIdOf(next)!)]),
      ...(isHeld(next) ? fieldsOf(next).filter((field) => field.startsWith('h:')) : []),
    ]);
}

/** Nobody comes in whom an administrator keeps out by another account. */
function checkHolds(model: Model, before: Resource | undefined, next: Resource): void {
  const hasAccess = (resource: Resource) => !resource.deleted && isActive(resource);
  if (!hasAccess(next)) return;
  const had = before && hasAccess(before) ? holdableFields(before) : [];
  const given = holdableFields(next).filter((field) => !had.includes(field) && (!field.startsWith('h:x:') || isStable(field.slice(4))));
  const kept = [...model.states.values()].filter(({ resource }) => resource.id !== next.id && isHeld(resource));
  expect(kept.filter(({ resource }) => fieldsOf(resource).some((field) => given.includes(field)))).toEqual([]);
}

/** Nobody gets a second account who comes by a name or a stable externalId that an account had. @param deleted whether one that was deleted counts */
function checkAlone(model: Model, { operation, next }: Accept, { deleted = true } = {}): void {
  if (operation !== 'create') return;
  const nameOf = ({ attributes }: Resource) => foldCase(String(attributes.userName));
  const stable = (resource: Resource) => [externalIdOf(resource)].find((id) => id !== undefined && isStable(id));
  const waiting = [...model.states.values()]
    .map(({ resource }) => resource)
    .filter((each) => each.id !== next.id && (each.deleted ? deleted : each.account.managedBy !== 'scim'))
    .filter((each) => {
      const [theirs, given] = [stable(each), stable(next)];
      return theirs !== undefined && given !== undefined ? theirs === given : nameOf(each) === nameOf(next);
    });
  expect(waiting).toEqual([]);
}

const CASES = [true, false].flatMap((complete) =>
  (['email', 'userPrincipalName'] as const).map((by): [boolean, IdentityAttribute] => [complete, by]),
);

describe('decide, over random histories', () => {
  it.each(CASES)(
    'keeps the index as the states bear it, each name once, and each account its identity (complete: %p, by %s)',
    (complete, identityAttribute) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const model = new Model(complete, { identityAttribute, recycledIdentity: 'reactivate' });
          const born = new Map<string, string>();
          for (const [number, each] of steps.entries()) {
            const command = commandOf(model, each);
            if (!command) {
              happen(model, each);
              check(model);
              continue;
            }
            const at = { id: `id${number}`, now: NOW };
            const decision = model.decide(command, at);
            expect(model.decide(command, at)).toEqual(decision);
            if (decision.kind === 'refuse') {
              expect(decision.error.status).toBeLessThan(500);
              continue;
            }
            if (decision.kind === 'unchanged') continue;
            const before = model.states.get(decision.next.id)?.resource;
            checkStep(before, decision);
            checkHolds(model, before, decision.next);
            expect(model.commit(decision)).not.toBe('conflict');
            check(model);
            checkAlone(model, decision);
            for (const { resource } of model.states.values()) {
              expect(born.get(resource.id) ?? resource.created).toBe(resource.created);
              born.set(resource.id, resource.created);
            }
            expect(model.states.size).toBe(born.size);
          }
          if (!model.complete) {
            model.settle();
            model.load();
            check(model);
          }
        }),
        { numRuns: 200 },
      );
    },
  );

  // Goal: the premises say everything that a decision rests on.
  // Method: several decide on one and the same snapshot, as on several replicas; each is committed if its premises still hold.
  it.each(CASES)('keeps all that however many decide at once (complete: %p, by %s)', (complete, identityAttribute) => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { minLength: 1, maxLength: 5 }), { maxLength: 15 }), (rounds) => {
        const model = new Model(complete, { identityAttribute, recycledIdentity: 'reactivate' });
        for (const [number, round] of rounds.entries()) {
          const { epoch } = model;
          const decisions = round.flatMap((each, at) => {
            const command = commandOf(model, each);
            return command ? [model.decide(command, { id: `id${number}-${at}`, now: NOW })] : [];
          });
          for (const each of round) if (!commandOf(model, each)) happen(model, each);
          for (const decision of decisions) {
            if (decision.kind !== 'accept') continue;
            const before = model.states.get(decision.next.id)?.resource;
            const outcome = model.commit(decision, epoch);
            check(model, { raced: true });
            if (outcome !== 'conflict') checkHolds(model, before, decision.next);
            // Who is deleted at that very moment was there, as whoever asks first sees it.
            if (outcome !== 'conflict') checkAlone(model, decision, { deleted: false });
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  // Goal: what is read piece by piece, while others write, makes no decision that its premises don't hold back.
  // Method: between the readings of a decision others are carried out as a whole.
  it.each(CASES)('keeps all that whatever happens between two readings (complete: %p, by %s)', (complete, identityAttribute) => {
    const interrupted = fc.record({ of: step, by: fc.array(step, { maxLength: 3 }) });
    fc.assert(
      fc.property(fc.array(interrupted, { maxLength: 25 }), (rounds) => {
        const model = new Model(complete, { identityAttribute, recycledIdentity: 'reactivate' });
        let number = 0;
        const carryOut = (each: Step, meanwhile?: () => void) => {
          number += 1;
          const command = commandOf(model, each);
          if (!command) return happen(model, each);
          const { epoch } = model;
          const decision = model.decide(command, { id: `id${number}`, now: NOW }, meanwhile);
          if (decision.kind !== 'accept') return;
          const before = model.states.get(decision.next.id)?.resource;
          const outcome = model.commit(decision, epoch);
          check(model, { raced: true });
          if (outcome !== 'conflict') checkHolds(model, before, decision.next);
          if (outcome !== 'conflict') checkAlone(model, decision, { deleted: false });
        };
        for (const { of, by } of rounds) {
          const others = by[Symbol.iterator]();
          carryOut(of, () => {
            const { value } = others.next();
            if (value) carryOut(value);
          });
        }
      }),
      { numRuns: 3_000 },
    );
  });

  it('of many that create one name at once, lets one through', () => {
    const model = new Model();
    const decisions = Array.from({ length: 20 }, (_, i) => model.decide(create('ada', { email: `a${i}@x` }), { id: `id${i}`, now: NOW }));
    const outcomes = decisions.map((decision) => (decision.kind === 'accept' ? model.commit(decision) : 'conflict'));
    expect(outcomes.filter((outcome) => outcome !== 'conflict')).toHaveLength(1);
  });
});
