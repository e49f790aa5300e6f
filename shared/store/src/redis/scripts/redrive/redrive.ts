import * as z from 'zod';
import { memberOf, type TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Redrive {
  readonly keys: TenantKeys;
  readonly tenant: string;
  readonly type: 'User' | 'Group';
  readonly id: string;
}

/** Moves a dead letter back to the pending ones; the caller rings for it. `absent`: there is no such dead letter (any more). */
export const redrive = defineScript({
  name: 'redrive',
  file: new URL('./redrive.lua', import.meta.url),
  keys: ({ keys, id }: Redrive) => [keys.resource(id), keys.pending(), keys.partition.pending(), keys.dead(), keys.partition.dead()],
  args: ({ tenant, type, id }) => [tenant, memberOf(type, id)],
  reply: z.union([
    z
      .tuple([z.literal('redriven'), z.coerce.number(), z.string()])
      .transform(([kind, version, requestId]) => ({ kind, version, requestId })),
    z.tuple([z.literal('absent')]).transform(([kind]) => ({ kind })),
  ]),
});
