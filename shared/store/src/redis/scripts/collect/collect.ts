import * as z from 'zod';
import { idOfMember, type TenantKeys, typeOfMember } from '../../keys.js';
import { defineScript } from '../../script.js';
import { readStages } from '../../stages.js';

export interface Collect {
  readonly keys: TenantKeys;
  /** At most 1,000. */
  readonly count: number;
  /** Only this resource, if it is pending. */
  readonly member?: string | undefined;
}

/** From this try on, a resource is applied alone: a document that kills the worker must not take others with it. */
export const ALONE_FROM_TRY = 3;

const Number_ = z.coerce.number();

/** Takes the oldest pending resources of a tenant, each in its newest state, and counts a try on each. */
export const collect = defineScript({
  name: 'collect',
  file: new URL('./collect.lua', import.meta.url),
  keys: ({ keys, member }: Collect) => [
    keys.pending(),
    keys.partition.pending(),
    ...(member === undefined ? [] : [keys.resource(idOfMember(member))]),
  ],
  args: ({ keys, count, member }) => [count, keys.resource(''), ALONE_FROM_TRY, keys.tenant, ...(member === undefined ? [] : [member])],
  reply: z.array(
    z
      .tuple([
        z.string(),
        z.string(),
        Number_,
        Number_,
        Number_,
        z.string(),
        Number_,
        z.string(),
        z.string(),
        z.string(),
        Number_,
        z.string(),
        z.string(),
      ])
      .transform(([member, document, version, modified_us, born, stamp, tries, trace, urgent, requestId, since_us, since, stages]) => ({
        type: typeOfMember(member),
        id: idOfMember(member),
        document,
        version,
        modified_us,
        born,
        stamp,
        tries,
        trace: trace === '' ? undefined : trace,
        urgent: urgent === '1',
        requestId,
        /** Accepted at, by Redis's clock. */
        since_us,
        /** Memberships older than this version are void. */
        since: since === '' ? undefined : Number(since),
        stages: readStages(stages),
      })),
  ),
});

export type Collected = Awaited<ReturnType<typeof collect.run>>[number];
