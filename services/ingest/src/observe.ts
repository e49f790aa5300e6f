// One log line, one measurement and one span per request: ids, versions and reasons of refusals, never a person, a query or a token.
import { type Log, type Metrics, withSpan } from '@rollcall/telemetry';
import type { ScimRequest, ScimResponse } from './exchange.js';
import { flavorOf } from './flavor.js';
import { loggedNames } from './respond/left-out.js';
import type { Resolved } from './routes.js';

export interface ObserveDeps {
  readonly resolve: (request: ScimRequest) => Resolved;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'httpRequestDuration' | 'refusals'>;
}

/** Answers requests, and leaves a trace of each. Never throws. */
export function observed({ resolve, log, metrics }: ObserveDeps): (request: ScimRequest) => Promise<ScimResponse> {
  return async (request) => {
    const began = performance.now();
    const { id: requestId } = request;
    const method = METHODS.has(request.method) ? request.method : 'other';
    const { route, answer } = resolve(request);
    const response = await withSpan(
      `${method} ${route}`,
      { kind: 'server', parent: request.header('traceparent'), attributes: { 'http.request.method': method, 'http.route': route } },
      async (span) => {
        const answered = await answer();
        if (span.isRecording()) {
          const { tenant = '', id = '', version = 0 } = answered.about ?? {};
          span.setAttributes({ 'http.response.status_code': answered.status, requestId, tenant, id, version });
        }
        return answered;
      },
    );
    const took_ms = performance.now() - began;
    if (PROBES.has(route)) return response;
    const status = String(response.status);
    metrics.httpRequestDuration.observe({ method, route, status }, took_ms / 1_000);
    if (response.status >= 400) metrics.refusals.inc({ status, scim_type: response.fault?.scimType ?? '' });
    const level = levelOf(response.status);
    if (log.isLevelEnabled(level)) {
      const { tenant, id, version } = response.about ?? {};
      const { error, noted: _, ...fault } = response.fault ?? {};
      const ms = Math.round(took_ms * 100) / 100;
      const flavor = flavorOf((name) => request.header(name));
      const line = {
        event: 'http.request',
        method,
        route,
        status: response.status,
        ms,
        requestId,
        tenant,
        flavor,
        id,
        version,
        ignored: loggedNames(response.ignored),
        ...fault,
      };
      log[level](error === undefined ? line : { ...line, error }, 'request');
    }
    return response;
  };
}

/** Whatever else a client may call a method would make a series of its own. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** A 500 is a bug, a 503 is trouble behind us; a 501 is our usual answer to what we do not do. */
const levelOf = (status: number): 'info' | 'warn' | 'error' => {
  if (status < 500 || status === 501) return 'info';
  return status === 503 ? 'warn' : 'error';
};
/** Asked every few seconds: they are no requests of SCIM, and are neither logged nor counted. */
const PROBES = new Set(['/healthz', '/readyz']);
