// Who asks for a token: by HTTP Basic, or in the body (RFC 6749 §2.3.1).
import { OAuthError } from './errors.js';

export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  /** By Basic: the answer to a wrong one must then say which scheme is expected. */
  readonly byHeader: boolean;
}

/** The parameters of a form. One that is given twice is refused; an empty one counts as absent (§3.2). @throws OAuthError */
export function parametersOf(contentType: string | undefined, text: string): ReadonlyMap<string, string> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(contentType ?? ''))
    throw new OAuthError(400, 'invalid_request', 'Content-Type: expected application/x-www-form-urlencoded');
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (value === '') continue;
    if (parameters.has(name)) throw new OAuthError(400, 'invalid_request', 'a parameter is given twice');
    parameters.set(name, value);
  }
  return parameters;
}

/** @throws OAuthError invalid_client where there are none, or none that can be read; invalid_request where there are two */
export function credentialsOf(authorization: string | undefined, parameters: ReadonlyMap<string, string>): ClientCredentials {
  const [id, secret] = [parameters.get('client_id'), parameters.get('client_secret')];
  if (authorization !== undefined) {
    if (secret !== undefined) throw new OAuthError(400, 'invalid_request', 'a client signs in one way: by Authorization, or in the body');
    const basic = basicOf(authorization);
    if (!basic) throw new OAuthError(401, 'invalid_client', 'Authorization: expected Basic with client id and secret', { challenge: true });
    if (id !== undefined && id !== basic.id) throw new OAuthError(400, 'invalid_request', 'client_id: another one than in Authorization');
    return { ...basic, byHeader: true };
  }
  if (id === undefined || secret === undefined)
    throw new OAuthError(
      401,
      'invalid_client',
      'expected client id and secret, by Authorization: Basic, or as client_id and client_secret',
      {
        challenge: true,
      },
    );
  return { id, secret, byHeader: false };
}

/** Both parts are form-encoded before they are put together. */
function basicOf(header: string): { id: string; secret: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/_-]+=*) *$/i.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  try {
    const [id, secret] = [decoded(text.slice(0, colon)), decoded(text.slice(colon + 1))];
    return secret === '' ? undefined : { id, secret };
  } catch {
    return undefined; // a lone % is no form-encoding
  }
}

const decoded = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '));

/** Longest form that is read. */
export const FORM_BYTES_MAX = 8_192;
