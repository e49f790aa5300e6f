// The load generator, the same for every row: a closed loop over kept connections, each of which sends its next request once it was answered.
// Raw sockets and the little of HTTP/1.1 that our answers need, as on a small machine every microsecond of the client is taken from the service.
import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  readonly port: number;
  /** The whole n-th request, from 0. */
  readonly request: (n: number) => string;
  /** The status that each answer must have. */
  readonly status: number;
  readonly connections: number;
  /** No request is begun later than this. */
  readonly limit_ms: number;
  /** How many requests at most. */
  readonly requestsMax?: number;
  /** Gets each answer's body. */
  readonly onBody?: (body: Buffer) => void;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Of each request, ascending. */
  readonly latencies_ms: Float64Array;
  /** CPU that this process took meanwhile, s. */
  readonly cpu_s: number;
}

const SILENCE_MAX_MS = 15_000;

/** Loads 127.0.0.1. @throws Error at the first answer of another status, a connection that breaks, or one that stays silent */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { connections, limit_ms, requestsMax = Number.POSITIVE_INFINITY } = options;
  const latencies: number[] = [];
  let sent = 0;
  const cpu = process.cpuUsage();
  const began = performance.now();
  const next = () => (sent < requestsMax && performance.now() - began < limit_ms ? options.request(sent++) : undefined);
  const lanes = Array.from({ length: connections }, () => lane(options, next, (latency_ms) => latencies.push(latency_ms)));
  try {
    await Promise.all(lanes.map(({ done }) => done));
  } finally {
    for (const { socket } of lanes) socket.destroy();
  }
  if (sent === 0) throw new Error(`no request was sent within ${limit_ms} ms`);
  const seconds = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { requests: latencies.length, seconds, latencies_ms: Float64Array.from(latencies).sort(), cpu_s: (user + system) / 1e6 };
}

function lane(
  { port, status, onBody }: LoadOptions,
  next: () => string | undefined,
  answered: (latency_ms: number) => void,
): { socket: Socket; done: Promise<void> } {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const done = new Promise<void>((resolve, reject) => {
    let rest: Buffer | undefined;
    let sentAt = 0;
    const send = () => {
      const request = next();
      if (request === undefined) return void socket.end(resolve);
      sentAt = performance.now();
      socket.write(request);
    };
    socket.setTimeout(SILENCE_MAX_MS, () => reject(new Error(`no answer for ${SILENCE_MAX_MS} ms`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed'))); // after `resolve` it says nothing new
    socket.on('connect', send);
    socket.on('data', (chunk) => {
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      const answer = parse(bytes);
      if (answer === undefined) {
        rest = bytes;
        return;
      }
      rest = undefined;
      answered(performance.now() - sentAt);
      if (answer.status !== status) {
        reject(new Error(`answered ${answer.status}, not ${status}: ${answer.body.toString('utf8', 0, 500)}`));
        return void socket.destroy();
      }
      onBody?.(answer.body);
      send();
    });
  });
  return { socket, done };
}

/** One answer, of which all has come; undefined: not yet. */
function parse(bytes: Buffer): { status: number; body: Buffer } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const status = Number(head.slice(9, 12));
  const from = end + 4;
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    const body = chunked(bytes, from);
    return body && { status, body };
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? (status === 204 ? '0' : undefined);
  if (length === undefined) throw new Error('an answer without Content-Length');
  const to = from + Number(length);
  return bytes.length < to ? undefined : { status, body: bytes.subarray(from, to) };
}

/** A body that comes in chunks; undefined: not all of it has come. */
function chunked(bytes: Buffer, from: number): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    const next = line + 2 + size + 2;
    if (bytes.length < next) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = next;
  }
}

/** Reads one long answer to its end, keeping nothing of it: how many bytes it had, and what it cost. */
export async function download(port: number, request: string): Promise<LoadResult & { readonly bytes: number }> {
  const cpu = process.cpuUsage();
  const began = performance.now();
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.setTimeout(SILENCE_MAX_MS, () => socket.destroy(new Error(`no answer for ${SILENCE_MAX_MS} ms`)));
  socket.write(request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  let bytes = 0;
  let status = 0;
  let end = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    if (bytes === 0) status = Number(chunk.toString('latin1', 9, 12));
    bytes += chunk.length;
    end = (end + chunk.toString('latin1', Math.max(0, chunk.length - END.length))).slice(-END.length);
  }
  if (status !== 200 || end !== END) throw new Error(`answered ${status}, ${bytes} bytes, ${end === END ? 'whole' : 'cut off'}`);
  const took_ms = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  return { requests: 1, seconds: took_ms / 1_000, latencies_ms: Float64Array.of(took_ms), cpu_s: (user + system) / 1e6, bytes };
}

/** The last chunk of a whole answer. */
const END = '\r\n0\r\n\r\n';

/** Several runs as one. */
export function together(runs: readonly LoadResult[]): LoadResult {
  const sum = (value: (run: LoadResult) => number) => runs.reduce((total, run) => total + value(run), 0);
  return {
    requests: sum(({ requests }) => requests),
    seconds: sum(({ seconds }) => seconds),
    latencies_ms: Float64Array.from(runs.flatMap(({ latencies_ms }) => [...latencies_ms])).sort(),
    cpu_s: sum(({ cpu_s }) => cpu_s),
  };
}

/** The whole text of a request, with what every row sends alike. */
export function httpRequest(method: string, path: string, port: number, token: string, body?: string): string {
  const head = `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nAccept: application/scim+json, application/json\r\n`;
  if (body === undefined) return `${head}\r\n`;
  return `${head}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The latency that the share `p` of the requests did not exceed. */
export const percentile = (ascending: Float64Array, p: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * p))] ?? Number.NaN;
