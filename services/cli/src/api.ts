// The admin API, as the commands see it.
import { randomUUID } from 'node:crypto';
import { CliError, EXIT, Refused } from './command.js';
import type { Credentials } from './credentials.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };
export type JsonObject = { readonly [name: string]: Json | undefined };

export class Api {
  constructor(
    readonly credentials: Credentials,
    readonly signal: AbortSignal,
  ) {}

  /**
   * Asks once more where nobody answered, under one Idempotency-Key: what was done is not done again.
   * @throws CliError with the answer's own words
   */
  async ask(method: string, path: string, body?: Json | Blob): Promise<JsonObject> {
    const key = randomUUID();
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#once(method, path, body, key);
      if (answer instanceof Response) return object(await answered(answer));
      if (attempt >= ATTEMPTS_MAX || this.signal.aborted) throw this.#away(answer);
      await new Promise((resolve) => setTimeout(resolve, 200 * attempt));
    }
  }

  /** A list that is not paged. */
  async all(path: string): Promise<JsonObject[]> {
    const { items } = await this.ask('GET', path);
    return (Array.isArray(items) ? items : []).map(object);
  }

  /** All pages of a list, or as many items as are asked for. */
  async list(path: string, most = Number.POSITIVE_INFINITY): Promise<JsonObject[]> {
    const items: JsonObject[] = [];
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE, most - items.length);
      const query = `limit=${limit}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const page = await this.ask('GET', `${path}${path.includes('?') ? '&' : '?'}${query}`);
      items.push(...(Array.isArray(page.items) ? page.items : []).map(object));
      cursor = typeof page.next === 'string' ? page.next : undefined;
    } while (cursor !== undefined && items.length < most);
    return items;
  }

  /** A list as CSV, as it comes. @throws CliError, also where it ends before its end */
  async *csv(path: string): AsyncGenerator<string> {
    const response = await this.#fetch('GET', path, { Accept: CSV }, undefined, this.signal).catch((error: unknown) => {
      throw this.#away(error);
    });
    if (!response.ok) await answered(response);
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) yield decoder.decode(chunk, { stream: true });
    } catch (error) {
      throw new CliError('the answer broke off: what came is not all', EXIT.away, { cause: error });
    }
  }

  async #once(method: string, path: string, body: Json | Blob | undefined, key: string): Promise<Response | Error> {
    const file = body instanceof Blob;
    const headers = {
      Accept: 'application/json',
      ...(body === undefined ? {} : { 'Content-Type': file ? CSV : 'application/json' }),
      ...(method === 'POST' ? { 'Idempotency-Key': key } : {}),
    };
    // A file takes as long as it takes.
    const signal = file ? this.signal : AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    try {
      return await this.#fetch(method, path, headers, file || body === undefined ? body : JSON.stringify(body), signal);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #fetch(method: string, path: string, headers: Record<string, string>, body: string | Blob | undefined, signal: AbortSignal) {
    return fetch(`${this.credentials.url}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.credentials.token}`, ...headers },
      signal,
      ...(body === undefined ? {} : { body }),
    });
  }

  #away(cause: unknown): CliError {
    return new CliError(`${this.credentials.url} does not answer: is it the worker's operations port (OPS_PORT)?`, EXIT.away, { cause });
  }
}

async function answered(response: Response): Promise<unknown> {
  const text = await response.text();
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new CliError(`the answer (${response.status}) is no JSON: is this rollcall's operations port?`, EXIT.away);
  }
  if (response.ok) return body;
  const said = object(body);
  const { detail } = said;
  const reason = typeof detail === 'string' ? detail : `status ${response.status}`;
  if (response.status === 401) throw new CliError(`not signed in: ${reason}`, EXIT.denied);
  if (response.status === 403) throw new CliError(reason, EXIT.denied);
  if (response.status >= 500 || response.status === 429) throw new CliError(reason, EXIT.away);
  throw new Refused(reason, said);
}

const object = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

const CSV = 'text/csv';
const ATTEMPTS_MAX = 3;
const TIMEOUT_MS = 15_000;
const PAGE = 100;
