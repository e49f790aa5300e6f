// What a list may be asked by: what a client may be told of, and what is the same for all who ask.
import { type AttributeDefinition, type AttributePath, type Filter, printPath, ScimError } from '@rollcall/scim';

/**
 * @throws ScimError `invalidFilter` for an attribute that is never shown, as asking often enough would tell its value; and for `meta.location`, which is
 *   another one for each host that a client may ask at
 */
export function checkFilterable(filter: Filter, whole?: AttributePath): void {
  switch (filter.kind) {
    case 'and':
    case 'or':
      for (const each of filter.filters) checkFilterable(each, whole);
      return;
    case 'not':
      checkFilterable(filter.filter, whole);
      return;
    case 'compare':
    case 'present':
    case 'valuePath': {
      // Within brackets, an attribute is a sub-attribute of what stands before them.
      const path = whole ? { ...whole, sub: filter.path.attribute } : filter.path;
      if (isSecret(path)) throw ScimError.of('invalidFilter', `filter: ${printPath(path)} is never shown, so nothing is found by it`);
      const { urn, attribute, sub } = path;
      if (filter.kind === 'compare' && urn === undefined && attribute.name === 'meta' && sub?.name === 'location')
        throw ScimError.of('invalidFilter', 'filter: meta.location depends on the host that is asked: filter by id');
      if (filter.kind === 'valuePath') checkFilterable(filter.filter, path);
    }
  }
}

/** @throws ScimError `invalidPath` for an attribute that is never shown: the order would tell its value */
export function checkOrderShown(path: AttributePath): void {
  if (isSecret(path)) throw ScimError.of('invalidPath', `sortBy: ${printPath(path)} is never shown, so nothing is sorted by it`);
}

const isSecret = ({ attribute, sub }: AttributePath): boolean => isNeverShown(attribute) || (sub !== undefined && isNeverShown(sub));
const isNeverShown = ({ returned, mutability }: AttributeDefinition): boolean => returned === 'never' || mutability === 'writeOnly';
