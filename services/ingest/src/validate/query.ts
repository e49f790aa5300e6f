// The query of a request (RFC 7644 §3.4.2, §3.9).
import type { ResourceTypeName } from '@rollcall/directory';
import { type Filter, GROUP, parseAttributeNames, parseFilter, ScimError, type Selection, USER } from '@rollcall/scim';
import * as z from 'zod';
import { check } from './check.js';

const whole = z
  .string()
  .regex(/^\s*[+-]?\d{1,15}\s*$/, 'expected a whole number')
  .transform(Number);

const Names = z.string().transform(parseAttributeNames).optional();
const SelectionQuery = z.object({ attributes: Names, excludedAttributes: Names });
const ListQuery = SelectionQuery.extend({ startIndex: whole.optional(), count: whole.optional(), filter: z.string().optional() });

export interface ListRequest {
  readonly filter: Filter | undefined;
  /** 1-based, as the answer repeats it. */
  readonly startIndex: number;
  readonly count: number;
  readonly selection: Selection;
}

/** Which attributes the answer shall hold. @throws ScimError `invalidValue` */
export function parseSelection(query: URLSearchParams): Selection {
  // Most requests have no query, and need none of this.
  if (query.size === 0) return EVERYTHING;
  return selected(check(SelectionQuery, given(query)));
}

/**
 * A list request. A startIndex below 1 is 1, a count below 0 is 0, one above the page's limit is the limit.
 * @throws ScimError `invalidValue`, `invalidFilter`
 */
export function parseListQuery(
  type: ResourceTypeName,
  query: URLSearchParams,
  page: { readonly count: number; readonly max: number },
): ListRequest {
  const { startIndex = 1, count = page.count, filter, ...names } = check(ListQuery, given(query));
  return {
    filter: filter === undefined ? undefined : parseFilter(type === 'User' ? USER : GROUP, filter),
    startIndex: Math.max(1, startIndex),
    count: Math.min(Math.max(0, count), page.max),
    selection: selected(names),
  };
}

const EVERYTHING: Selection = {};
const PARAMETERS = ['attributes', 'excludedAttributes', 'startIndex', 'count', 'filter'] as const;

/** Known parameters that have a value; unknown ones are ignored, as Entra puts flags of its own into the query. */
function given(query: URLSearchParams): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of PARAMETERS) {
    const all = query.getAll(name);
    if (all.length > 1) throw ScimError.of('invalidValue', `${name}: given ${all.length} times`);
    if (all[0]) values[name] = all[0];
  }
  return values;
}

function selected({ attributes, excludedAttributes }: Selection): Selection {
  if (attributes && excludedAttributes) throw ScimError.of('invalidValue', 'attributes and excludedAttributes exclude each other');
  return { attributes, excludedAttributes };
}
