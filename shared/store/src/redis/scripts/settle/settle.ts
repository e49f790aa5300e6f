import * as z from 'zod';
import { memberOf, type TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Settle {
  readonly keys: TenantKeys;
  readonly tenant: string;
  /** How long the copy stays in Redis; of its marker, where the copy is not kept. */
  readonly settledTtl_s: number;
  /** False: only a marker stays (docs/decisions/0037). */
  readonly keepsCopies?: boolean;
  /** At most 1,000. */
  readonly applied: readonly { readonly type: 'User' | 'Group'; readonly id: string; readonly version: number }[];
}

/** Marks what MongoDB has as settled, so that its cached copy may age out. Says how many of the tenant are still pending. */
export const settle = defineScript({
  name: 'settle',
  file: new URL('./settle.lua', import.meta.url),
  keys: ({ keys, applied }: Settle) => [
    keys.pending(),
    keys.partition.pending(),
    keys.dead(),
    keys.partition.dead(),
    keys.head(),
    ...applied.map(({ id }) => keys.resource(id)),
  ],
  args: ({ tenant, settledTtl_s, keepsCopies = true, applied }) => [
    tenant,
    settledTtl_s,
    keepsCopies ? 1 : 0,
    ...applied.flatMap(({ type, id, version }) => [memberOf(type, id), version]),
  ],
  reply: z.tuple([z.number(), z.number()]).transform(([left, settled]) => ({ left, settled })),
});
