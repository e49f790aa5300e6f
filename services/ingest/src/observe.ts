// One log line, one measurement and one span per request: ids and versions, never a person, a query or a token.
import { type Log, type Metrics, withSpan } from '@rollcall/telemetry';
import type { ScimRequest, ScimResponse } from './exchange.js';
import { flavorOf } from './flavor.js';
import type { Resolved } from './routes.js';

export interface ObserveDeps {
  readonly resolve: (request: ScimRequest) => Resolved;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'httpRequestDuration'>;
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
    metrics.httpRequestDuration.observe({ method, route, status: String(response.status) }, took_ms / 1_000);
    if (log.isLevelEnabled('info') && !PROBES.has(route)) {
      const { tenant, id, version } = response.about ?? {};
      const ms = Math.round(took_ms * 100) / 100;
      const flavor = flavorOf((name) => request.header(name));
      log.info({ method, route, status: response.status, ms, requestId, tenant, flavor, id, version }, 'request');
    }
    return response;
  };
}

/** Whatever else a client may call a method would make a series of its own. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** Asked every few seconds, and of no interest. */
const PROBES = new Set(['/healthz', '/readyz']);
