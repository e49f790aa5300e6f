import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';
import { joined } from '../../texts.js';

export interface Unstage {
  readonly keys: TenantKeys;
  readonly group: string;
  readonly stage: string;
  /** At most 1,000 of those that were laid aside. */
  readonly members: readonly string[];
}

/** Takes back what was laid aside for a commit that did not come about. */
export const unstage = defineScript({
  name: 'unstage',
  file: new URL('./unstage.lua', import.meta.url),
  keys: ({ keys, group, stage }: Unstage) => [keys.stage(group, stage)],
  args: ({ keys, group, stage, members }) => [keys.hints(''), `${group}/${stage}`, joined(members)],
  reply: z.number(),
});
