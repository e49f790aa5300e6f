// The operator's sign-in. One token; a browser gets a cookie for it, a script sends it along.
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

const SESSION_S = 12 * 3_600;
const COOKIE = 'rollcall_operator';

export type Now = () => number;

/**
 * A session is `<expiry>.<nonce>.<HMAC>`, signed with a key that is derived from the token: restarts and replicas all know it, nothing is kept,
 * and another token ends every session.
 */
export class OperatorSignIn {
  readonly #token: string | undefined;
  readonly #now_ms: Now;

  constructor(token: string | undefined, now_ms: Now = Date.now) {
    this.#token = token;
    this.#now_ms = now_ms;
  }

  /** Without a token in the settings, nobody signs in. */
  get open(): boolean {
    return this.#token !== undefined;
  }

  isToken(candidate: string): boolean {
    return this.#token !== undefined && same(candidate, this.#token);
  }

  /** The `Set-Cookie` of a new session. `secure`: the browser came by https. */
  cookie(secure: boolean): string {
    const claim = `${Math.floor(this.#now_ms() / 1_000) + SESSION_S}.${randomBytes(16).toString('base64url')}`;
    return setCookie(`${claim}.${this.#sign(claim)}`, SESSION_S, secure);
  }

  isSession(cookieHeader: string | undefined): boolean {
    const [expiry, nonce, signature, ...rest] = sessionOf(cookieHeader).split('.');
    if (!this.open || expiry === undefined || nonce === undefined || signature === undefined || rest.length > 0) return false;
    // Signature first: an expiry that was made up tells nothing.
    return same(signature, this.#sign(`${expiry}.${nonce}`)) && Number(expiry) * 1_000 > this.#now_ms();
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

const WINDOW_MS = 60_000;
const ADDRESSES_MAX = 10_000;

/** Counts failed sign-ins per address and minute. */
export class FailureLimit {
  readonly #max: number;
  readonly #now_ms: Now;
  readonly #failures = new Map<string, { count: number; until_ms: number }>();

  constructor(max: number, now_ms: Now = Date.now) {
    this.#max = max;
    this.#now_ms = now_ms;
  }

  /** How many seconds an address must wait; 0 where it need not. */
  wait_s(address: string): number {
    const entry = this.#current(address);
    return entry === undefined || entry.count < this.#max ? 0 : Math.max(1, Math.ceil((entry.until_ms - this.#now_ms()) / 1_000));
  }

  failed(address: string): void {
    const entry = this.#current(address);
    if (entry !== undefined) entry.count += 1;
    else {
      this.#makeRoom();
      this.#failures.set(networkOf(address), { count: 1, until_ms: this.#now_ms() + WINDOW_MS });
    }
  }

  #current(address: string) {
    const entry = this.#failures.get(networkOf(address));
    return entry !== undefined && entry.until_ms > this.#now_ms() ? entry : undefined;
  }

  /** A window begins with its entry, so the oldest entries stand first and end first. */
  #makeRoom(): void {
    for (const [network, { until_ms }] of this.#failures) {
      if (until_ms > this.#now_ms() && this.#failures.size < ADDRESSES_MAX) return;
      this.#failures.delete(network);
    }
  }
}

/** An IPv6 customer has a whole /64 to come from. */
function networkOf(address: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail ? tail.split(':') : [])].slice(0, 4).join(':');
}
