/** A filter as a MongoDB query over the search tree; what it means is said with the filter's types in `@rollcall/scim`. */
import { type AttributePath, type CompareFilter, comparable, type Filter, searchKey } from '@rollcall/scim';

export type MongoQuery = { [key: string]: MongoValue };
type MongoValue = string | number | boolean | MongoQuery | MongoQuery[] | string[];

/**
 * Gives exactly the answer of `matches`, on documents whose `prefix` holds what `searchTree` made. The client's text only ever stands as the
 * operand of an operator that is written here, and every key comes from the schema tables.
 */
export function toMongoQuery(filter: Filter, prefix = 'search'): MongoQuery {
  return query(filter, prefix === '' ? '' : `${prefix}.`);
}

function query(filter: Filter, prefix: string): MongoQuery {
  switch (filter.kind) {
    case 'and':
      return { $and: filter.filters.map((each) => query(each, prefix)) };
    case 'or':
      return { $or: filter.filters.map((each) => query(each, prefix)) };
    case 'not':
      return { $nor: [query(filter.filter, prefix)] };
    case 'constant':
      return filter.value ? {} : { $nor: [{}] };
    case 'ids':
      return { _id: { $in: [...filter.ids] } };
    case 'present':
      return { [key(filter.path, prefix)]: { $exists: true } };
    case 'compare':
      return { [key(filter.path, prefix)]: condition(filter) };
    case 'valuePath': {
      const path = key(filter.path, prefix);
      // $elemMatch finds nothing in what isn't an array; a single complex value is its own only element.
      if (filter.path.attribute.multiValued) return { [path]: { $elemMatch: query(filter.filter, '') } };
      return { $and: [{ [path]: { $exists: true } }, query(filter.filter, `${path}.`)] };
    }
  }
}

function key({ urn, attribute, sub }: AttributePath, prefix: string): string {
  const path = `${prefix}${urn === undefined ? '' : `${searchKey(urn)}.`}${searchKey(attribute.name)}`;
  return sub === undefined ? path : `${path}.${searchKey(sub.name)}`;
}

function condition({ path, operator, value }: CompareFilter): MongoQuery {
  if (value === null) return { $exists: operator === 'ne' };
  const wanted = value === '' ? '' : comparable(path.sub ?? path.attribute, value)!;
  switch (operator) {
    case 'eq':
      return { $eq: wanted };
    case 'ne':
      return { $ne: wanted };
    case 'gt':
      return { $gt: wanted };
    case 'ge':
      return { $gte: wanted };
    case 'lt':
      return { $lt: wanted };
    case 'le':
      return { $lte: wanted };
    case 'co':
      return { $regex: literally(wanted) };
    case 'sw':
      return { $regex: `^${literally(wanted)}` };
    case 'ew':
      // In PCRE `$` also stands before a last newline; that isn't the end.
      return { $regex: `${literally(wanted)}$(?!\\n)` };
  }
}

/** Text as a pattern that means just this text. A NUL must not stand in a BSON pattern as it is. */
function literally(text: string | number | boolean): string {
  return String(text)
    .replaceAll(/[\\^$.*+?()[\]{}|/#-]/g, '\\$&')
    .replaceAll('\0', '\\x00');
}
