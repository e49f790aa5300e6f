import type { Cluster } from './cluster.js';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came, and says what it expects
  readonly body: any;
}

/** Asks the admin API, as the first operator or as another. */
export type Admin = (request: string, body?: unknown, headers?: Readonly<Record<string, string>>) => Promise<AdminAnswer>;

/** @example await admin('POST /tenants/acme/tokens', { name: 'Okta' }) */
export function adminOf({ worker, operatorToken }: Pick<Cluster, 'worker' | 'operatorToken'>, token = operatorToken): Admin {
  return async (request, body, headers = {}) => {
    const [method = 'GET', path = '/'] = request.split(' ');
    const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const answer = await fetch(`${worker.url}/admin/v1${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, ...json, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
  };
}
