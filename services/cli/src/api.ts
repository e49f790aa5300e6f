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
   * Asks again if the connection failed, under one Idempotency-Key: what was done is not done again. A worker that gives no sign of life within
   * `SILENCE_MAX_MS` counts as away; one that is alive may take `TIMEOUT_MS` for its answer, and as long as it needs to read a file.
   * @throws CliError with the answer's own words
   */
  async ask(method: string, path: string, body?: Json | Blob): Promise<JsonObject> {
    const key = randomUUID();
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#once(method, path, body, key);
      if (answer instanceof Response) return object(await this.#answered(answer));
      if (attempt >= ATTEMPTS_MAX || answer instanceof Silence || this.signal.aborted) throw this.#away(answer);
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
    const response = await this.#whileAlive((signal) => this.#fetch('GET', path, { Accept: CSV }, undefined, signal)).catch(
      (error: unknown) => {
        throw this.#away(error);
      },
    );
    if (!response.ok) await this.#answered(response);
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
    const sent = file || body === undefined ? body : JSON.stringify(body);
    try {
      return await this.#whileAlive(
        (signal) => this.#fetch(method, path, headers, sent, signal),
        file ? undefined : AbortSignal.timeout(TIMEOUT_MS),
      );
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /**
   * Waits for the first response while the worker is alive. Where there is none for a moment, its `/healthz` is asked, which needs no store:
   * without an answer to either the worker is away.
   * @throws Silence where nothing was heard within `SILENCE_MAX_MS`; whatever `send` throws
   */
  async #whileAlive(send: (signal: AbortSignal) => Promise<Response>, limit?: AbortSignal): Promise<Response> {
    const silence = new AbortController();
    const answer = send(AbortSignal.any([this.signal, silence.signal, ...(limit ? [limit] : [])]));
    let alive = false;
    const probe = setTimeout(() => {
      this.#healthz(silence.signal).then(
        () => {
          alive = true;
        },
        () => undefined,
      );
    }, PROBE_AFTER_MS);
    const judged = setTimeout(() => {
      if (!alive) silence.abort(new Silence());
    }, SILENCE_MAX_MS);
    try {
      return await answer;
    } finally {
      clearTimeout(probe);
      clearTimeout(judged);
    }
  }

  async #healthz(signal: AbortSignal): Promise<void> {
    const response = await fetch(`${this.credentials.url}/healthz`, { signal });
    await response.body?.cancel();
  }

  #fetch(method: string, path: string, headers: Record<string, string>, body: string | Blob | undefined, signal: AbortSignal) {
    return fetch(`${this.credentials.url}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.credentials.token}`, ...headers },
      signal,
      ...(body === undefined ? {} : { body }),
    });
  }

  /** @throws CliError for every answer but a success */
  async #answered(response: Response): Promise<unknown> {
    const { url, source } = this.credentials;
    const text = await response.text();
    let body: unknown;
    try {
      body = text === '' ? {} : JSON.parse(text);
    } catch {
      throw new CliError(`${url} answered ${response.status} without JSON: is it the worker's operations port (OPS_PORT)?`, EXIT.away);
    }
    if (response.ok) return body;
    const said = object(body);
    const { detail } = said;
    const reason = typeof detail === 'string' ? detail : `status ${response.status}`;
    if (response.status === 401) throw new CliError(`${source} was refused by ${url}: set the token of an operator`, EXIT.denied);
    if (response.status === 403) throw new CliError(reason, EXIT.denied);
    throw new Refused(reason, response.status, said);
  }

  #away(cause: unknown): CliError {
    const { url } = this.credentials;
    return new CliError(
      `${url} does not answer: is a worker running, and is this its operations port (OPS_PORT)? rollcall doctor --direct asks the stores themselves`,
      EXIT.away,
      { cause },
    );
  }
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Nothing was heard of the worker in time. */
class Silence extends Error {
  override readonly name = 'Silence';
}

const object = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};

const CSV = 'text/csv';
const ATTEMPTS_MAX = 3;
const TIMEOUT_MS = 15_000;
const PROBE_AFTER_MS = 1_000;
const SILENCE_MAX_MS = 3_000;
const PAGE = 100;
