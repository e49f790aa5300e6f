// The worker's operations port.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { boundServer } from '@rollcall/http';
import { oneAtATime, type Service } from '@rollcall/telemetry';
import { type OpsDeps, opsApp } from './app.js';

export interface OpsServerDeps extends OpsDeps {
  readonly host: string;
  /** 0: any free one, see `url`. */
  readonly port: number;
  /** Connections beyond these are closed at once. */
  readonly connectionsMax?: number;
  /** How long a stop waits for requests in hand; then their connections are cut. */
  readonly stopTimeout_ms?: number;
}

export interface OpsServer extends Service {
  /** `http://host:port` while it listens. */
  readonly url: string | undefined;
}

const CONNECTIONS_MAX = 10_000;
const IDLE_CHECK_MS = 25;
/** Longer than clients and load balancers keep theirs, so that they close first, and never send what meets a closing connection. */
const KEEP_ALIVE_MS = 65_000;

export function opsServer(deps: OpsServerDeps): OpsServer {
  const { host, port, log, stopTimeout_ms = 5_000 } = deps;
  const inTurn = oneAtATime();
  let server: Server | undefined;
  let draining = false;
  const app = opsApp(deps, () => draining);

  return {
    name: 'ops',
    get url() {
      const address = server?.address();
      return isAddress(address)
        ? `http://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
        : undefined;
    },
    start: () =>
      inTurn(async () => {
        if (server !== undefined) return;
        draining = false;
        const made = createServer(
          { requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: 16_384 },
          app,
        );
        const { connectionsMax = CONNECTIONS_MAX } = deps;
        boundServer(made, {
          connectionsMax,
          onClosed: (count) =>
            log.warn(
              { event: 'ops.connections.closed', count, connectionsMax },
              'connections to the operations port were closed: there were too many',
            ),
        });
        await listen(made, host, port);
        server = made;
        log.info({ event: 'ops.listening', host, port: (made.address() as AddressInfo).port }, 'the operations port is listening');
      }),
    stop: () => {
      draining = true; // at once, so that /readyz says so while a start is still waited for
      return inTurn(async () => {
        const closing = server;
        if (closing === undefined) return;
        await close(closing, stopTimeout_ms);
        server = undefined;
      });
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, host, port)));
    server.listen(port, host, () => {
      server.removeAllListeners('error');
      resolve();
    });
  });
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE') return new Error(`port ${port} on ${host} is in use; set OPS_PORT to another`, { cause: error });
  if (error.code === 'EACCES') return new Error(`port ${port} on ${host} is not allowed to us; set OPS_PORT to another`, { cause: error });
  if (error.code === 'EADDRNOTAVAIL') return new Error(`${host} is no address of this machine; set OPS_HOST to another`, { cause: error });
  return error;
}

/** Takes no more connections, lets requests in hand end, and closes each kept-alive connection as soon as it idles. */
async function close(server: Server, limit_ms: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), limit_ms);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

const isAddress = (address: AddressInfo | string | null | undefined): address is AddressInfo =>
  typeof address === 'object' && address !== null;
