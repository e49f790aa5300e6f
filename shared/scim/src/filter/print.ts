import { printPath } from '../path.js';
import type { Filter } from './ast.js';

/** The canonical text of a filter: parsing it again gives an equal filter. */
export function printFilter(filter: Filter): string {
  switch (filter.kind) {
    case 'or':
      return filter.filters.map((each) => (each.kind === 'or' ? `(${printFilter(each)})` : printFilter(each))).join(' or ');
    case 'and':
      return filter.filters
        .map((each) => (each.kind === 'or' || each.kind === 'and' ? `(${printFilter(each)})` : printFilter(each)))
        .join(' and ');
    case 'not':
      return `not (${printFilter(filter.filter)})`;
    case 'present':
      return `${printPath(filter.path)} pr`;
    case 'valuePath':
      return `${printPath(filter.path)}[${printFilter(filter.filter)}]`;
    case 'compare':
      return `${printPath(filter.path)} ${filter.operator} ${JSON.stringify(filter.value)}`;
    case 'ids':
      return `(${[...filter.ids].map((id) => `id eq ${JSON.stringify(id)}`).join(' or ')})`;
    case 'constant':
      return `${filter.text} ${filter.value ? 'ne ""' : 'pr'}`;
  }
}
