import * as z from 'zod';
import { defineScript } from '../../script.js';

export interface Evict {
  /** Keys of resources of one partition; at most 1,000. */
  readonly resources: readonly string[];
  readonly markerTtl_s: number;
}

/** Evicts the documents of the older half of the settled copies among these resources. */
export const evict = defineScript({
  name: 'evict',
  file: new URL('./evict.lua', import.meta.url),
  keys: ({ resources }: Evict) => [...resources],
  args: ({ markerTtl_s }) => [markerTtl_s],
  reply: z.tuple([z.number(), z.number()]).transform(([evicted, copies]) => ({ evicted, copies })),
});
