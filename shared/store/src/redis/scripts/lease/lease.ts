import * as z from 'zod';
import { defineScript } from '../../script.js';

/** Takes or renews a lease for `ttl_ms`. False: somebody else holds it. */
export const lease = defineScript({
  name: 'lease',
  file: new URL('./lease.lua', import.meta.url),
  keys: ({ key }: { readonly key: string; readonly token: string; readonly ttl_ms: number }) => [key],
  args: ({ token, ttl_ms }) => [token, ttl_ms],
  reply: z.number().transform((held) => held === 1),
});
