import type { Availability } from '@rollcall/store';

/** Whether a store answers; `since`: when the outage began, absent before the store's first answer. */
export interface StoreState {
  readonly status: 'up' | 'away';
  readonly since?: Date;
}

export interface StoreStates {
  readonly redis: StoreState;
  readonly mongodb: StoreState;
}

interface Link {
  readonly availability: Pick<Availability, 'away' | 'awaySince'>;
}

/** The state of both stores, by the same definition of "away" as requests and `/readyz` have. */
export function storeStates({ redis, mongo }: { readonly redis: Link; readonly mongo: Link }): StoreStates {
  return { redis: stateOf(redis), mongodb: stateOf(mongo) };
}

function stateOf({ availability: { away, awaySince } }: Link): StoreState {
  if (!away) return { status: 'up' };
  return { status: 'away', ...(awaySince ? { since: awaySince } : {}) };
}
