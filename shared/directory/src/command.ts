import type { JsonObject, PatchOperation } from '@rollcall/scim';
import type { AccountCommand } from './accounts.js';
import type { ResourceTypeName } from './resource.js';

/**
 * What a validated request asks for. `attributes` and `ignored` (names that no schema knows, which were left out) come from `validateResource`,
 * `operations` from `parsePatch`.
 */
export type Command = ScimCommand | AccountCommand;

export type ScimCommand =
  | { readonly kind: 'create'; readonly type: ResourceTypeName; readonly attributes: JsonObject; readonly ignored?: readonly string[] }
  | {
      readonly kind: 'replace';
      readonly type: ResourceTypeName;
      readonly id: string;
      readonly attributes: JsonObject;
      readonly ignored?: readonly string[];
      readonly ifMatch?: string;
    }
  | {
      readonly kind: 'patch';
      readonly type: ResourceTypeName;
      readonly id: string;
      readonly operations: readonly PatchOperation[];
      readonly ifMatch?: string;
    }
  | { readonly kind: 'delete'; readonly type: ResourceTypeName; readonly id: string; readonly ifMatch?: string };

/** What only the outside can give, taken once per command so that every attempt decides the same: a new id, and the time (RFC 3339, UTC). */
export interface Stamp {
  readonly id: string;
  readonly now: string;
}
