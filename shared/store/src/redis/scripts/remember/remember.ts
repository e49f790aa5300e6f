import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Remember {
  readonly keys: TenantKeys;
  readonly member: string;
  readonly memberships: string;
  readonly taken_us: number;
  readonly fillAgeMax_ms: number;
  readonly ttl_s: number;
}

/** What is remembered, of the text that is kept; undefined where that is a mark of staleness. */
export const readRemembered = (text: string): string | undefined => /^at \d+ (.*)$/s.exec(text)?.[1];

/** Keeps what MongoDB has of a member's groups, so that a read of a person needs Redis alone. */
export const remember = defineScript({
  name: 'remember',
  file: new URL('./remember.lua', import.meta.url),
  keys: ({ keys, member }: Remember) => [keys.memberships(member)],
  args: ({ memberships, taken_us, fillAgeMax_ms, ttl_s }) => [memberships, taken_us, fillAgeMax_ms * 1_000, ttl_s],
  reply: z.number().transform((kept) => kept === 1),
});
