import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';
import { CHANGE_BYTES } from '../accept/accept.js';

export interface SettleMembers {
  readonly keys: TenantKeys;
  readonly group: string;
  /** The stage that the changes are of; absent: the group's own. */
  readonly stage?: string;
  readonly fillAgeMax_ms: number;
  /** At most 500: member and the change as it was read. */
  readonly applied: readonly (readonly [member: string, change: string])[];
}

/** Forgets changes of members that MongoDB has. One that was changed again since stays. */
export const settleMembers = defineScript({
  name: 'settleMembers',
  file: new URL('./settle-members.lua', import.meta.url),
  keys: ({ keys, group, stage }: SettleMembers) => [stage === undefined ? keys.deltas(group) : keys.stage(group, stage), keys.head()],
  args: ({ keys, group, stage, fillAgeMax_ms, applied }) => [
    keys.hints(''),
    stage === undefined ? group : `${group}/${stage}`,
    keys.memberships(''),
    Math.ceil((fillAgeMax_ms * 4) / 1_000),
    CHANGE_BYTES,
    ...applied.flat(),
  ],
  reply: z.number(),
});
