// What every port of ours asks of a request's head before anything is decided by it (RFC 9110, RFC 9112).
import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';

/** Why a request is refused by its head alone. */
export interface HeadFault {
  readonly status: 400 | 431;
  /** Stable, for the log. */
  readonly reason: 'too_many_headers' | 'host_repeated' | 'host_invalid';
  /** For the client: what came, and what was expected. */
  readonly detail: string;
}

/**
 * Judges a head. A server that calls it sets `maxHeadersCount` to 0: Node would drop the headers past a limit in silence, and with them the
 * `X-Forwarded-For` of a proxy, or an `If-Match`. The length of all headers together is bounded by `maxHeaderSize`.
 * @returns 431 for more than `HEADERS_MAX` headers; 400 for two Host headers, or one that is no host (RFC 9112 §3.2); undefined where all is well
 * @example faultOfHead({ rawHeaders: ['Host', '..'], url: '/' }) → { status: 400, reason: 'host_invalid', … }
 */
export function faultOfHead({ rawHeaders, url = '' }: Pick<IncomingMessage, 'rawHeaders' | 'url'>): HeadFault | undefined {
  const count = rawHeaders.length / 2;
  if (count > HEADERS_MAX)
    return { status: 431, reason: 'too_many_headers', detail: `the request has ${count} headers: at most ${HEADERS_MAX} are taken` };
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue;
    if (host !== undefined) return { status: 400, reason: 'host_repeated', detail: 'Host: expected one, got two' };
    host = rawHeaders[at + 1]!;
  }
  // An empty Host is allowed: the client has no name for us (RFC 9110 §7.2).
  const wrong = [host, targetOf(url).host].find((text) => text !== undefined && text !== '' && !isHost(text));
  return wrong === undefined
    ? undefined
    : { status: 400, reason: 'host_invalid', detail: `Host: expected a host, and a port up to ${PORT_MAX}` };
}

/** Whether a text is what clients may call us: a name or an address, and a port. @example isHost('[::1]:8080') → true; isHost('..') → false */
export function isHost(text: string): boolean {
  if (text.length > HOST_MAX) return false;
  const found = HOST.exec(text);
  if (!found) return false;
  const { address, port } = found.groups ?? {};
  return (address === undefined || isIPv6(address)) && (port === undefined || Number(port) <= PORT_MAX);
}

/** A request's target, in parts. */
export interface Target {
  /** Path and query, as they came. */
  readonly path: string;
  /** Of a target in absolute form: it goes before the Host header (RFC 9112 §3.2.2). */
  readonly host: string | undefined;
}

/**
 * Takes a target apart. One in absolute form, as a client sends it that takes us for a proxy, must be understood (RFC 9112 §3.2.2).
 * @example targetOf('http://scim.example/scim/v2/Users?count=1') → { path: '/scim/v2/Users?count=1', host: 'scim.example' }
 */
export function targetOf(url: string): Target {
  if (url.startsWith('/')) return { path: url, host: undefined };
  const [, host, rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (host === undefined) return { path: url, host: undefined };
  return { path: rest.startsWith('/') ? rest : `/${rest}`, host };
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i;
const HOST = /^(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?|\[(?<address>[0-9A-Fa-f:.]{2,45})\])(?::(?<port>\d{0,5}))?$/;
const HOST_MAX = 300;
const PORT_MAX = 65_535;
/** Identity providers and proxies together send some 30. */
export const HEADERS_MAX = 100;
