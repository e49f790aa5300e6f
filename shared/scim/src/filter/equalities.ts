import { printPath } from '../path.js';
import type { Filter } from './ast.js';

export interface Equality {
  /** Canonical: `userName`, `emails.value`, `urn:…:User:manager.value`. */
  readonly path: string;
  /** As the client wrote it, not folded. */
  readonly value: string | number | boolean;
}

/**
 * The `eq` terms that every match must satisfy: joined by `and` at the top, value paths included. A look-up may go by one of them through an
 * index, and test the whole filter on what it finds.
 */
export function equalities(filter: Filter): Equality[] {
  switch (filter.kind) {
    case 'and':
      return filter.filters.flatMap(equalities);
    case 'compare':
      return filter.operator === 'eq' && filter.value !== null ? [{ path: printPath(filter.path), value: filter.value }] : [];
    case 'valuePath': {
      const parent = printPath(filter.path);
      return equalities(filter.filter).map(({ path, value }) => ({ path: `${parent}.${path}`, value }));
    }
    default:
      return [];
  }
}
