import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Untry {
  readonly keys: TenantKeys;
  readonly tried: readonly { readonly id: string; readonly version: number }[];
}

/** Takes back the tries of a batch that met a transient error. */
export const untry = defineScript({
  name: 'untry',
  file: new URL('./untry.lua', import.meta.url),
  keys: ({ keys, tried }: Untry) => tried.map(({ id }) => keys.resource(id)),
  args: ({ tried }) => tried.map(({ version }) => version),
  reply: z.number(),
});
