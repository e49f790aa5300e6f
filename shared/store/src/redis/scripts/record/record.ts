import * as z from 'zod';
import { defineScript } from '../../script.js';

export interface Record_ {
  readonly key: string;
  /** Head of the tenant whose settings these are: its settings version, a premise of every commit, moves in the same step. */
  readonly head?: string;
  readonly revision: number;
  readonly record: string;
}

/** Writes a token's or a tenant's record where it is newer than what is there. */
export const record = defineScript({
  name: 'record',
  file: new URL('./record.lua', import.meta.url),
  keys: ({ key, head }: Record_) => (head === undefined ? [key] : [key, head]),
  args: ({ revision, record }) => [revision, record],
  reply: z.number().transform((written) => written === 1),
});
