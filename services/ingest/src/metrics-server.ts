import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { boundServer, faultOfHead, targetOf } from '@rollcall/http';
import { type Log, type Metrics, oneAtATime, type Service } from '@rollcall/telemetry';
import { type Health, readiness } from './handlers/health.js';
import { listen } from './http.js';

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Metrics['registry'];
  readonly health: Health;
  readonly log: Log;
}

/** `/metrics`, `/readyz` with its details and `/healthz` on a port of their own, which clients never reach. */
export function metricsServer({ host, port, registry, health, log }: MetricsServerOptions): Service {
  const inTurn = oneAtATime();
  let server: Server | undefined;
  const make = () => {
    const made = createServer({ requestTimeout: 5_000, headersTimeout: 5_000, maxHeaderSize: 16_384 }, (request, response) => {
      const fault = faultOfHead(request);
      if (fault) return void response.writeHead(fault.status, TEXT_TYPE).end(fault.detail);
      const path = targetOf(request.url ?? '').path.split('?')[0];
      if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      const answer = Object.hasOwn(answers, path ?? '') ? answers[path as keyof typeof answers] : undefined;
      if (!answer) return void response.writeHead(404, TEXT_TYPE).end(`there are ${Object.keys(answers).join(', ')}`);
      answer().then(
        ({ status, type, text }) => response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text),
        (error: unknown) => {
          log.error({ event: 'metrics.answer.failed', error, path }, 'the metrics port could not answer');
          response.writeHead(500).end();
        },
      );
    });
    const onClosed = (count: number) =>
      log.warn(
        { event: 'metrics.connections.closed', count, connectionsMax: CONNECTIONS_MAX },
        'connections to the metrics port were closed: there were too many',
      );
    boundServer(made, { connectionsMax: CONNECTIONS_MAX, onClosed });
    return made;
  };
  const answers = {
    '/healthz': async () => ({ status: 200, type: JSON_TYPE, text: JSON.stringify({ status: 'ok' }) }),
    '/readyz': async () => {
      const { status, body } = await readiness(health);
      return { status, type: JSON_TYPE, text: JSON.stringify(body) };
    },
    '/metrics': async () => ({ status: 200, type: registry.contentType, text: await registry.metrics() }),
  };
  return {
    name: 'metrics',
    start: () =>
      inTurn(async () => {
        if (server !== undefined) return;
        const made = make();
        await listen(made, host, port, 'INGEST_METRICS_PORT', 'INGEST_HOST');
        server = made;
        log.info({ event: 'metrics.listening', host, port: (made.address() as AddressInfo).port }, 'the metrics port is listening');
      }),
    stop: () =>
      inTurn(async () => {
        const closing = server;
        if (closing === undefined) return;
        const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
        closing.closeAllConnections();
        await closed;
        server = undefined;
      }),
  };
}

const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = { 'Content-Type': 'text/plain; charset=utf-8' };
/** Some scrapers, each with some connections. */
const CONNECTIONS_MAX = 100;
