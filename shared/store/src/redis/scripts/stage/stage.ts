import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';
import { joined } from '../../texts.js';
import { type MemberChange, writeChange } from '../accept/accept.js';

export interface Stage {
  readonly keys: TenantKeys;
  readonly group: string;
  readonly stage: string;
  readonly ttl_s: number;
  /** At most 1,000. */
  readonly changes: readonly MemberChange[];
}

/** Lays changes of members aside until an accept makes them all visible at once. */
export const stage = defineScript({
  name: 'stage',
  file: new URL('./stage.lua', import.meta.url),
  keys: ({ keys, group, stage }: Stage) => [keys.stage(group, stage)],
  args: ({ keys, group, stage, ttl_s, changes }) => [
    keys.hints(''),
    `${group}/${stage}`,
    ttl_s,
    ...[...byKind(changes)].flatMap(([kind, ids]) => [kind, joined(ids)]),
  ],
  reply: z.number(),
});

function byKind(changes: readonly MemberChange[]): Map<string, string[]> {
  const kinds = new Map<string, string[]>();
  for (const change of changes) {
    const kind = writeChange(change);
    const ids = kinds.get(kind);
    if (ids) ids.push(change.id);
    else kinds.set(kind, [change.id]);
  }
  return kinds;
}
