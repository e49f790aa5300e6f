// Filters that memberships have put sets of ids into, as MongoDB can be asked for them: a hundred thousand ids in one question hold the event loop while it is written.
import { type Filter, ScimError } from '@rollcall/scim';

/**
 * Filters that together find what one finds, and nothing twice: where all that it finds is in one set of ids, each has a part of that set.
 * @throws ScimError tooMany where a large set stands so that it can't be asked for in parts: under `not`, or as one of several alternatives
 */
export function inSmallSets(filter: Filter): Filter[] {
  const { ids, rest } = pivotOf(filter);
  for (const each of rest) checkSmall(each);
  if (ids === undefined) return [filter];
  if (ids.size <= SET_MAX) return [allOf([{ kind: 'ids', ids }, ...rest])];
  const all = [...ids];
  return Array.from({ length: Math.ceil(all.length / SET_MAX) }, (_, at) =>
    allOf([{ kind: 'ids', ids: new Set(all.slice(at * SET_MAX, (at + 1) * SET_MAX)) }, ...rest]),
  );
}

interface Pivot {
  /** All that is found is among these; undefined: anything may be. */
  readonly ids: ReadonlySet<string> | undefined;
  /** What must be true besides. */
  readonly rest: readonly Filter[];
}

function pivotOf(filter: Filter): Pivot {
  if (filter.kind === 'ids') return { ids: filter.ids, rest: [] };
  if (filter.kind === 'and') {
    const parts = filter.filters.map(pivotOf);
    const sets = parts.flatMap(({ ids }) => ids ?? []);
    return { ids: sets.length === 0 ? undefined : sets.reduce(common), rest: parts.flatMap(({ rest }) => rest) };
  }
  if (filter.kind === 'or') {
    const parts = filter.filters.map(pivotOf);
    const sets = parts.flatMap(({ ids, rest }) => (ids && rest.length === 0 ? ids : []));
    if (sets.length > 0 && sets.length === parts.length) return { ids: sets.reduce(either), rest: [] };
  }
  return { ids: undefined, rest: [filter] };
}

function common(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  return new Set([...few].filter((id) => many.has(id)));
}

function either(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  const all = new Set(a);
  for (const id of b) all.add(id);
  return all;
}

const allOf = (filters: readonly Filter[]): Filter => (filters.length === 1 ? filters[0]! : { kind: 'and', filters });

function checkSmall(filter: Filter): void {
  if (filter.kind === 'ids' && filter.ids.size > WHOLE_MAX)
    throw ScimError.of('tooMany', `filter: more than ${WHOLE_MAX} members, of whom something else than being one is asked; narrow it down`);
  if (filter.kind === 'not') checkSmall(filter.filter);
  if (filter.kind === 'and' || filter.kind === 'or') for (const each of filter.filters) checkSmall(each);
}

/** Ids in one question. */
const SET_MAX = 5_000;
/** The same, where there can be one question only. */
const WHOLE_MAX = 20_000;
