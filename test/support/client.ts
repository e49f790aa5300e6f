import http from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came, and says what it expects
  readonly body: any;
  /** How long it took, ms. */
  readonly took_ms: number;
}

export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, in place of a JSON body. */
  readonly raw?: string | Buffer;
  readonly timeout_ms?: number;
}

/** A SCIM client that says what it got, whatever that is. Connections are kept alive, as identity providers do. */
export class Client {
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

  constructor(
    readonly baseUrl: string,
    readonly token: string | undefined,
  ) {}

  create = (body: unknown, options?: RequestOptions) => this.request('POST', '/Users', body, options);
  get = (id: string, options?: RequestOptions) => this.request('GET', `/Users/${id}`, undefined, options);
  replace = (id: string, body: unknown, options?: RequestOptions) => this.request('PUT', `/Users/${id}`, body, options);
  patch = (id: string, body: unknown, options?: RequestOptions) => this.request('PATCH', `/Users/${id}`, body, options);
  delete = (id: string, options?: RequestOptions) => this.request('DELETE', `/Users/${id}`, undefined, options);
  list = (query = '', options?: RequestOptions) => this.request('GET', `/Users${query && `?${query}`}`, undefined, options);
  find = (filter: string, more = '') => this.list(`filter=${encodeURIComponent(filter)}${more}`);

  /** @throws when no whole answer comes */
  request(method: string, path: string, body?: unknown, options: RequestOptions = {}): Promise<Answer> {
    const payload = options.raw ?? (body === undefined ? undefined : JSON.stringify(body));
    const headers: Record<string, string> = { Accept: 'application/scim+json' };
    if (this.token !== undefined) headers.Authorization = `Bearer ${this.token}`;
    if (payload !== undefined) headers['Content-Type'] = 'application/scim+json';
    const began = performance.now();
    return new Promise((resolve, reject) => {
      const request = http.request(`${this.baseUrl}${path}`, { method, agent: this.#agent, headers: { ...headers, ...options.headers } });
      request.setTimeout(options.timeout_ms ?? 30_000, () => request.destroy(new Error('no answer in time')));
      request.on('error', reject);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            body: parse(text),
            took_ms: performance.now() - began,
          });
        });
      });
      request.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs `work` over items, at most `width` at a time, in order of the items. */
export async function inParallel<T, R>(items: readonly T[], width: number, work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      while (next < items.length) {
        const index = next++;
        results[index] = await work(items[index]!, index);
      }
    }),
  );
  return results;
}
