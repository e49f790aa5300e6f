import { isActive, type Versioned } from '@rollcall/directory';
import { extendResourceType, type Filter, type JsonObject, matches, parseFilter, type ResourceTypes, ScimError } from '@rollcall/scim';
import { type MongoQuery, representation, toMongoQuery } from '@rollcall/store';

/** What stands behind a user: filters over accounts may speak of it, too. */
const OWN = [
  { name: 'status', description: 'active or preserved' },
  { name: 'managedBy', description: 'scim, manual or directory' },
  { name: 'profile', caseExact: true, description: 'What the account may use.' },
];

/** @throws ScimError invalidFilter */
export const parseAccountFilter = (text: string, { User }: ResourceTypes): Filter =>
  parseFilter(extendResourceType(User, { custom: OWN }), text);

/** Whether an account satisfies a filter; one that is deleted is still found by what the person was. */
export function accountMatches(filter: Filter, versioned: Versioned, types: ResourceTypes): boolean {
  const { resource } = versioned;
  const { managedBy, profile } = resource.account;
  const account: JsonObject = { status: statusOf(versioned), managedBy, ...(profile === undefined ? {} : { profile }) };
  return matches(filter, { ...representation(versioned, types), ...account });
}

export const statusOf = ({ resource }: Versioned): 'active' | 'preserved' => (isActive(resource) ? 'active' : 'preserved');

/** The same as a query on stored accounts. @throws ScimError invalidFilter for an operator that the account's own side does not know */
export function accountQuery(filter: Filter): MongoQuery {
  switch (filter.kind) {
    case 'and':
      return { $and: filter.filters.map(accountQuery) };
    case 'or':
      return { $or: filter.filters.map(accountQuery) };
    case 'not':
      return { $nor: [accountQuery(filter.filter)] };
    case 'present':
    case 'compare': {
      const { attribute, urn } = filter.path;
      return urn === undefined && Object.hasOwn(FIELDS, attribute.name)
        ? own(attribute.name as keyof typeof FIELDS, filter)
        : toMongoQuery(filter);
    }
    default:
      return toMongoQuery(filter);
  }
}

const FIELDS = { status: 'account.preservedBy.0', managedBy: 'account.managedBy', profile: 'account.profile' } as const;

function own(name: keyof typeof FIELDS, filter: Extract<Filter, { kind: 'present' | 'compare' }>): MongoQuery {
  const field = FIELDS[name];
  if (filter.kind === 'present') return name === 'profile' ? { [field]: { $exists: true } } : {};
  const { operator, value } = filter;
  if (operator !== 'eq' && operator !== 'ne') throw ScimError.of('invalidFilter', `${name}: can be asked for by \`eq\`, \`ne\` and \`pr\``);
  const negated = operator === 'ne';
  if (value === null) return { [field]: { $exists: negated } };
  if (name === 'status') {
    const wanted = String(value).toLowerCase();
    const equal: MongoQuery =
      wanted === 'preserved' || wanted === 'active' ? { [field]: { $exists: wanted === 'preserved' } } : { $nor: [{}] };
    return negated ? { $nor: [equal] } : equal;
  }
  const text = name === 'managedBy' ? String(value).toLowerCase() : String(value);
  return { [field]: negated ? { $ne: text } : { $eq: text } };
}
