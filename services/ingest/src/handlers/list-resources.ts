import { claimField, externalIdField, type IndexField, NAME_ATTRIBUTE, type ResourceTypeName, type Versioned } from '@rollcall/directory';
import { equalities, type Filter, matches } from '@rollcall/scim';
import {
  type Lister,
  type MembershipFilterDeps,
  type Page,
  type Reader,
  representation,
  resolveMemberships,
  type TenantView,
} from '@rollcall/store';
import type { Handler } from '../exchange.js';
import type { Show } from '../respond/show.js';
import { type ListRequest, parseListQuery } from '../validate/query.js';

export interface ListDeps {
  readonly reader: Pick<Reader, 'view' | 'entries' | 'resources' | 'resource'>;
  readonly lister: Pick<Lister, 'page'>;
  readonly memberships: MembershipFilterDeps['memberships'];
  readonly show: Show;
  readonly page: { readonly count: number; readonly max: number };
}

/**
 * GET /Users, GET /Groups (RFC 7644 §3.4.2): a page of those that match, each in its newest accepted version. A filter that names one by its name,
 * externalId or id is answered from the index, at any size and with MongoDB away; every other is MongoDB's, with what is unsettled laid over.
 */
export const listResources =
  (type: ResourceTypeName, deps: ListDeps): Handler =>
  async (request, { tenant }) => {
    const query = parseListQuery(type, request.query, deps.page);
    const view = await deps.reader.view(tenant, 'read');
    const { total, resources } = await answer(deps, view, type, query);
    return deps.show.list(view, resources, { request, selection: query.selection, type, total, startIndex: query.startIndex });
  };

async function answer(deps: ListDeps, view: TenantView, type: ResourceTypeName, query: ListRequest): Promise<Page> {
  const { reader, lister } = deps;
  const named = query.filter && lookUpBy(type, query.filter);
  const filter = query.filter && (await resolveMemberships(deps, view, type, query.filter));
  if (filter && named) return pageOf(await found(reader, view, type, filter, named), query);
  return lister.page(view, { type, filter, skip: query.startIndex - 1, limit: query.count });
}

type LookUp = { readonly id: string } | { readonly field: IndexField };

/** What a filter can be looked up by: an equality that all it matches must satisfy, the narrowest first. */
function lookUpBy(type: ResourceTypeName, filter: Filter): LookUp | undefined {
  const values = new Map(equalities(filter).map(({ path, value }) => [path, value]));
  const text = (path: string): string | undefined => {
    const value = values.get(path);
    return typeof value === 'string' ? value : undefined;
  };
  const [id, name, externalId] = [text('id'), text(NAME_ATTRIBUTE[type]), text('externalId')];
  if (id !== undefined) return { id };
  if (name !== undefined) return { field: claimField(NAME_ATTRIBUTE[type], name) };
  if (externalId !== undefined) return { field: externalIdField(externalId) };
  return undefined;
}

async function found(
  reader: ListDeps['reader'],
  view: TenantView,
  type: ResourceTypeName,
  filter: Filter,
  by: LookUp,
): Promise<Versioned[]> {
  const ids = 'id' in by ? [by.id] : ((await reader.entries(view, [by.field])).get(by.field)?.ids ?? []);
  const holders = await reader.resources(view, ids);
  return [...holders.values()]
    .filter((holder) => holder.resource.type === type && !holder.resource.deleted && matches(filter, representation(holder)))
    .sort((a, b) => a.born - b.born);
}

function pageOf(all: readonly Versioned[], { startIndex, count }: ListRequest): Page {
  return { total: all.length, resources: all.slice(startIndex - 1, startIndex - 1 + count) };
}
