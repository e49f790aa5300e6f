import type { JobsOptions } from 'bullmq';
import * as z from 'zod';

/** Something of this tenant is pending. */
const OfTenant = z.strictObject({ tenant: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/) });
/** This resource is pending, and can't wait: a leaver, or a redrive. */
const OfResource = OfTenant.extend({
  type: z.enum(['User', 'Group']),
  id: z.uuid(),
  version: z.number().int().positive(),
  requestId: z.string(),
});

/** A job says only that something is pending, never what: it may be lost, repeated, late or stale, and holds no personal data. */
export const Doorbell = z.union([OfResource, OfTenant]);
export type Doorbell = z.infer<typeof Doorbell>;
export type ResourceDoorbell = z.infer<typeof OfResource>;

export const isOfResource = (doorbell: Doorbell): doorbell is ResourceDoorbell => 'id' in doorbell;

/** What came of answering a doorbell. */
export type Outcome = { readonly kind: 'settled'; readonly count: number; readonly left: number } | { readonly kind: 'nothingToDo' };

/** The contract of the `apply` queue. */
export const applyJob = {
  queue: 'apply',
  /** Doorbells of one resource have a queue of their own, so that they pass whatever waits in `apply`, also while an operator pauses it. */
  leaversQueue: 'leavers',
  data: Doorbell,
  /** BullMQ refuses `:` and digits-only ids. The version that rang is part of it, as a finished or active job would swallow its own re-add. */
  id: (doorbell: Doorbell, rangAt: number | string): string =>
    isOfResource(doorbell) ? `${doorbell.tenant}_${doorbell.id}_v${doorbell.version}_${rangAt}` : `${doorbell.tenant}_${rangAt}`,
  options: (attempts: number) =>
    ({ attempts, backoff: { type: 'capped' }, removeOnComplete: true, removeOnFail: true }) satisfies JobsOptions,
} as const;

export const DEAD_LETTER_QUEUE = 'dead-letter';
