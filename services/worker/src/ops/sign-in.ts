// The operators' sign-in: a browser gets a cookie for a token, a script sends it along.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { FIRST_OPERATOR, noOperators, type Operator, type OperatorDirectory } from './operator.js';

const SESSION_S = 12 * 3_600;
const COOKIE = 'rollcall_operator';

export type Now = () => number;

/**
 * A session is `<expiry>.<nonce>.<operator>.<HMAC>`, signed with a key that is derived from the token in the settings: restarts and replicas all
 * know it, nothing is kept, and another token there ends every session. Whether its operator is still one is asked each time.
 */
export class OperatorSignIn {
  readonly #token: string | undefined;
  readonly #now_ms: Now;
  readonly #others: OperatorDirectory;

  constructor(token: string | undefined, now_ms: Now = Date.now, others: OperatorDirectory = noOperators) {
    this.#token = token;
    this.#now_ms = now_ms;
    this.#others = others;
  }

  /** Without a token in the settings, nobody signs in. */
  get open(): boolean {
    return this.#token !== undefined;
  }

  async byToken(candidate: string): Promise<Operator | undefined> {
    if (this.#token === undefined) return undefined;
    return same(candidate, this.#token) ? FIRST_OPERATOR : this.#others.byToken(candidate);
  }

  /** The `Set-Cookie` of a new session. `secure`: the browser came by https. */
  cookie({ id }: Operator, secure: boolean): string {
    const expiry = Math.floor(this.#now_ms() / 1_000) + SESSION_S;
    const claim = `${expiry}.${randomBytes(16).toString('base64url')}.${Buffer.from(id).toString('base64url')}`;
    return setCookie(`${claim}.${this.#sign(claim)}`, SESSION_S, secure);
  }

  async bySession(cookieHeader: string | undefined): Promise<Operator | undefined> {
    const [expiry, nonce, who, signature, ...rest] = sessionOf(cookieHeader).split('.');
    if (!this.open || expiry === undefined || nonce === undefined || who === undefined || signature === undefined || rest.length > 0)
      return undefined;
    // Signature first: an expiry that was made up tells nothing.
    if (!same(signature, this.#sign(`${expiry}.${nonce}.${who}`)) || Number(expiry) * 1_000 <= this.#now_ms()) return undefined;
    const id = Buffer.from(who, 'base64url').toString('utf8');
    return id === FIRST_OPERATOR.id ? FIRST_OPERATOR : this.#others.byId(id);
  }

  #sign(claim: string): string {
    const key = createHmac('sha256', this.#token ?? '')
      .update('rollcall operator session')
      .digest();
    return createHmac('sha256', key).update(claim).digest('base64url');
  }
}

export const noCookie = (secure: boolean): string => setCookie('', 0, secure);

/** The credential of `Authorization: Bearer …`, or nothing where the header is none. */
export const bearerOf = (header: string | undefined): string | undefined => /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1];

// Hashes are compared, as they are of one length, and in constant time.
const same = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const setCookie = (value: string, age_s: number, secure: boolean): string =>
  `${COOKIE}=${value}; Path=/; Max-Age=${age_s}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;

function sessionOf(cookieHeader: string | undefined): string {
  for (const pair of (cookieHeader ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === COOKIE && value !== undefined) return value;
  }
  return '';
}
