// The only file that knows Express: converts requests in and answers out, and bounds what a client can make us hold.
import { isUtf8 } from 'node:buffer';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { boundServer, faultOfHead, targetOf } from '@rollcall/http';
import { errorBody, ScimError } from '@rollcall/scim';
import { turn } from '@rollcall/store';
import { type Log, oneAtATime, requestIdOf, type Service } from '@rollcall/telemetry';
import express, { type Express, type Request, type Response } from 'express';
import { bornAs } from './born-as.js';
import { pause } from './deadline.js';
import { ClientGone, type ScimRequest, type ScimResponse } from './exchange.js';
import { CLIENT_CLOSED_REQUEST, Refusal } from './respond/errors.js';

export interface HttpOptions {
  readonly host: string;
  /** 0: any free one, see `url`. */
  readonly port: number;
  /** How many proxies in front are believed. */
  readonly trustProxy: number;
  /** What clients see in place of the request's host. */
  readonly publicUrl: string | undefined;
  readonly bodyBytesMax: number;
  /** Connections beyond these are closed at once. */
  readonly connectionsMax: number;
  /** How long a request may take to arrive as a whole. */
  readonly requestTimeout_ms: number;
  /** How long a stop waits for requests in hand; then their connections are cut. */
  readonly stopTimeout_ms: number;
  readonly log: Log;
  readonly answer: (request: ScimRequest) => Promise<ScimResponse>;
}

export interface HttpServer extends Service {
  /** `http://host:port` while it listens. */
  readonly url: string | undefined;
  /** `announceStop` or a stop has begun. */
  readonly draining: boolean;
  /** /readyz answers 503 from now on, and requests are served as before: load balancers need a moment to send new ones elsewhere. */
  announceStop(): void;
}

/** The port can't be had; the message says what to do. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen';
}

/** The SCIM port. */
export function httpServer(options: HttpOptions): HttpServer {
  const { host, port, log } = options;
  const inTurn = oneAtATime();
  let server: Server | undefined;
  let draining = false;
  let closed = false;
  /** While the port is being closed, answers wait: who has theirs would connect anew at that very moment. */
  let closing: Promise<void> | undefined;
  const app = makeApp(options, async () => {
    await closing;
    return closed;
  });
  const prototypes = bornAs(app);

  return {
    name: 'http',
    get url() {
      const address = server?.address();
      return address && typeof address === 'object' ? urlOf(address) : undefined;
    },
    get draining() {
      return draining;
    },
    announceStop() {
      draining = true;
    },
    start: () =>
      inTurn(async () => {
        if (server !== undefined) return;
        draining = closed = false;
        const made = createServer(
          {
            ...prototypes,
            requestTimeout: options.requestTimeout_ms,
            headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.requestTimeout_ms),
            keepAliveTimeout: KEEP_ALIVE_MS,
            connectionsCheckingInterval: CHECK_INTERVAL_MS,
            maxHeaderSize: HEADER_BYTES_MAX,
            noDelay: true,
          },
          app,
        );
        boundServer(made, {
          connectionsMax: options.connectionsMax,
          onClosed: (count) =>
            log.warn(
              { event: 'http.connections.closed', count, connectionsMax: options.connectionsMax },
              'connections beyond CONNECTIONS_MAX were closed',
            ),
        });
        // Who neither sends nor reads is cut, answer or not.
        made.setTimeout(options.requestTimeout_ms * 3 + 2 * CHECK_INTERVAL_MS);
        made.on('clientError', onClientError);
        // An expectation that nobody knows is none of ours to meet (RFC 9110 §10.1.1); the request is answered as if it had none.
        made.on('checkExpectation', (request, response) => made.emit('request', request, response));
        await listen(made, host, port, 'INGEST_PORT', 'INGEST_HOST');
        server = made;
        log.info({ event: 'http.listening', host, port: (made.address() as AddressInfo).port }, 'the SCIM port is listening');
      }),
    stop: () => {
      draining = true; // at once, so that /readyz says so
      return inTurn(async () => {
        const listening = server;
        if (listening === undefined) return;
        closing = untilNoneWaits(listening);
        await closing;
        const drained = drain(listening, options.stopTimeout_ms);
        closed = true;
        closing = undefined;
        await drained;
        server = undefined;
      });
    },
  };
}

/**
 * One middleware is all there is: the routes are ours, so that an answer costs no walk through a chain.
 * @param ending settles when an answer may go out; true: its connection ends with it
 */
function makeApp(options: HttpOptions, ending: () => Promise<boolean>): Express {
  const app = express();
  app.disable('x-powered-by').disable('etag').set('trust proxy', options.trustProxy);
  app.use(async (request, response) => {
    const id = requestIdOf(headerOf(request, 'x-request-id'));
    try {
      const answer = await options.answer(new HttpRequest(id, request, options));
      await write(response, id, answer, await ending());
    } catch (error) {
      // A bug of ours. Express would answer with the stack.
      options.log.error({ event: 'http.answer.failed', error, requestId: id }, 'an answer could not be sent');
      response.destroy();
    }
  });
  return app;
}

/** A request as the service sees it. What costs something is made when it is asked for. */
class HttpRequest implements ScimRequest {
  readonly method: string;
  readonly path: string;
  readonly fault: ScimError | undefined;
  readonly #search: string;
  /** What the client called us. */
  readonly #host: string | undefined;
  readonly #request: Request;
  readonly #options: HttpOptions;

  constructor(
    readonly id: string,
    request: Request,
    options: HttpOptions,
  ) {
    this.method = request.method;
    const { path: target, host } = targetOf(request.url);
    const mark = target.indexOf('?');
    const path = mark < 0 ? target : target.slice(0, mark);
    this.path = path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
    this.#search = mark < 0 ? '' : target.slice(mark + 1);
    this.#host = host ?? request.headers.host;
    const fault = faultOfHead(request);
    this.fault = fault && new Refusal(fault.status, fault.detail, { reason: fault.reason });
    this.#request = request;
    this.#options = options;
  }

  get query(): URLSearchParams {
    return this.#search === '' ? NO_QUERY : new URLSearchParams(this.#search);
  }

  get address(): string {
    return this.#request.ip ?? '';
  }

  get baseUrl(): string {
    const origin = this.#options.publicUrl ?? originOf(this.#request, this.fault ? '' : this.#host);
    return origin.endsWith(BASE) ? origin : origin + BASE;
  }

  get isGone(): boolean {
    return this.#request.socket.destroyed;
  }

  header(name: string): string | undefined {
    return headerOf(this.#request, name);
  }

  text(bytesMax = this.#options.bodyBytesMax): Promise<string> {
    return readText(this.#request, Math.min(bytesMax, this.#options.bodyBytesMax));
  }
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

/**
 * What the client called us; else where we listen. `X-Forwarded-Host` is not believed: most proxies pass on what a client sends under this name.
 * @param host judged before; an HTTP/1.0 client may send none
 */
function originOf(request: Request, host: string | undefined): string {
  if (host) return `${request.protocol === 'https' ? 'https' : 'http'}://${host}`;
  const { localAddress = '', localPort = 0 } = request.socket;
  return urlOf({ address: localAddress, port: localPort, family: localAddress.includes(':') ? 'IPv6' : 'IPv4' });
}

function readText(request: IncomingMessage, bytesMax: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const tooLarge = () => {
      // The rest is read and dropped, or a client that is still sending never gets to read the answer; the request's time-out bounds it.
      request.removeAllListeners('data').resume();
      reject(new ScimError(413, undefined, `body: at most ${bytesMax} bytes are taken`));
    };
    if (Number(request.headers['content-length']) > bytesMax) return tooLarge();
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) return tooLarge();
      chunks.push(chunk);
    });
    request.on('end', () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      if (!isUtf8(body)) return reject(ScimError.of('invalidSyntax', 'body: not UTF-8'));
      const text = body.toString('utf8');
      resolve(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text);
    });
    request.on('error', (cause) => reject(new ClientGone('the request broke off', { cause })));
    request.on('close', () => {
      if (!request.complete) reject(new ClientGone('the request broke off'));
    });
  });
}

async function write(response: Response, id: string, answer: ScimResponse, closing: boolean): Promise<void> {
  const { status, headers, body, stream } = answer;
  if (status === CLIENT_CLOSED_REQUEST || response.destroyed) {
    await stream?.[Symbol.asyncIterator]().return?.();
    return void response.destroy();
  }
  const all: OutgoingHttpHeaders = { 'X-Request-Id': id, ...SECURITY_HEADERS, ...headers };
  if (closing) all.Connection = 'close';
  if (stream !== undefined) {
    response.writeHead(status, { 'Content-Type': MEDIA_TYPE, ...all });
    // Waits for slow clients part by part; one that goes away ends the reading.
    try {
      await pipeline(Readable.from(gathered(stream), { highWaterMark: 1 }), response);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    } finally {
      // What was begun and never asked for again would keep its cursor.
      await stream[Symbol.asyncIterator]().return?.();
    }
    return;
  }
  const text = body === undefined ? undefined : JSON.stringify(body);
  if (text !== undefined) {
    all['Content-Type'] ??= MEDIA_TYPE;
    all['Content-Length'] = Buffer.byteLength(text);
  }
  response.writeHead(status, all);
  response.end(text);
}

/** Small parts go out together: each one that is sent by itself is a packet of its own. After each others have a turn of the event loop. */
async function* gathered(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let text = '';
  for await (const part of parts) {
    text += part;
    if (text.length < PART_CHARACTERS) continue;
    yield text;
    text = '';
    await turn();
  }
  if (text !== '') yield text;
}

/** Answers hold people: no cache keeps them (RFC 9111 §5.2.2.5), and no browser takes them for something else. */
const SECURITY_HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
const MEDIA_TYPE = 'application/scim+json; charset=utf-8';
const PART_CHARACTERS = 65_536;

/** What is no HTTP, too long or too slow gets the same form of answer as everything else. */
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const [status, phrase] = CLIENT_ERRORS[error.code ?? ''] ?? [400, 'Bad Request'];
  const text = JSON.stringify(errorBody(new ScimError(status, undefined, `the request cannot be read: ${phrase}`)));
  const head = [
    `HTTP/1.1 ${status} ${phrase}`,
    `Content-Type: ${MEDIA_TYPE}`,
    ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
};

/** @throws CannotListen that says in a sentence what to do, where the port can't be had */
export function listen(server: Server, host: string, port: number, portSetting: string, hostSetting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(new CannotListen(`port ${port} on ${host} is in use; set ${portSetting} to another`, { cause: error }));
      else if (error.code === 'EACCES')
        reject(new CannotListen(`port ${port} on ${host} is not allowed to us; set ${portSetting} to another`, { cause: error }));
      else if (error.code === 'EADDRNOTAVAIL')
        reject(new CannotListen(`${host} is no address of this machine; set ${hostSetting} to another`, { cause: error }));
      else reject(error);
    };
    server.once('error', failed);
    server.listen({ host, port, backlog: BACKLOG }, () => {
      server.removeListener('error', failed);
      resolve();
    });
  });
}

/**
 * Takes no more connections and lets requests in hand end. A client that is just sending on a kept connection is still answered, and told that
 * the connection ends; only what stays idle is closed by us, after a moment.
 */
export async function drain(server: Server, limit_ms: number): Promise<void> {
  // `http.Server.close` would close idle connections at once, with requests on their way.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  const until = performance.now() + limit_ms;
  const cut = setTimeout(() => server.closeAllConnections(), limit_ms);
  await Promise.race([closed, pause(Math.min(LINGER_MS, limit_ms))]);
  let open = true;
  void closed.then(() => {
    open = false;
  });
  while (open && performance.now() < until) {
    server.closeIdleConnections();
    await Promise.race([closed, pause(IDLE_CHECK_MS)]);
  }
  await closed;
  clearTimeout(cut);
  server.close(() => undefined); // only its own timer is left to end
}

/**
 * A listener that closes resets what the kernel has accepted for it and we have not taken yet, request and all. A round of the event loop takes
 * one connection at most, so there are waiting ones under load; after some short rounds that took none there are none.
 */
async function untilNoneWaits(server: Server): Promise<void> {
  let taken = 0;
  const count = () => {
    taken += 1;
  };
  server.on('connection', count);
  const began = performance.now();
  let quiet = 0;
  for (let now = began; quiet < QUIET_ROUNDS && now - began < QUIET_WAIT_MS; ) {
    const takenBefore = taken;
    const before = now;
    await turn();
    now = performance.now();
    // A busy machine has no rounds that are quite short: with time, longer ones must do.
    const short = now - before < QUIET_ROUND_MS + (now - began) / 20;
    quiet = taken === takenBefore && short ? quiet + 1 : 0;
  }
  server.removeListener('connection', count);
}

const urlOf = ({ address, port, family }: AddressInfo): string => `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;

const NO_QUERY = new URLSearchParams();
const BASE = '/scim/v2';
const BYTE_ORDER_MARK = 0xfeff;
const HEADERS_TIMEOUT_MS = 5_000;
const HEADER_BYTES_MAX = 16_384;
/** Longer than load balancers keep theirs, so that they close first. */
const KEEP_ALIVE_MS = 65_000;
const CHECK_INTERVAL_MS = 1_000;
const QUIET_ROUNDS = 3;
const QUIET_ROUND_MS = 0.5;
const QUIET_WAIT_MS = 250;
const LINGER_MS = 250;
const IDLE_CHECK_MS = 25;
const BACKLOG = 1_024;
