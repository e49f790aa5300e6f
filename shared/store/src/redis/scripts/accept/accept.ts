import type { MemberType } from '@rollcall/directory';
import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Accept {
  readonly keys: TenantKeys;
  readonly tenant: string;
  readonly id: string;
  readonly member: string;
  /** Version that the decision saw; 0: none; `any`: whichever, if the resource is there and live. */
  readonly expected: number | 'any';
  /** With `any`: memberships older than this version were void when the decision was made. */
  readonly seenSince?: number | undefined;
  /** Empty: the document stays as it is, only version and time move. */
  readonly document: string;
  readonly line: string;
  readonly requestKey: string;
  /** As the client and the logs know it; it goes with the resource to its job and, if need be, its dead letter. */
  readonly requestId: string;
  /** Redis time after which nothing may be written any more. */
  readonly notAfter_ms: number;
  readonly urgent: boolean;
  readonly epoch: number;
  readonly run: string;
  readonly settings: number;
  readonly stamp: string;
  readonly backlogMax: number;
  /** Most bytes of the tenant in Redis that MongoDB has not yet. */
  readonly backlogBytesMax: number;
  readonly trace: string;
  /** Holders of claims with this prefix make up the number of live resources, kept in this field of the index. */
  readonly counted: { readonly prefix: string; readonly field: string };
  readonly others: readonly { readonly id: string; readonly version: number }[];
  readonly entries: readonly { readonly field: string; readonly seen: string; readonly next: string }[];
  /** The resource is deleted with this version. */
  readonly gone?: boolean;
  /** Memberships older than this version are void. */
  readonly since?: boolean;
  readonly edges?: {
    /** At most 1,000; more go into a stage. */
    readonly changes: readonly MemberChange[];
    /** Its changes become visible with this version. */
    readonly stage?: string;
  };
}

export interface MemberChange {
  readonly id: string;
  readonly type: MemberType;
  /** In the group, or out of it. */
  readonly present: boolean;
}

/** A change as Redis keeps it, behind the version that made it. */
export const writeChange = ({ type, present }: MemberChange): string => `${present ? 1 : 0} ${LETTERS[type]}`;

/** @param change without its version */
export function readChange(change: string): Omit<MemberChange, 'id'> {
  const type = MEMBER_TYPES.find((each) => change.endsWith(LETTERS[each])) ?? 'User';
  return { type, present: change.startsWith('1') };
}

const LETTERS = { User: 'U', Group: 'G', Unknown: '?', Skipped: '-' } as const satisfies Record<MemberType, string>;
const MEMBER_TYPES = Object.keys(LETTERS) as MemberType[];

/** What a change of a member takes in Redis, about: its field, its id and the hint at it. */
export const CHANGE_BYTES = 256;

const Count = z.coerce.number().int().nonnegative();

/**
 * Commits one decision: state, index, pending, history, all or nothing. Idempotent on `requestKey`: the same command tried again answers `replay`.
 * `conflict` and `taken`: a premise no longer holds; `late`: the deadline is over; `fresh`: the tenant's head must be made or shown first; `full`: a cap on what MongoDB has not yet.
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
    keys.deltas(id),
    ...others.map((other) => keys.resource(other.id)),
  ],
  args: (a) => [
    a.id,
    a.expected === 'any' ? `any ${a.seenSince ?? ''}` : a.expected,
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
    a.gone ? 1 : 0,
    a.since ? 1 : 0,
    a.edges?.stage ?? '',
    a.edges?.stage === undefined ? '' : a.keys.stage(a.id, a.edges.stage),
    a.keys.hints(''),
    a.requestId,
    a.backlogBytesMax,
    CHANGE_BYTES,
    a.edges?.changes.length ?? 0,
    ...(a.edges?.changes ?? []).flatMap((change) => [change.id, writeChange(change)]),
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
    z.tuple([z.literal('full'), z.literal(['resources', 'history', 'bytes'])]).transform(([kind, of]) => ({ kind, of })),
  ]),
});
