import {
  claimField,
  externalIdField,
  type IndexField,
  NAME_ATTRIBUTE,
  type ResourceTypeName,
  userPrincipalNameField,
  type Versioned,
} from '@rollcall/directory';
import { equalities, type Filter, matches, ROLLCALL_USER_URN } from '@rollcall/scim';
import {
  comparePlaces,
  type Lister,
  type ListPart,
  type MembershipFilterDeps,
  type Page,
  placeOf,
  type Reader,
  representation,
  resolveMemberships,
  type TenantView,
  type Window,
} from '@rollcall/store';
import type { Cursors } from '../cursor.js';
import type { Caller, Handler, ScimRequest, ScimResponse } from '../exchange.js';
import type { Show } from '../respond/show.js';
import type { Slots } from '../slots.js';
import { readJson } from '../validate/body.js';
import { type ListRequest, type PageSizes, parseListQuery, parseSearch } from '../validate/query.js';
import type { TypesDeps } from './types.js';

export interface ListDeps extends TypesDeps {
  readonly reader: Pick<Reader, 'view' | 'entries' | 'resources' | 'resource'>;
  readonly lister: Pick<Lister, 'page' | 'merged'>;
  readonly memberships: MembershipFilterDeps['memberships'];
  readonly showsIndirect: MembershipFilterDeps['showsIndirect'];
  readonly cursors: Cursors;
  readonly show: Show;
  readonly page: PageSizes;
  /** Lists and searches that MongoDB has to work for. */
  readonly listSlots: Pick<Slots, 'answer'>;
}

/**
 * GET /Users, GET /Groups (RFC 7644 §3.4.2): a page of those that match, each in its newest accepted version. A filter that names one by its name,
 * externalId or id is answered from the index, at any size and with MongoDB away; every other is MongoDB's, with what is unsettled laid over.
 */
export const listResources =
  (type: ResourceTypeName, deps: ListDeps): Handler =>
  async (request, caller) =>
    list(deps, request, caller, type, parseListQuery(type, request.query, deps.page, await deps.types(caller)));

/**
 * POST /Users/.search, POST /Groups/.search, POST /.search (RFC 7644 §3.4.3): the same as a list, asked for by a body, so that what is searched for
 * stands in no log of URLs. The last one lists users and groups together, in one order.
 */
export const searchResources =
  (types: readonly ResourceTypeName[], deps: ListDeps): Handler =>
  async (request, caller) => {
    const query = parseSearch(types, await readJson(request), deps.page, await deps.types(caller));
    return list(deps, request, caller, types.length === 1 ? types[0]! : 'all', query);
  };

/** What is looked up by the index costs little; of what MongoDB has to work for, each tenant has so much under way. */
async function list(deps: ListDeps, request: ScimRequest, { tenant }: Caller, listed: string, query: ListRequest): Promise<ScimResponse> {
  const named = namedBy(query);
  const make = () => answerList(deps, request, { tenant, listed, query, named });
  return named ? make() : deps.listSlots.answer(tenant, request, make);
}

interface Listed {
  readonly tenant: string;
  readonly listed: string;
  readonly query: ListRequest;
  /** How it is looked up in the index; undefined: MongoDB has to search. */
  readonly named: LookUp | undefined;
}

async function answerList(deps: ListDeps, request: ScimRequest, { tenant, listed, query, named }: Listed): Promise<ScimResponse> {
  const { cursors, reader, show } = deps;
  const { cursor, startIndex, count, selection, types } = query;
  const scope = { tenant, query: [listed, ...query.texts] };
  const after = cursor ? await cursors.read(scope, cursor) : undefined;
  const window = cursor === undefined ? { skip: startIndex - 1, limit: count } : { after, limit: count };
  const view = await reader.view(tenant, 'read');
  const { total, resources, end } = await answer(deps, view, query, { named, window, baseUrl: request.baseUrl });
  const paging = cursor === undefined ? { startIndex } : end ? { cursors: { nextCursor: await cursors.write(scope, end) } } : {};
  return show.list(view, resources, { request, types, selection, total, ...paging });
}

async function answer(
  deps: ListDeps,
  view: TenantView,
  { parts, types }: ListRequest,
  { named, window, baseUrl }: { readonly named: LookUp | undefined; readonly window: Window; readonly baseUrl: string },
): Promise<Page> {
  const { lister } = deps;
  const resolved = await Promise.all(
    parts.map(async (part): Promise<ListPart> => {
      const { type, filter } = part;
      return { ...part, types, filter: filter && (await resolveMemberships(deps, view, { type, filter }, baseUrl)) };
    }),
  );
  const [first] = resolved;
  if (named && first) return pageOf(await found(deps, view, first, named), first, window);
  return lister.merged(view, resolved, window);
}

/** How a list is looked up in the index; undefined: MongoDB has to search. */
function namedBy({ parts }: ListRequest): LookUp | undefined {
  const [only] = parts;
  return parts.length === 1 && only?.filter ? lookUpBy(only.type, only.filter) : undefined;
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
  // Only a tenant that takes it has such paths; where both have a value, it is one.
  const principal = text('userPrincipalName') ?? text(`${ROLLCALL_USER_URN}:userPrincipalName`);
  if (principal !== undefined) return { field: userPrincipalNameField(principal) };
  return undefined;
}

async function found(
  { reader }: Pick<ListDeps, 'reader'>,
  view: TenantView,
  { type, filter, types }: ListPart,
  by: LookUp,
): Promise<Versioned[]> {
  const ids = 'id' in by ? [by.id] : ((await reader.entries(view, [by.field])).get(by.field)?.ids ?? []);
  const holders = await reader.resources(view, ids);
  return [...holders.values()].filter(
    (holder) => holder.resource.type === type && !holder.resource.deleted && (!filter || matches(filter, representation(holder, types))),
  );
}

/** Few enough to be put in order here. */
function pageOf(all: readonly Versioned[], { sort, types }: ListPart, { skip = 0, after, limit }: Window): Page {
  const descending = sort?.descending ?? false;
  const order = all
    .map((versioned) => ({ versioned, place: placeOf(versioned, sort, types) }))
    .sort((a, b) => comparePlaces(a.place, b.place, descending));
  const following = after ? order.filter(({ place }) => comparePlaces(place, after, descending) > 0) : order.slice(skip);
  const page = following.slice(0, limit);
  return {
    total: all.length,
    resources: page.map(({ versioned }) => versioned),
    end: following.length > page.length ? page.at(-1)?.place : undefined,
  };
}
