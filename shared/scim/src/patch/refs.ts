// `$ref` in the filters of a PATCH on a group. A member is named by it as well as by its id, at whatever host the client sees it.
import type { Filter } from '../filter/ast.js';
import { idOfReference } from '../reference.js';
import type { AttributeDefinition } from '../schema/definition.js';
import type { PatchOperation } from './operation.js';

/** The same operations, with ids in place of URIs where one is compared with: `members[$ref eq "…/Users/1"]` is `members[value eq "1"]`. */
export function refsAsValues(operations: readonly PatchOperation[]): readonly PatchOperation[] {
  return operations.map((operation) => {
    const { target } = operation;
    if (target?.kind !== 'attribute' || target.filter === undefined || !target.attribute.byName.has('$ref')) return operation;
    return { ...operation, target: { ...target, filter: byValue(target.attribute, target.filter) } };
  });
}

function byValue(attribute: AttributeDefinition, filter: Filter): Filter {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return { kind: filter.kind, filters: filter.filters.map((each) => byValue(attribute, each)) };
    case 'not':
      return { kind: 'not', filter: byValue(attribute, filter.filter) };
    case 'compare': {
      const { path, operator, value } = filter;
      const id = attribute.byName.get('value');
      if (path.attribute.name !== '$ref' || id === undefined || typeof value !== 'string') return filter;
      if (operator !== 'eq' && operator !== 'ne') return filter;
      return { ...filter, path: { ...path, attribute: id }, value: idOfReference(value) };
    }
    default:
      return filter;
  }
}
