import type { ResourceTypeName, Versioned } from '@rollcall/directory';
import { type AttributePath, type Filter, foldCase, printPath, ScimError } from '@rollcall/scim';
import type { TenantView } from './continuity.js';
import type { Lister } from './lister.js';
import { Looks, type Memberships } from './memberships.js';
import type { Reader } from './reader.js';

export interface MembershipFilterDeps {
  readonly reader: Pick<Reader, 'resource'>;
  readonly memberships: Pick<Memberships, 'groupsWith' | 'idsOf' | 'members'>;
  readonly lister: Pick<Lister, 'page'>;
  /** Whether a person's `groups` shows those that their groups are in, too: a filter finds what is shown. */
  readonly showsIndirect: (view: TenantView) => Promise<boolean>;
}

/**
 * Answers the terms of a filter that speak of memberships, which are kept as edges beside the resources, and puts the resources they are true of in
 * their place. Unsettled changes count. What is left can be asked of MongoDB and of resources in memory.
 * @throws ScimError invalidFilter for a term that would need all edges of a tenant; tooMany
 */
export async function resolveMemberships(
  deps: MembershipFilterDeps,
  view: TenantView,
  type: ResourceTypeName,
  filter: Filter,
  looks = new Looks(),
): Promise<Filter> {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      // One after the other: what is too much is seen before the next begins.
      const filters: Filter[] = [];
      for (const each of filter.filters) filters.push(await resolveMemberships(deps, view, type, each, looks));
      return { kind: filter.kind, filters };
    }
    case 'not':
      return { kind: 'not', filter: await resolveMemberships(deps, view, type, filter.filter, looks) };
    case 'compare':
    case 'present':
    case 'valuePath':
      return isMembership(filter.path) ? term({ ...deps, looks }, view, type, filter) : filter;
    default:
      return filter;
  }
}

const isMembership = ({ urn, attribute }: AttributePath): boolean =>
  urn === undefined && (attribute.name === 'members' || attribute.name === 'groups');

interface TermDeps extends MembershipFilterDeps {
  readonly looks: Looks;
}

type Term = Extract<Filter, { kind: 'compare' | 'present' | 'valuePath' }>;

async function term(deps: TermDeps, view: TenantView, type: ResourceTypeName, filter: Term): Promise<Filter> {
  if (filter.kind === 'present') return { kind: 'ids', ids: await anywhere(deps, view, type) };
  if (filter.kind === 'valuePath') {
    const inner = filter.filter;
    if (inner.kind !== 'compare' || inner.operator !== 'eq') throw unsupported(filter.path);
    return { kind: 'ids', ids: await withValue(deps, view, type, inner.path.attribute.name, inner.value, filter.path) };
  }
  const { operator, value, path } = filter;
  if (operator !== 'eq' && operator !== 'ne') throw unsupported(path);
  // A complex attribute by itself means its value; no value at all is the opposite of `pr`.
  const ids = value === null ? await anywhere(deps, view, type) : await withValue(deps, view, type, path.sub?.name ?? 'value', value, path);
  const found: Filter = { kind: 'ids', ids };
  return (operator === 'eq') === (value === null) ? { kind: 'not', filter: found } : found;
}

async function withValue(
  deps: TermDeps,
  view: TenantView,
  type: ResourceTypeName,
  sub: string,
  value: unknown,
  path: AttributePath,
): Promise<ReadonlySet<string>> {
  if (typeof value !== 'string') throw unsupported(path);
  if (type === 'Group' && sub === 'value') {
    return new Set((await deps.memberships.groupsWith(view, value)).map(({ id }) => id));
  }
  if (type === 'User' && sub === 'value') {
    const group = await deps.reader.resource(view, value);
    if (!group || !isLiveGroup(group)) return new Set();
    return deps.memberships.idsOf(view, group, { looks: deps.looks, below: await deps.showsIndirect(view) });
  }
  if (type === 'User' && sub === 'display')
    return union(deps, view, (name) => typeof name === 'string' && foldCase(name) === foldCase(value), await deps.showsIndirect(view));
  throw unsupported(path);
}

/** Resources that are in some group, or groups that have somebody. */
async function anywhere(deps: TermDeps, view: TenantView, type: ResourceTypeName): Promise<ReadonlySet<string>> {
  // Who is in a group by way of another is in that one.
  if (type === 'User') return union(deps, view, () => true, false);
  const ids = new Set<string>();
  for await (const group of groups(deps, view)) {
    deps.looks.begin();
    for await (const part of deps.memberships.members(view, group)) {
      if (part.length === 0) continue;
      ids.add(group.resource.id);
      break;
    }
  }
  return ids;
}

async function union(
  { looks, ...deps }: TermDeps,
  view: TenantView,
  wanted: (displayName: unknown) => boolean,
  below: boolean,
): Promise<ReadonlySet<string>> {
  const into = new Set<string>();
  for await (const group of groups(deps, view)) {
    if (wanted(group.resource.attributes.displayName)) await deps.memberships.idsOf(view, group, { looks, below, into });
  }
  return into;
}

async function* groups({ lister }: MembershipFilterDeps, view: TenantView): AsyncGenerator<Versioned> {
  for (let skip = 0; ; skip += PAGE) {
    const { resources } = await lister.page(view, { type: 'Group', skip, limit: PAGE });
    if (skip >= GROUPS_MAX && resources.length > 0)
      throw ScimError.of('tooMany', `filter: more than ${GROUPS_MAX} groups to look through; narrow it down`);
    yield* resources;
    if (resources.length < PAGE) return;
  }
}

const isLiveGroup = ({ resource }: Versioned): boolean => resource.type === 'Group' && !resource.deleted;
const unsupported = (path: AttributePath): ScimError =>
  ScimError.of('invalidFilter', `${printPath(path)}: memberships can be asked for by \`eq\` and \`ne\` on their value, and by \`pr\``);

const PAGE = 200;
const GROUPS_MAX = 2_000;
