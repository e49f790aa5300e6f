import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';

export interface Lives {
  readonly keys: TenantKeys;
  /** At most 1,000. */
  readonly ids: readonly string[];
}

/** What Redis knows of a resource's being there, besides its document. */
export interface KnownLife {
  readonly version: string;
  /** '' = never. */
  readonly settled: string;
  readonly epoch: number;
  readonly type: 'User' | 'Group';
  readonly gone: boolean;
  /** Memberships older than this version are void; 0: none are. */
  readonly since: number;
}

const FIELDS = 6;

/** Reads whether resources are there, in the order of the ids; undefined where Redis has none. */
export const lives = defineScript({
  name: 'lives',
  file: new URL('./lives.lua', import.meta.url),
  keys: ({ keys, ids }: Lives) => ids.map((id) => keys.resource(id)),
  args: () => [],
  reply: z.array(z.string()).transform((values) =>
    Array.from({ length: values.length / FIELDS }, (_, i): KnownLife | undefined => {
      const [version = '', settled = '', epoch, kind, gone, since] = values.slice(i * FIELDS, (i + 1) * FIELDS);
      if (version === '' || !kind) return undefined;
      return { version, settled, epoch: Number(epoch), type: kind === 'G' ? 'Group' : 'User', gone: gone === '1', since: Number(since) };
    }),
  ),
});
