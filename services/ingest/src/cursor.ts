// Cursors of lists (RFC 9865): opaque to clients, of unreserved characters only, and worth nothing to another tenant or for another query.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ScimError, type SortValue } from '@rollcall/scim';
import type { Place } from '@rollcall/store';
import * as z from 'zod';

/** What a cursor belongs to. A page's size and what is shown of a resource may change on the way. */
export interface CursorScope {
  readonly tenant: string;
  /** Endpoint, filter, sortBy, sortOrder, as the client wrote them. */
  readonly query: readonly (string | undefined)[];
}

export interface CursorOptions {
  /** @throws TransientError while it can't be had */
  readonly secret: () => Promise<Buffer>;
  readonly now_ms: () => number;
  readonly ttl_s: number;
}

export interface Cursors {
  readonly ttl_s: number;
  write(scope: CursorScope, place: Place): Promise<string>;
  /** @throws ScimError invalidCursor: none of ours, or for something else; expiredCursor */
  read(scope: CursorScope, cursor: string): Promise<Place>;
}

/** `base64url(payload).base64url(signature)`; the signature covers the scope, too. */
export function makeCursors({ secret, now_ms, ttl_s }: CursorOptions): Cursors {
  const sign = async ({ tenant, query }: CursorScope, payload: string): Promise<Buffer> => {
    const key = createHmac('sha256', await secret())
      .update('rollcall cursor 1')
      .digest();
    const signed = JSON.stringify([tenant, ...query.map((part) => part ?? null), payload]);
    return createHmac('sha256', key).update(signed).digest().subarray(0, SIGNATURE_BYTES);
  };
  return {
    ttl_s,
    async write(scope, { key, born }) {
      const expires_s = Math.floor(now_ms() / 1_000) + ttl_s;
      const payload = Buffer.from(JSON.stringify(key === undefined ? [expires_s, born] : [expires_s, born, key])).toString('base64url');
      return `${payload}.${(await sign(scope, payload)).toString('base64url')}`;
    },
    async read(scope, cursor) {
      const [, payload = '', signature = ''] = FORM.exec(cursor) ?? [];
      if (payload === '') throw invalid();
      const given = Buffer.from(signature, 'base64url');
      const expected = await sign(scope, payload);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw invalid();
      const [expires_s, born, key] = Payload.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
      if (expires_s * 1_000 < now_ms()) throw ScimError.of('expiredCursor', `cursor: it was good for ${ttl_s} s; begin again`);
      return { key, born };
    },
  };
}

const invalid = (): ScimError => ScimError.of('invalidCursor', 'cursor: expected the nextCursor of an answer to the same query');

const Key: z.ZodType<SortValue> = z.union([z.string(), z.number(), z.boolean()]);
const Payload = z.union([
  z.tuple([z.int(), z.int(), Key]),
  z.tuple([z.int(), z.int()]).transform(([expires_s, born]) => [expires_s, born, undefined] as const),
]);
const FORM = /^([A-Za-z0-9_-]{1,16000})\.([A-Za-z0-9_-]{22})$/;
const SIGNATURE_BYTES = 16;
