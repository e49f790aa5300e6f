// What the service knows of HTTP: plain requests and answers. Only http.ts knows more.
import type { JsonObject, ScimError } from '@rollcall/scim';
import type { About } from '@rollcall/telemetry';

export interface ScimRequest {
  /** The request id, from `X-Request-Id` or made. */
  readonly id: string;
  readonly method: string;
  /** Without query and without a trailing slash, as it came: percent-encoding is undone where a part is used. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Address of the client, as far as proxies may be believed. */
  readonly address: string;
  /** Where clients see the SCIM endpoints, without a trailing slash. It is put into answers and never stored. */
  readonly baseUrl: string;
  /** The client has hung up. */
  readonly isGone: boolean;
  /** Why the request is refused by its head alone, whatever it asks for. */
  readonly fault?: ScimError | undefined;
  header(name: string): string | undefined;
  /**
   * The body, read now: a request that is refused before is not read.
   * @param bytesMax longest body that is taken, where that is less than for all
   * @throws ScimError 413 too large, 400 not UTF-8; ClientGone
   */
  text(bytesMax?: number): Promise<string>;
}

export interface ScimResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonObject | undefined;
  /** In place of a body: JSON in parts, made as they are sent. One that fails cuts the connection, so that nobody takes half an answer for a whole. */
  readonly stream?: AsyncIterable<string>;
  /** For the log line: which resource it was. */
  readonly about?: About;
  /** For the log line: names of the request that no schema knows, which were left out. */
  readonly ignored?: readonly string[] | undefined;
  /** Of an error: what the log is told besides. No person, and no token. */
  readonly fault?: Fault;
}

/** Why a request was not answered as it wished. */
export interface Fault {
  /** A stable code, `snake_case`. */
  readonly reason: string;
  readonly scimType?: string;
  /** Id of the credential that was refused. */
  readonly credential?: string;
  /** Which store is away. */
  readonly away?: string;
  /** Why it is tried again, in our own words. */
  readonly cause?: string;
  /** Of a bug. */
  readonly error?: unknown;
  /** Path of a request that met no endpoint, bounded. */
  readonly path?: string;
  /** The sign-in has told the tenant's administrator already, in its own words. */
  readonly noted?: boolean;
}

/** Who asks, once authenticated. */
export interface Caller {
  readonly tenant: string;
  /** Id of the credential; the history keeps it. */
  readonly credential: string;
  /** Id of the user whom the credential stands for; absent: it is the tenant's, and nobody's own. */
  readonly user?: string;
  /** The credential may use /Me and the discovery endpoints alone. */
  readonly scope?: 'me';
  /** Revision of the tenant's settings that the caller was judged by. */
  readonly settings: number;
}

export type OpenHandler = (request: ScimRequest) => Promise<ScimResponse>;
export type Handler = (request: ScimRequest, caller: Caller) => Promise<ScimResponse>;

/** The client went away before it had sent all: there is nobody to answer. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
}
