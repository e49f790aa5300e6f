import { claimField, externalIdField, type IndexField, type Versioned } from '@rollcall/directory';
import { equalities, type Filter, listResponse, matches } from '@rollcall/scim';
import { type Lister, type Page, type Reader, representation, type TenantView } from '@rollcall/store';
import type { Handler } from '../exchange.js';
import { represent } from '../respond/representation.js';
import { type ListRequest, parseListQuery } from '../validate/query.js';

export interface ListDeps {
  readonly reader: Pick<Reader, 'view' | 'entries' | 'resources'>;
  readonly lister: Pick<Lister, 'page'>;
  readonly page: { readonly count: number; readonly max: number };
}

/**
 * GET /Users (RFC 7644 §3.4.2): a page of those that match, each in its newest accepted version. A filter that names one person by userName,
 * externalId or id is answered from the index, at any size and with MongoDB away; every other is MongoDB's, with what is unsettled laid over.
 */
export const listUsers =
  ({ reader, lister, page }: ListDeps): Handler =>
  async (request, { tenant }) => {
    const query = parseListQuery(request.query, page);
    const view = await reader.view(tenant, 'read');
    const named = query.filter && lookUpBy(query.filter);
    const { total, resources } = named
      ? pageOf(await found(reader, view, query.filter, named), query)
      : await lister.page(view, { type: 'User', filter: query.filter, skip: query.startIndex - 1, limit: query.count });
    const shown = resources.map((versioned) => represent(versioned, request.baseUrl, query.selection));
    return {
      status: 200,
      body: listResponse(shown, { totalResults: total, startIndex: query.startIndex, itemsPerPage: shown.length }),
      about: { tenant },
    };
  };

type LookUp = { readonly id: string } | { readonly field: IndexField };

/** What a filter can be looked up by: an equality that all it matches must satisfy, the narrowest first. */
function lookUpBy(filter: Filter): LookUp | undefined {
  const values = new Map(equalities(filter).map(({ path, value }) => [path, value]));
  const text = (path: string): string | undefined => {
    const value = values.get(path);
    return typeof value === 'string' ? value : undefined;
  };
  const [id, userName, externalId] = [text('id'), text('userName'), text('externalId')];
  if (id !== undefined) return { id };
  if (userName !== undefined) return { field: claimField('userName', userName) };
  if (externalId !== undefined) return { field: externalIdField(externalId) };
  return undefined;
}

async function found(reader: ListDeps['reader'], view: TenantView, filter: Filter, by: LookUp): Promise<Versioned[]> {
  const ids = 'id' in by ? [by.id] : ((await reader.entries(view, [by.field])).get(by.field)?.ids ?? []);
  const holders = await reader.resources(view, ids);
  return [...holders.values()]
    .filter((holder) => holder.resource.type === 'User' && !holder.resource.deleted && matches(filter, representation(holder)))
    .sort((a, b) => a.born - b.born);
}

function pageOf(all: readonly Versioned[], { startIndex, count }: ListRequest): Page {
  return { total: all.length, resources: all.slice(startIndex - 1, startIndex - 1 + count) };
}
