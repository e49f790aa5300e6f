// The query of a request (RFC 7644 §3.4.2, §3.9; RFC 9865), and the same as the body of a search (RFC 7644 §3.4.3).
import type { ResourceTypeName } from '@rollcall/directory';
import {
  type AttributePath,
  CORE_TYPES,
  type Filter,
  type JsonValue,
  parseAttributeNames,
  parseFilter,
  parseSearchRequest,
  parseSortBy,
  quote,
  type ResourceTypes,
  ScimError,
  type SearchRequest,
  type Selection,
  WHOLE,
} from '@rollcall/scim';
import { checkSortable, type Sort } from '@rollcall/store';
import * as z from 'zod';
import { checkFilterable, checkOrderShown } from './asked-of.js';
import { check } from './check.js';

const Names = z.string().transform(parseAttributeNames).optional();
const SelectionQuery = z.object({ attributes: Names, excludedAttributes: Names });

export interface PageSizes {
  readonly count: number;
  readonly max: number;
}

export interface ListRequest {
  /** What it speaks of: the tenant's types. */
  readonly types: ResourceTypes;
  /** What is asked of each type. */
  readonly parts: readonly { readonly type: ResourceTypeName; readonly filter: Filter | undefined; readonly sort: Sort | undefined }[];
  /** 1-based, as the answer repeats it. */
  readonly startIndex: number;
  readonly count: number;
  /** Undefined: pages are asked for by number; empty: the first one of those that follow each other. */
  readonly cursor: string | undefined;
  readonly selection: Selection;
  /** Filter, sortBy, sortOrder as they were written: what a cursor is good for. */
  readonly texts: readonly (string | undefined)[];
}

/** Which attributes the answer shall hold. @throws ScimError `invalidValue` */
export function parseSelection(query: URLSearchParams): Selection {
  // Most requests have no query, and need none of this.
  if (query.size === 0) return EVERYTHING;
  return selected(check(SelectionQuery, given(query, SELECTING)));
}

/**
 * A list request. A startIndex below 1 is 1, a count below 0 is 0, one above the page's limit is the limit.
 * @throws ScimError `invalidValue`, `invalidFilter`, `invalidPath` (sortBy), `invalidCount` (with a cursor)
 */
export function parseListQuery(
  type: ResourceTypeName,
  query: URLSearchParams,
  page: PageSizes,
  all: ResourceTypes = CORE_TYPES,
): ListRequest {
  const { attributes, excludedAttributes, ...texts } = given(query, LISTING);
  return listRequest([type], { ...check(SelectionQuery, { attributes, excludedAttributes }), ...texts }, page, all);
}

/** A search, of one type or of several together. @throws as parseListQuery; ScimError `invalidSyntax` */
export function parseSearch(
  types: readonly ResourceTypeName[],
  body: JsonValue,
  page: PageSizes,
  all: ResourceTypes = CORE_TYPES,
): ListRequest {
  return listRequest(types, parseSearchRequest(body), page, all);
}

type Given = Omit<SearchRequest, 'startIndex' | 'count' | 'attributes' | 'excludedAttributes'> & {
  readonly startIndex?: number | string;
  readonly count?: number | string;
  readonly attributes?: readonly string[] | undefined;
  readonly excludedAttributes?: readonly string[] | undefined;
};

function listRequest(types: readonly ResourceTypeName[], asked: Given, page: PageSizes, all: ResourceTypes): ListRequest {
  const { filter, sortBy, sortOrder, cursor } = asked;
  const byCursor = cursor !== undefined;
  if (byCursor && asked.startIndex !== undefined) throw ScimError.of('invalidValue', 'cursor and startIndex exclude each other');
  const startIndex = whole('startIndex', asked.startIndex) ?? 1;
  const count = whole('count', asked.count, byCursor ? 'invalidCount' : 'invalidValue') ?? page.count;
  // A page of nobody would look like the last one (RFC 9865: a positive integer).
  if (byCursor && count < 1) throw ScimError.of('invalidCount', `count: expected 1 or more, got ${count}`);
  const sorts = sortsOf(types, all, sortBy || undefined, sortOrder || undefined);
  return {
    types: all,
    parts: types.map((type) => ({
      type,
      filter: filter ? filterOf(all[type], filter, types.length > 1) : undefined,
      sort: sorts?.get(type),
    })),
    startIndex: Math.max(1, startIndex),
    count: Math.min(Math.max(0, count), page.max),
    cursor,
    selection: selected(asked),
    texts: [filter || undefined, sortBy || undefined, sorts && (sorts.values().next().value?.descending ? 'descending' : 'ascending')],
  };
}

function filterOf(type: ResourceTypes['User'], text: string, isAcross: boolean): Filter {
  const filter = parseFilter(type, text, isAcross ? { unknownAttributes: 'absent' } : {});
  checkFilterable(filter);
  return filter;
}

/** What each type is sorted by. An attribute that one of several types doesn't have is one without a value there. */
function sortsOf(
  types: readonly ResourceTypeName[],
  all: ResourceTypes,
  sortBy: string | undefined,
  sortOrder: string | undefined,
): Map<ResourceTypeName, Sort> | undefined {
  // Without sortBy there is nothing to be ordered (RFC 7644 §3.4.2.3).
  if (sortBy === undefined) return undefined;
  const order = sortOrder?.toLowerCase() ?? 'ascending';
  if (order !== 'ascending' && order !== 'descending')
    throw ScimError.of('invalidValue', `sortOrder: expected "ascending" or "descending", got ${quote(order)}`);
  let unknown: ScimError | undefined;
  const paths = types.map((type): AttributePath | undefined => {
    try {
      const path = parseSortBy(all[type], sortBy);
      checkSortable(path);
      checkOrderShown(path);
      return path;
    } catch (error) {
      if (!(error instanceof ScimError)) throw error;
      unknown = error;
      return undefined;
    }
  });
  if (unknown && paths.every((path) => path === undefined)) throw unknown;
  return new Map(types.map((type, i) => [type, { path: paths[i], descending: order === 'descending' }]));
}

function whole(name: string, value: number | string | undefined, scimType: 'invalidValue' | 'invalidCount' = 'invalidValue') {
  if (value === undefined) return undefined;
  const number = typeof value === 'number' ? value : WHOLE.test(value) ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw ScimError.of(scimType, `${name}: expected a whole number`);
  return number;
}

const EVERYTHING: Selection = {};
const SELECTING = ['attributes', 'excludedAttributes'] as const;
const LISTING = [...SELECTING, 'startIndex', 'count', 'filter', 'sortBy', 'sortOrder', 'cursor'] as const;

/**
 * Known parameters that have a value, in any case (`?Filter=`); unknown ones are ignored, as Entra puts flags of its own into the query. An empty
 * cursor asks for the first page.
 */
function given<Name extends string>(query: URLSearchParams, names: readonly Name[]): Partial<Record<Name, string>> {
  const values: Partial<Record<Name, string>> = {};
  for (const name of names) {
    const all = allOf(query, name);
    if (all.length > 1) throw ScimError.of('invalidValue', `${name}: given ${all.length} times`);
    if (all[0] || (name === 'cursor' && all[0] === '')) values[name] = all[0]!;
  }
  return values;
}

/** What a query says under a name, in whatever case. */
export function allOf(query: URLSearchParams, name: string): string[] {
  const folded = name.toLowerCase();
  const values: string[] = [];
  for (const [key, value] of query) if (key === name || key.toLowerCase() === folded) values.push(value);
  return values;
}

function selected({ attributes, excludedAttributes }: Selection): Selection {
  if (attributes?.length && excludedAttributes?.length)
    throw ScimError.of('invalidValue', 'attributes and excludedAttributes exclude each other');
  return { attributes, excludedAttributes };
}
