import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Accept {
  readonly keys: TenantKeys;
  readonly tenant: string;
  readonly id: string;
  readonly member: string;
  /** Version that the decision saw; 0: none. */
  readonly expected: number;
  readonly document: string;
  readonly line: string;
  readonly requestKey: string;
  /** Redis time after which nothing may be written any more. */
  readonly notAfter_ms: number;
  readonly urgent: boolean;
  readonly epoch: number;
  readonly run: string;
  readonly settings: number;
  readonly stamp: string;
  readonly backlogMax: number;
  readonly trace: string;
  /** Claims with this prefix make up the number of live resources, kept in this field of the index. */
  readonly counted: { readonly prefix: string; readonly field: string };
  readonly others: readonly { readonly id: string; readonly version: number }[];
  readonly entries: readonly { readonly field: string; readonly seen: string; readonly next: string }[];
}

const Count = z.coerce.number().int().nonnegative();

/**
 * Commits one decision: state, index, pending, history, all or nothing. Idempotent on `requestKey`: the same command tried again answers `replay`.
 * `conflict` and `taken`: a premise no longer holds; `late`: the deadline is over; `fresh`: the tenant's head must be made or shown first; `full`: the backlog cap.
 */
export const accept = defineScript({
  name: 'accept',
  file: new URL('./accept.lua', import.meta.url),
  keys: ({ keys, id, epoch, others }: Accept) => [
    keys.resource(id),
    keys.head(),
    keys.index(epoch),
    keys.pending(),
    keys.partition.pending(),
    keys.partition.history(),
    ...others.map((other) => keys.resource(other.id)),
  ],
  args: (a) => [
    a.id,
    a.expected,
    a.document,
    a.line,
    a.requestKey,
    a.notAfter_ms,
    a.urgent ? 1 : 0,
    a.tenant,
    a.member,
    a.epoch,
    a.run,
    a.settings,
    a.stamp,
    a.backlogMax,
    a.trace,
    a.counted.prefix,
    a.counted.field,
    ...a.others.map((other) => other.version),
    ...a.entries.flatMap((entry) => [entry.field, entry.seen, entry.next]),
  ],
  reply: z.union([
    z
      .tuple([z.literal('ok'), Count, Count, Count, Count])
      .transform(([kind, version, now_us, ring, born]) => ({ kind, version, now_us, ring: ring === 1, born })),
    z
      .tuple([z.literal('replay'), Count, Count, Count])
      .transform(([kind, version, modified_us, born]) => ({ kind, version, modified_us, born })),
    z.tuple([z.literal('conflict'), z.string()]).transform(([kind, what]) => ({ kind, what })),
    z.tuple([z.literal('taken'), z.string(), z.string()]).transform(([kind, field, ids]) => ({ kind, field, ids })),
    z.tuple([z.literal('late')]).transform(([kind]) => ({ kind })),
    z.tuple([z.literal('fresh')]).transform(([kind]) => ({ kind })),
    z.tuple([z.literal('full')]).transform(([kind]) => ({ kind })),
  ]),
});
