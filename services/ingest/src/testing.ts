// For tests: plain requests, and answers without a port.
import type { JsonValue } from '@rollcall/scim';
import type { ScimRequest } from './exchange.js';

export interface Given {
  readonly body?: JsonValue | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly address?: string;
}

/** @example request('PATCH /scim/v2/Users/x?attributes=userName', { body: {} }) */
export function request(line: string, { body, headers = {}, address = '192.0.2.1' }: Given = {}): ScimRequest {
  const [method = 'GET', target = '/'] = line.split(' ');
  const [path = '/', search = ''] = target.split('?');
  const text = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
  const all: Record<string, string> = { ...(body === undefined ? {} : { 'content-type': 'application/scim+json' }), ...headers };
  return {
    id: 'r1',
    method,
    path,
    query: new URLSearchParams(search),
    address,
    baseUrl: 'https://scim.example/scim/v2',
    isGone: false,
    header: (name) => all[name],
    text: async () => text,
  };
}
