import { ScimError } from '@rollcall/scim';
import type { ScimRequest } from '../exchange.js';

/** The `Idempotency-Key` header, if there is one. @throws ScimError `invalidValue` */
export function parseIdempotencyKey(request: Pick<ScimRequest, 'header'>): string | undefined {
  const key = request.header('idempotency-key');
  if (key === undefined) return undefined;
  if (!VISIBLE.test(key)) throw ScimError.of('invalidValue', 'Idempotency-Key: expected 1 to 255 visible characters');
  return key;
}

const VISIBLE = /^[\x21-\x7e]{1,255}$/;
