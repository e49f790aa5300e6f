import type { Cause, Refusal } from './refusal.js';

/** What MongoDB answered to one bulk write, by the index of the document. */
export interface BulkOutcome {
  /** Documents that were sent as inserts. */
  readonly inserts: ReadonlySet<number>;
  readonly inserted: number;
  readonly matched: number;
  readonly modified: number;
  readonly upserted: ReadonlySet<number>;
  readonly refused: ReadonlyMap<number, Refusal>;
}

/** What is known of one document after a bulk write. */
export type Finding =
  | { readonly kind: 'written' }
  /** It, or another one of the batch, was there as new: version and stamp are to be read back. */
  | { readonly kind: 'unsure' }
  | Refusal;

/**
 * What a bulk write says of each of its documents. A pipeline update that keeps what is there matches without changing: where fewer were changed
 * than matched, nobody says which, so all that weren't inserted are unsure. So are they where the figures don't add up.
 */
export function findings(count: number, { inserts, inserted, matched, modified, upserted, refused }: BulkOutcome): Finding[] {
  const whole = inserted + matched + upserted.size + refused.size === count;
  const sure = (index: number) => whole && (matched === modified || inserts.has(index));
  return Array.from({ length: count }, (_, index) => {
    const refusal = refused.get(index);
    if (refusal) return refusal;
    return sure(index) || upserted.has(index) ? { kind: 'written' } : { kind: 'unsure' };
  });
}

/** What became of one resource. */
export type Verdict =
  /** MongoDB has this version, by our hand. */
  | { readonly kind: 'written' }
  /** MongoDB has a newer version. */
  | { readonly kind: 'superseded' }
  /** MongoDB has another state under this version: Redis had forgotten that it gave the number before. */
  | { readonly kind: 'foreign' }
  /** Redis has a newer state, which deserves its own try. */
  | { readonly kind: 'newer' }
  /** Never as it stands. */
  | { readonly kind: 'refused'; readonly cause: Cause }
  /** Tried again, a few times. */
  | { readonly kind: 'unknown'; readonly cause: Cause };

interface Mark {
  readonly version: number;
  readonly stamp: string;
}

/** What was read back, against what was tried. */
export function acknowledged(tried: Mark, there: Mark | undefined): Verdict {
  if (there === undefined || there.version < tried.version) {
    return { kind: 'unknown', cause: { reason: 'MongoDB does not show what it has acknowledged' } };
  }
  if (there.version > tried.version) return { kind: 'superseded' };
  return there.stamp === tried.stamp ? { kind: 'written' } : { kind: 'foreign' };
}

/** Who has the name that was refused: as MongoDB has it, and as Redis has it. */
export interface Conflict {
  readonly id: string;
  /** Folded. */
  readonly name: string;
  readonly tried: number;
  /** Version of the resource itself in Redis by now. */
  readonly own: number;
  readonly holder?: { readonly id: string; readonly version: number } | undefined;
  /** `name`: folded; undefined where it is deleted. */
  readonly holderNow?: { readonly version: number; readonly pending: boolean; readonly name: string | undefined } | undefined;
}

/**
 * What to do about a name that MongoDB refuses (docs/architecture.md#data-in-mongodb). `park`: the holder's newest state, pending or dead, has another name, so it may
 * lose this one: its own apply replaces the whole document. `again`: the holder has let go meanwhile. By this one rule swaps and chains converge.
 * @returns 'refused' only where neither the holder nor the resource itself has anything newer
 */
export function judge({ id, name, tried, own, holder, holderNow }: Conflict): 'again' | 'park' | 'newer' | 'refused' {
  // Its own, where it was inserted and is there already.
  if (holder === undefined || holder.id === id) return 'again';
  if (holderNow !== undefined && holderNow.version > holder.version && holderNow.name !== name) return holderNow.pending ? 'park' : 'again';
  return own > tried ? 'newer' : 'refused';
}
