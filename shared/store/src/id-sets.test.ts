import { compileFilter, type Filter } from '@rollcall/scim';
import fc from 'fast-check';
import { inSmallSets } from './id-sets.js';

const ids = (count: number, from = 0): Filter => ({
  kind: 'ids',
  ids: new Set(Array.from({ length: count }, (_, at) => `id${from + at}`)),
});
const not = (filter: Filter): Filter => ({ kind: 'not', filter });
const and = (...filters: Filter[]): Filter => ({ kind: 'and', filters });
const or = (...filters: Filter[]): Filter => ({ kind: 'or', filters });
const sizes = (filter: Filter): number[] =>
  filter.kind === 'ids' ? [filter.ids.size] : filter.kind === 'and' || filter.kind === 'or' ? filter.filters.flatMap(sizes) : [];

describe('large sets of ids', () => {
  it('are asked for in parts of at most 5,000, with whatever else must be true', () => {
    expect(inSmallSets(ids(12_000)).map(sizes)).toEqual([[5_000], [5_000], [2_000]]);
    expect(inSmallSets(and(not(ids(3)), ids(5_001))).map(sizes)).toEqual([[5_000], [1]]);
    expect(inSmallSets(or(ids(5_000), ids(5_000, 2_500))).map(sizes)).toEqual([[5_000], [2_500]]);
    expect(inSmallSets(and(ids(50_000), ids(10, 49_995))).map(sizes)).toEqual([[5]]);
  });

  it.each([
    ['under `not`', not(ids(20_001))],
    ['as one of several alternatives', or(ids(20_001), not(ids(1)))],
    ['deeper', and(ids(1), or(not(and(ids(20_001), not(ids(1)))), ids(1)))],
  ])('are 400 tooMany where there can be no parts: %s', (_, filter) => {
    expect(() => inSmallSets(filter)).toThrow(expect.objectContaining({ status: 400, scimType: 'tooMany' }));
  });

  it('leave other filters as they are', () => {
    expect(inSmallSets(not(ids(20_000)))).toEqual([not(ids(20_000))]);
  });

  it('find together what the filter finds, and nothing twice', () => {
    const some = fc
      .uniqueArray(fc.nat(8_000), { maxLength: 20 })
      .map((each): Filter => ({ kind: 'ids', ids: new Set(each.map((n) => `id${n}`)) }));
    const many = fc.tuple(fc.nat(3_000), fc.integer({ min: 4_000, max: 8_000 })).map(([from, count]) => ids(count, from));
    const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
      filter: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        some,
        many,
        tie('filter').map(not),
        fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((filters) => and(...filters)),
        fc.array(tie('filter'), { minLength: 1, maxLength: 3 }).map((filters) => or(...filters)),
      ),
    }));
    fc.assert(
      fc.property(filter, fc.array(fc.nat(12_000), { minLength: 20, maxLength: 20 }), (filter, people) => {
        const whole = compileFilter(filter);
        const parts = inSmallSets(filter).map(compileFilter);
        for (const id of people.map((n) => `id${n}`)) expect(parts.filter((fits) => fits({ id }))).toHaveLength(whole({ id }) ? 1 : 0);
      }),
      { numRuns: 300 },
    );
  });
});
