import * as z from 'zod';
import type { TenantKeys } from '../../keys.js';
import { defineScript } from '../../script.js';
import type { PublishedStage } from '../../stages.js';

/** Forgets a stage whose changes are all settled. */
export const closeStage = defineScript({
  name: 'closeStage',
  file: new URL('./close-stage.lua', import.meta.url),
  keys: ({ keys, group, stage }: { readonly keys: TenantKeys; readonly group: string } & PublishedStage) => [
    keys.resource(group),
    keys.stage(group, stage),
  ],
  args: ({ stage, version }) => [`${stage}:${version}`],
  reply: z.number().transform((closed) => closed === 1),
});
