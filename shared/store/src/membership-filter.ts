import type { ResourceTypeName, Versioned } from '@rollcall/directory';
import { compileFilter, type Filter, idOfReference, type JsonObject, type Predicate, ScimError } from '@rollcall/scim';
import type { TenantView } from './continuity.js';
import type { Lister } from './lister.js';
import { groupElement, memberElement } from './membership-elements.js';
import { displayOf, Looks, type Member, type Memberships } from './memberships.js';
import type { Reader } from './reader.js';

export interface MembershipFilterDeps {
  readonly reader: Pick<Reader, 'resource'>;
  readonly memberships: Pick<Memberships, 'groupsWith' | 'idsOf' | 'members' | 'hasAnyone'>;
  readonly lister: Pick<Lister, 'page'>;
  /** Whether a person's `groups` shows those that their groups are in, too: a filter finds what is shown. */
  readonly showsIndirect: (view: TenantView) => Promise<boolean>;
}

/**
 * Answers the terms of a filter that speak of memberships, which are kept as edges beside the resources, and puts the resources they are true of in
 * their place. Unsettled changes count. What is left can be asked of MongoDB and of resources in memory. A term that names whom it is about costs what
 * these cost; every other walks through the groups of the tenant.
 * @param baseUrl under which the client sees resources, as `$ref` shows it
 * @throws ScimError tooMany
 */
export async function resolveMemberships(
  deps: MembershipFilterDeps,
  view: TenantView,
  { type, filter }: { readonly type: ResourceTypeName; readonly filter: Filter },
  baseUrl: string,
): Promise<Filter> {
  const asked: Asked = { ...deps, view, type, baseUrl, looks: new Looks() };
  return resolved(asked, filter);
}

interface Asked extends MembershipFilterDeps {
  readonly view: TenantView;
  readonly type: ResourceTypeName;
  readonly baseUrl: string;
  readonly looks: Looks;
}

async function resolved(asked: Asked, filter: Filter): Promise<Filter> {
  switch (filter.kind) {
    case 'and':
    case 'or': {
      // One after the other: what is too much is seen before the next begins.
      const filters: Filter[] = [];
      for (const each of filter.filters) filters.push(await resolved(asked, each));
      return { kind: filter.kind, filters };
    }
    case 'not':
      return { kind: 'not', filter: await resolved(asked, filter.filter) };
    case 'compare':
    case 'present':
    case 'valuePath':
      return isMembership(filter) ? term(asked, filter) : filter;
    default:
      return filter;
  }
}

type Term = Extract<Filter, { kind: 'compare' | 'present' | 'valuePath' }>;

const isMembership = ({ path: { urn, attribute } }: Term): boolean =>
  urn === undefined && (attribute.name === 'members' || attribute.name === 'groups');

async function term(asked: Asked, filter: Term): Promise<Filter> {
  const { element, negated } = ofElement(filter);
  const ids: Filter = { kind: 'ids', ids: asked.type === 'Group' ? await groupsWith(asked, element) : await peopleIn(asked, element) };
  return negated ? { kind: 'not', filter: ids } : ids;
}

/** What one and the same membership must satisfy; undefined: that there is one. `ne`, and `eq null`, are the opposite of another term. */
function ofElement(filter: Term): { readonly element: Filter | undefined; readonly negated: boolean } {
  if (filter.kind === 'valuePath') return { element: filter.filter, negated: false };
  const { attribute, sub = attribute.byName.get('value')! } = filter.path;
  const path = { urn: undefined, attribute: sub, sub: undefined };
  if (filter.kind === 'compare' && filter.value !== null)
    return { element: { ...filter, path, operator: filter.operator === 'ne' ? 'eq' : filter.operator }, negated: filter.operator === 'ne' };
  const negated = filter.kind === 'compare' && filter.operator === 'eq';
  return { element: filter.path.sub ? { kind: 'present', path } : undefined, negated };
}

/** Ids of groups that have a member of this kind. */
async function groupsWith(asked: Asked, element: Filter | undefined): Promise<ReadonlySet<string>> {
  const { reader, memberships, view, baseUrl, looks } = asked;
  const ids = new Set<string>();
  if (!element) {
    for await (const group of groups(asked, view)) if (await hasSomebody(asked, group)) ids.add(group.resource.id);
    return ids;
  }
  const fits = compileFilter(element);
  const isMeant = (member: Member): boolean => fits(memberElement(member, baseUrl));
  const named = valuesOf(element);
  for (const id of named ?? []) {
    const live = await reader.resource(view, id);
    const { type, attributes } = live && !live.resource.deleted ? live.resource : { type: undefined, attributes: {} as JsonObject };
    if (!isMeant({ id, type, display: displayOf(attributes.displayName) })) continue;
    for (const group of await memberships.groupsWith(view, id)) ids.add(group.id);
  }
  if (named) return ids;
  for await (const group of groups(asked, view)) {
    looks.begin();
    for await (const part of memberships.members(view, group)) {
      looks.spend(part.length);
      if (!part.some(isMeant)) continue;
      ids.add(group.resource.id);
      break;
    }
  }
  return ids;
}

async function hasSomebody({ memberships, view, looks }: Asked, group: Versioned): Promise<boolean> {
  looks.begin();
  return memberships.hasAnyone(view, group);
}

/** Ids of people who are in a group of this kind. */
async function peopleIn(asked: Asked, element: Filter | undefined): Promise<ReadonlySet<string>> {
  const { memberships, view, baseUrl, looks } = asked;
  const into = new Set<string>();
  // Who is in a group by way of another is in that one.
  const indirect = element !== undefined && (await asked.showsIndirect(view));
  const fits: Predicate = element ? compileFilter(element) : () => true;
  for await (const group of groupsToLookAt(asked, element)) {
    const { id, attributes } = group.resource;
    const shown = { id, display: displayOf(attributes.displayName) };
    const isMeant = (type: 'direct' | 'indirect') => fits(groupElement(shown, type, baseUrl));
    const [directly, below] = [isMeant('direct'), indirect && isMeant('indirect')];
    if (directly) await memberships.idsOf(view, group, { looks, below, into });
    else if (below) {
      const all = await memberships.idsOf(view, group, { looks, below: true });
      const members = await memberships.idsOf(view, group, { looks, below: false });
      for (const id of all) if (!members.has(id)) into.add(id);
    }
  }
  return into;
}

async function* groupsToLookAt(asked: Asked, element: Filter | undefined): AsyncGenerator<Versioned> {
  const named = element && valuesOf(element);
  if (!named) {
    yield* groups(asked, asked.view);
    return;
  }
  for (const id of named) {
    const group = await asked.reader.resource(asked.view, id);
    if (group?.resource.type === 'Group' && !group.resource.deleted) yield group;
  }
}

/** Ids of which an element must have one, to satisfy a filter; undefined: it may have any. */
function valuesOf(filter: Filter): ReadonlySet<string> | undefined {
  switch (filter.kind) {
    case 'constant':
      return filter.value ? undefined : new Set();
    case 'and':
      return filter.filters.map(valuesOf).find((values) => values !== undefined);
    case 'or': {
      const all = filter.filters.map(valuesOf);
      return all.every((values) => values !== undefined) ? new Set(all.flatMap((values) => [...values])) : undefined;
    }
    case 'compare': {
      const { operator, value, path } = filter;
      if (operator !== 'eq' || typeof value !== 'string') return undefined;
      if (path.attribute.name === 'value') return new Set([value]);
      return path.attribute.name === '$ref' ? new Set([idOfReference(value)]) : undefined;
    }
    default:
      return undefined;
  }
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

const PAGE = 200;
const GROUPS_MAX = 2_000;
