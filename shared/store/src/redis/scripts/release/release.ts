import * as z from 'zod';
import { defineScript } from '../../script.js';

/** Gives a lease back, and says how many resources of the tenant are pending (0 where no pending set is named). */
export const release = defineScript({
  name: 'release',
  file: new URL('./release.lua', import.meta.url),
  keys: ({ key, pending }: { readonly key: string; readonly token: string; readonly pending?: string }) =>
    pending === undefined ? [key] : [key, pending],
  args: ({ token }) => [token],
  reply: z.number(),
});
