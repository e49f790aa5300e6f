import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Load {
  readonly keys: TenantKeys;
  readonly token: string;
  readonly epoch: number;
  readonly taken_us: number;
  readonly fillAgeMax_ms: number;
  readonly lock_ms: number;
  readonly counted: { readonly prefix: string; readonly field: string };
  /** The index holds every resource with this call. */
  readonly complete: boolean;
  /** At most 500 entries; each field once. */
  readonly entries: readonly { readonly field: string; readonly holders: readonly { readonly id: string; readonly version: number }[] }[];
}

/** Adds entries to a tenant's index where there are none yet. `lost`: somebody else loads by now; `stale`: the reading is too old, read again. */
export const load = defineScript({
  name: 'load',
  file: new URL('./load.lua', import.meta.url),
  keys: ({ keys, epoch }: Load) => [keys.loading(), keys.index(epoch), keys.head()],
  args: (l) => [
    l.token,
    l.taken_us,
    l.fillAgeMax_ms * 1000,
    l.lock_ms,
    l.keys.resource(''),
    l.counted.prefix,
    l.counted.field,
    l.complete ? l.epoch : '',
    ...l.entries.flatMap(({ field, holders }) => [field, holders.length, ...holders.flatMap(({ id, version }) => [id, version])]),
  ],
  reply: z.union([
    z.tuple([z.literal('loaded'), z.number()]).transform(([kind, entries]) => ({ kind, entries })),
    z.tuple([z.literal('stale')]).transform(([kind]) => ({ kind })),
    z.tuple([z.literal('lost')]).transform(([kind]) => ({ kind })),
  ]),
});
