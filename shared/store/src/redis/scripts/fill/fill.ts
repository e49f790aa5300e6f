import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Fill {
  readonly keys: TenantKeys;
  readonly id: string;
  readonly document: string;
  readonly version: number;
  readonly modified_us: number;
  readonly born: number;
  readonly epoch: number;
  readonly stamp: string;
  readonly type: 'User' | 'Group';
  readonly gone: boolean;
  readonly since?: number | undefined;
  /** Redis's TIME before MongoDB was read. */
  readonly taken_us: number;
  readonly fillAgeMax_ms: number;
  readonly settledTtl_s: number;
}

/** Caches a resource that was read from MongoDB. Never overwrites anything newer or pending; refused where the reading is too old. */
export const fill = defineScript({
  name: 'fill',
  file: new URL('./fill.lua', import.meta.url),
  keys: ({ keys, id }: Fill) => [keys.resource(id)],
  args: (f) => [
    f.document,
    f.version,
    f.modified_us,
    f.born,
    f.epoch,
    f.stamp,
    f.taken_us,
    f.fillAgeMax_ms * 1000,
    f.settledTtl_s,
    f.type[0]!,
    f.gone ? 1 : 0,
    f.since ?? '',
  ],
  reply: z.tuple([z.literal(['filled', 'newer', 'stale'])]).transform(([kind]) => kind),
});
