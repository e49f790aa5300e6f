import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Begin {
  readonly keys: TenantKeys;
  /** `show`: continuity was shown, only the server's run is noted. `hold`: nobody accepts, or shows, until the raise is done or its lock is over. */
  readonly kind: 'show' | 'hold' | 'begin';
  /** Token of the loading lock; nothing to show. */
  readonly token: string;
  readonly epoch: number;
  readonly run: string;
  readonly settings: number;
  readonly counter: number;
  readonly complete: boolean;
  /** By which rules the index is made: a head of another layout says nothing of what stands in it. */
  readonly layout: number;
}

/** Makes a tenant's head under a new epoch, or notes that it was shown to continue under a new run of the server. */
export const begin = defineScript({
  name: 'begin',
  file: new URL('./begin.lua', import.meta.url),
  keys: ({ keys }: Begin) => [keys.head(), keys.loading()],
  args: ({ kind, token, epoch, run, settings, counter, complete, layout }) => [
    ...[kind, token, epoch, run, settings, counter],
    ...[complete ? '1' : '', layout],
  ],
  reply: z.tuple([z.literal(['begun', 'shown', 'held', 'already', 'lost'])]).transform(([kind]) => kind),
});
