import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Log, type Metrics, oneAtATime, type Service } from '@rollcall/telemetry';
import { listen } from './http.js';

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Metrics['registry'];
  readonly log: Log;
}

/** `/metrics` and `/healthz` on a port of their own, which clients never reach. */
export function metricsServer({ host, port, registry, log }: MetricsServerOptions): Service {
  const inTurn = oneAtATime();
  let server: Server | undefined;
  const make = () =>
    createServer({ requestTimeout: 5_000, headersTimeout: 5_000, maxHeaderSize: 16_384 }, (request, response) => {
      const path = request.url?.split('?')[0];
      if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      if (path === '/healthz') return void response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"status":"ok"}');
      if (path !== '/metrics') return void response.writeHead(404).end();
      registry.metrics().then(
        (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
        (error: unknown) => {
          log.error({ error }, 'metrics');
          response.writeHead(500).end();
        },
      );
    });
  return {
    name: 'metrics',
    start: () =>
      inTurn(async () => {
        if (server !== undefined) return;
        const made = make();
        await listen(made, host, port, 'INGEST_METRICS_PORT', 'INGEST_HOST');
        server = made;
        log.info({ host, port: (made.address() as AddressInfo).port }, 'metrics port listens');
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
