import type { JsonObject } from '@rollcall/scim';
import { VERSION } from '@rollcall/telemetry';
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

/** GET /healthz: this process alone, and its version. */
export const healthz = () => async (): Promise<ScimResponse> => ({
  status: 200,
  headers: JSON_TYPE,
  body: { status: 'ok', version: VERSION },
});

const stateOf = (health: Health): 'draining' | 'ready' | 'starting' => {
  if (health.draining()) return 'draining';
  return health.ready() ? 'ready' : 'starting';
};

/** What `/readyz` says on the metrics port: the state of all that is behind this process, besides. */
export async function readiness(health: Health): Promise<{ readonly status: number; readonly body: JsonObject }> {
  const status = stateOf(health);
  return { status: status === 'ready' ? 200 : 503, body: { status, ...(await health.details()) } };
}

/**
 * GET /readyz on the SCIM port: 503 before the first success and while draining. Later troubles leave it at 200: a load balancer would answer
 * plain-text 502s in place of our 503 + Retry-After, and identity providers choke on those (docs/states.md#when-something-is-down). What is behind this process is told on
 * the metrics port alone: strangers reach this one.
 */
export const readyz = (health: Health) => async (): Promise<ScimResponse> => {
  const status = stateOf(health);
  return { status: status === 'ready' ? 200 : 503, headers: JSON_TYPE, body: { status } };
};
