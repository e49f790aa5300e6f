import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';
import { joined } from '../../texts.js';

export interface Lives {
  readonly keys: TenantKeys;
  /** One at least, 1,000 at most; none empty. */
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

/** Reads whether resources are there, in the order of the ids; undefined where Redis has none. */
export const lives = defineScript({
  name: 'lives',
  file: new URL('./lives.lua', import.meta.url),
  keys: ({ keys }: Lives) => [keys.resource('')],
  args: ({ ids }) => [joined(ids)],
  reply: z.string().transform((lines) =>
    lines.split('\n').map((line): KnownLife | undefined => {
      const [version = '', settled = '', epoch, kind, gone, since] = line.split(' ').map((value) => (value === '-' ? '' : value));
      if (version === '' || !kind) return undefined;
      return { version, settled, epoch: Number(epoch), type: kind === 'G' ? 'Group' : 'User', gone: gone === '1', since: Number(since) };
    }),
  ),
});
