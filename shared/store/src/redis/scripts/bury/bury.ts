import * as z from 'zod';
import { memberOf, type TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Bury {
  readonly keys: TenantKeys;
  readonly tenant: string;
  readonly type: 'User' | 'Group';
  readonly id: string;
  readonly version: number;
  /** Why, as JSON; never with personal data. */
  readonly cause: string;
}

/** Makes a dead letter of one version of a resource. `newer`: there is a newer state, which deserves its own try, or another worker has applied this one meanwhile. */
export const bury = defineScript({
  name: 'bury',
  file: new URL('./bury.lua', import.meta.url),
  keys: ({ keys, id }: Bury) => [keys.resource(id), keys.pending(), keys.partition.pending(), keys.dead(), keys.partition.dead()],
  args: ({ tenant, type, id, version, cause }) => [tenant, memberOf(type, id), version, cause],
  reply: z.tuple([z.literal(['buried', 'newer']), z.number()]).transform(([kind, left]) => ({ kind, left })),
});
