import { type JsonObject, type JsonValue, sameAttributes, sampleResource, seeded, USER } from '@rollcall/scim';
import * as fc from 'fast-check';
import { changesBetween, firstValues } from './history.js';
import { type Preserver, type Resource, withActive } from './resource.js';

const resource = fc
  .record({
    seed: fc.nat(200),
    deleted: fc.boolean(),
    preservedBy: fc.subarray<Preserver>(['idp', 'administrator']),
    managedBy: fc.constantFrom<Resource['account']['managedBy']>('scim', 'manual'),
  })
  .map(({ seed, deleted, preservedBy, managedBy }): Resource => {
    const { active: _, id: __, meta: ___, ...attributes } = sampleResource(USER, seeded(seed));
    return {
      type: 'User',
      id: 'a',
      created: '2026-01-01T00:00:00Z',
      deleted,
      attributes,
      account: { preservedBy, origin: 'scim', managedBy },
    };
  });

/** A resource as the chronicle sees it. */
const flat = ({ account, deleted, ...rest }: Resource): JsonObject => ({
  ...withActive({ ...rest, account, deleted }),
  deleted,
  'account.preservedBy': [...account.preservedBy],
  'account.managedBy': account.managedBy,
  'account.origin': account.origin,
});

function walk(from: JsonObject, changes: ReturnType<typeof changesBetween>, to: 'before' | 'after'): JsonObject {
  const result: Record<string, JsonValue> = { ...from };
  for (const [name, change] of Object.entries(changes)) {
    const value = change[to];
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  return result;
}

describe('changesBetween', () => {
  it('walks back from what is to what was, and forth again', () => {
    fc.assert(
      fc.property(resource, resource, (before, after) => {
        const changes = changesBetween(before, after);
        expect(sameAttributes(walk(flat(after), changes, 'before'), flat(before))).toBe(true);
        expect(sameAttributes(walk(flat(before), changes, 'after'), flat(after))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('says nothing where nothing changed, and nothing of a create', () => {
    fc.assert(
      fc.property(resource, (same) => {
        expect(changesBetween(same, same)).toEqual({});
        expect(changesBetween(undefined, same)).toEqual({});
      }),
      { numRuns: 100 },
    );
  });

  const person = (account: Partial<Resource['account']>): Resource => ({
    ...{ type: 'User', id: 'a', created: '', deleted: false, attributes: { userName: 'ada', emails: [{ value: 'ada@x' }] } },
    account: { preservedBy: [], origin: 'scim', managedBy: 'scim', ...account },
  });

  it('says why an administrator preserves somebody, and whom they said that somebody is', () => {
    const preserved = { administrator: { at: '2026-01-01T00:00:00Z', reason: 'investigation' } };
    const again = { administrator: { ...preserved.administrator, reason: 'she left' } };
    expect(changesBetween(person({}), person({ preserved }))).toEqual({ 'account.preserved': { after: preserved } });
    expect(changesBetween(person({ preserved }), person({ preserved: again }))).toEqual({
      'account.preserved': { before: preserved, after: again },
    });
    expect(changesBetween(person({}), person({ expects: { userName: 'ada' } }))).toEqual({
      'account.expects': { after: { userName: 'ada' } },
    });
  });

  it('says of a purge that it was one, and nothing of the person', () => {
    const before = person({ expects: { userName: 'ada' }, preserved: { administrator: { at: '', reason: 'of Ada' } } });
    const purged = person({ purged: true, preservedBy: ['administrator'] });
    const after = { ...purged, deleted: true, attributes: {} };
    expect(changesBetween(before, after)).toEqual({ 'account.purged': { after: true } });
    expect(changesBetween(after, after)).toEqual({});
  });

  it('names a change of `active` and of the marks behind it', () => {
    const of = (preservedBy: Preserver[]): Resource => ({
      ...{ type: 'User', id: 'a', created: '', deleted: false, attributes: { userName: 'ada' } },
      account: { preservedBy, origin: 'scim', managedBy: 'scim' },
    });
    expect(changesBetween(of([]), of(['idp']))).toEqual({
      active: { before: true, after: false },
      'account.preservedBy': { before: [], after: ['idp'] },
    });
  });
});

describe('firstValues', () => {
  it('finds the first values again behind any later changes, whichever they were', () => {
    fc.assert(
      fc.property(fc.array(resource, { minLength: 1, maxLength: 12 }), (states) => {
        const later = states.slice(1).map((after, at) => changesBetween(states[at], after));
        const found = firstValues(states.at(-1)!, later.reverse());
        const values = Object.fromEntries(Object.entries(found).map(([name, { after }]) => [name, after!]));
        const { deleted, 'account.preservedBy': preservedBy, ...rest } = flat(states[0]!);
        const wanted = {
          ...rest,
          ...(deleted === true ? { deleted } : {}),
          ...(Array.isArray(preservedBy) && preservedBy.length > 0 ? { 'account.preservedBy': preservedBy } : {}),
        };
        expect(sameAttributes(values, wanted)).toBe(true);
        expect(Object.values(found).every((change) => !('before' in change))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('says nothing of a person that was purged', () => {
    fc.assert(
      fc.property(resource, (before) => {
        const purged: Resource = { ...before, deleted: true, attributes: {}, account: { ...before.account, purged: true } };
        expect(firstValues(purged, [changesBetween(before, purged), { title: { before: 'Dr', after: 'Prof' } }])).toEqual({});
      }),
      { numRuns: 50 },
    );
  });
});
