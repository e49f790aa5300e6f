import type { JsonObject } from '@rollcall/scim';
import type { ScimResponse } from '../exchange.js';

/** What stands behind this process: shown, not judged. */
export interface Health {
  /** From the first success on, whatever becomes of it later. */
  ready(): boolean;
  draining(): boolean;
  /** State of Redis, MongoDB and the indexes. */
  details(): Promise<JsonObject>;
}

const JSON_TYPE = { 'Content-Type': 'application/json; charset=utf-8' };

/** GET /healthz: this process alone. */
export const healthz = () => async (): Promise<ScimResponse> => ({ status: 200, headers: JSON_TYPE, body: { status: 'ok' } });

/**
 * GET /readyz: 503 before the first success and while draining. Later troubles are in the body, with 200: a load balancer would answer
 * plain-text 502s in place of our 503 + Retry-After, and identity providers choke on those (DESIGN section 6).
 */
export const readyz = (health: Health) => async (): Promise<ScimResponse> => {
  const status = health.draining() ? 'draining' : health.ready() ? 'ready' : 'starting';
  return { status: status === 'ready' ? 200 : 503, headers: JSON_TYPE, body: { status, ...(await health.details()) } };
};
