/**
 * A filter as it is understood (RFC 7644 §3.4.2.2): every name resolved against the tables, every value of its attribute's type.
 *
 * What a filter means, here once, for the predicate and for MongoDB alike:
 * - The *values* of a path are all values reached by it: of each element of a multi-valued attribute, of each extension. Unassigned ones
 *   (absent, null, empty string, empty array or object) are no values.
 * - `eq`, `co`, `sw`, `ew`, `gt`, `ge`, `lt`, `le` are true where at least one value satisfies them.
 * - `ne` is the exact opposite of `eq`: true where no value is equal, so also where there is none. `not (x)` is the exact opposite of x.
 * - `pr` is true where there is a value; of a complex attribute, where any of its sub-attributes has one. `eq null` is `not (… pr)`, `ne null` is `pr`.
 * - `attribute[…]` is true where one and the same element satisfies the whole bracket; within it, "absent" means absent from that element.
 *   An element without any value is no element.
 * - Text that isn't caseExact is compared folded (NFC, lower case), everything else as it is; order is by code point. dateTimes are
 *   compared as instants.
 */
import type { AttributePath } from '../path.js';

export type Operator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le';

export interface AndFilter {
  readonly kind: 'and';
  readonly filters: readonly Filter[];
}
export interface OrFilter {
  readonly kind: 'or';
  readonly filters: readonly Filter[];
}
export interface NotFilter {
  readonly kind: 'not';
  readonly filter: Filter;
}
export interface CompareFilter {
  readonly kind: 'compare';
  readonly path: AttributePath;
  readonly operator: Operator;
  /** Of the attribute's type; a dateTime as canonical UTC text; text as the client wrote it. Null only with `eq` and `ne`. */
  readonly value: string | number | boolean | null;
}
export interface PresentFilter {
  readonly kind: 'present';
  readonly path: AttributePath;
}
/** `emails[type eq "work"]`: the paths inside are relative to the element, so `attribute` there is a sub-attribute. */
export interface ValuePathFilter {
  readonly kind: 'valuePath';
  readonly path: AttributePath;
  readonly filter: Filter;
}
/** An attribute that this resource type doesn't have, in a search across types (RFC 7644 §3.4.2.1): it has no value. */
export interface ConstantFilter {
  readonly kind: 'constant';
  readonly value: boolean;
  /** As the client wrote it. */
  readonly text: string;
}

/** Stands for a term that was answered beforehand, as its attribute is kept elsewhere: true of just these resources. */
export interface IdsFilter {
  readonly kind: 'ids';
  readonly ids: ReadonlySet<string>;
}

export type Filter = IdsFilter | AndFilter | OrFilter | NotFilter | CompareFilter | PresentFilter | ValuePathFilter | ConstantFilter;
