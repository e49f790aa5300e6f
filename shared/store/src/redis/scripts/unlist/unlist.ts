import * as z from 'zod';
import { defineScript } from '../../script.js';

export interface Unlist {
  readonly history: string;
  /** At most 1,000. */
  readonly ids: readonly string[];
  /** Bytes of the lines of each tenant, by the key of its head. */
  readonly bytesByHead: ReadonlyMap<string, number>;
}

/** Deletes lines of history that MongoDB has. @returns how many there were */
export const unlist = defineScript({
  name: 'unlist',
  file: new URL('./unlist.lua', import.meta.url),
  keys: ({ history, bytesByHead }: Unlist) => [history, ...bytesByHead.keys()],
  args: ({ ids, bytesByHead }) => [...bytesByHead.values(), ...ids],
  reply: z.number(),
});
