// What an operator sees of dead letters and backlogs, and what may be asked of them.
import { z } from 'zod';

/** A resource whose newest state MongoDB refused for good. */
export interface DeadLetter {
  readonly tenant: string;
  readonly type: 'User' | 'Group';
  readonly id: string;
  readonly version: number;
  readonly cause: string;
  /** The driver's or server's own code, where it had one. */
  readonly code?: number | string | undefined;
  /** Which rules of MongoDB's validator refused it, without a value: `attributes.title: maxLength 64`. */
  readonly rules?: readonly string[] | undefined;
  readonly tries: number;
  /** ISO 8601. */
  readonly failedAt: string;
  readonly requestId: string;
}

const Tenant = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected the id of a tenant');
const Item = z.strictObject({ tenant: Tenant, id: z.uuid('expected the id of a resource') });

/** Which dead letters an operator means: some by name, all of one cause, or all; the latter two of one tenant or of every. */
export const Selection = z.union(
  [
    z.strictObject({ items: z.array(Item).min(1).max(1_000) }),
    z.strictObject({ cause: z.string().min(1).max(1_000), tenant: Tenant.optional() }),
    z.strictObject({ all: z.literal(true), tenant: Tenant.optional() }),
  ],
  'expected one of {"items": [{"tenant", "id"}]}, at most 1,000, {"cause", "tenant"?} and {"all": true, "tenant"?}',
);
export type Selection = z.infer<typeof Selection>;

export const DeadLetterQuery = z.strictObject({
  tenant: Tenant.optional(),
  cursor: z.string().min(1).max(1_024).optional(),
  limit: z.coerce.number('expected a whole number from 1 to 500').int().min(1).max(500).default(100),
});
export type DeadLetterQuery = z.infer<typeof DeadLetterQuery>;

/** A dead letter that could not be discarded, as one of its names is someone else's by now. */
export interface Refused {
  readonly tenant: string;
  readonly id: string;
  /** The id of the resource that holds the name. */
  readonly holder: string;
}

export interface DeadLetters {
  list(query: DeadLetterQuery): Promise<{ items: readonly DeadLetter[]; next?: string | undefined }>;
  redrive(selection: Selection): Promise<{ redriven: number }>;
  /** `by`: who decided so, for the history. */
  discard(selection: Selection, by: string): Promise<{ discarded: number; refused: readonly Refused[] }>;
}
