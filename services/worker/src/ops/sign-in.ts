// The operators' sign-in: a browser gets a cookie for a token, a script sends the token with each request.
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { FIRST_OPERATOR, noOperators, type Operator, type OperatorDirectory } from './operator.js';

/** How long a session lasts, and so how long it is remembered that one was signed out of. */
export const SESSION_S = 12 * 3_600;
const COOKIE = 'rollcall_operator';

export type Now = () => number;

/** What replicas share of sessions. All methods reject with TransientError while their store is away. */
export interface Sessions {
  /** The deployment's own secret. */
  secret(): Promise<Buffer>;
  /** Remembers for `lifetime_s` that this session was signed out of. */
  end(session: string, lifetime_s: number): Promise<void>;
  ended(session: string): Promise<boolean>;
}

interface Session {
  readonly id: string;
  readonly operator: string;
  readonly left_s: number;
}

/**
 * A session is `<expiry>.<id>.<operator>.<HMAC>`. The key comes from the deployment's secret and from a hash of the token in the settings: restarts
 * and replicas all know it, another token ends every session, and a cookie tells nothing about the token. Signing out ends a session before its
 * expiry: its id is kept until then. Each request asks whether the session was ended, and whether its operator still is one.
 */
export class OperatorSignIn {
  readonly #token: string | undefined;
  readonly #sessions: Sessions;
  readonly #now_ms: Now;
  readonly #others: OperatorDirectory;

  constructor(token: string | undefined, sessions: Sessions, now_ms: Now = Date.now, others: OperatorDirectory = noOperators) {
    this.#token = token;
    this.#sessions = sessions;
    this.#now_ms = now_ms;
    this.#others = others;
  }

  /** Without a token in the settings, no operator signs in. */
  get open(): boolean {
    return this.#token !== undefined;
  }

  async byToken(candidate: string): Promise<Operator | undefined> {
    if (this.#token === undefined) return undefined;
    return same(candidate, this.#token) ? FIRST_OPERATOR : this.#others.byToken(candidate);
  }

  /**
   * The `Set-Cookie` of a new session.
   * @param secure whether the browser came by https
   * @throws TransientError while the deployment's secret cannot be read
   */
  async cookie({ id }: Operator, secure: boolean): Promise<string> {
    const expiry = Math.floor(this.#now_ms() / 1_000) + SESSION_S;
    const claim = `${expiry}.${randomBytes(16).toString('base64url')}.${Buffer.from(id).toString('base64url')}`;
    return setCookie(`${claim}.${await this.#sign(claim)}`, SESSION_S, secure);
  }

  /** @throws TransientError where a session cannot be judged, as a store is away */
  async bySession(cookieHeader: string | undefined, secure: boolean): Promise<Operator | undefined> {
    const session = await this.#read(cookieHeader, secure);
    if (session === undefined || (await this.#sessions.ended(session.id))) return undefined;
    return session.operator === FIRST_OPERATOR.id ? FIRST_OPERATOR : this.#others.byId(session.operator);
  }

  /**
   * Ends the session of a cookie, for all replicas; a cookie that is no session is ignored.
   * @returns the `Set-Cookie` that removes the cookie. @throws TransientError while it cannot be remembered: the session then goes on
   */
  async signOut(cookieHeader: string | undefined, secure: boolean): Promise<string> {
    const session = await this.#read(cookieHeader, secure);
    if (session !== undefined) await this.#sessions.end(session.id, session.left_s);
    return setCookie('', 0, secure);
  }

  /** The session of a cookie, if it was signed here and has not expired. */
  async #read(cookieHeader: string | undefined, secure: boolean): Promise<Session | undefined> {
    const [expiry, id, operator, signature, ...rest] = cookieOf(cookieHeader, secure).split('.');
    if (!this.open || expiry === undefined || id === undefined || operator === undefined || signature === undefined || rest.length > 0)
      return undefined;
    // Signature first: an expiry that was made up tells nothing.
    if (!same(signature, await this.#sign(`${expiry}.${id}.${operator}`))) return undefined;
    const left_s = Number(expiry) - Math.floor(this.#now_ms() / 1_000);
    return left_s > 0 ? { id, operator: Buffer.from(operator, 'base64url').toString('utf8'), left_s } : undefined;
  }

  async #sign(claim: string): Promise<string> {
    const key = Buffer.from(hkdfSync('sha256', await this.#sessions.secret(), digest(this.#token ?? ''), 'rollcall operator session', 32));
    return createHmac('sha256', key).update(claim).digest('base64url');
  }
}

/** The credential of `Authorization: Bearer …`, or nothing where the header is none. */
export const bearerOf = (header: string | undefined): string | undefined => /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header ?? '')?.[1];

// Hashes are compared, as they are of one length, and in constant time.
const same = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** By https the cookie is for this host alone (RFC 6265bis section 4.1.3.2): no other host of the domain can set or read it. */
const nameOf = (secure: boolean): string => (secure ? `__Host-${COOKIE}` : COOKIE);

const setCookie = (value: string, age_s: number, secure: boolean): string =>
  `${nameOf(secure)}=${value}; Path=/; Max-Age=${age_s}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;

function cookieOf(cookieHeader: string | undefined, secure: boolean): string {
  for (const pair of (cookieHeader ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === nameOf(secure) && value !== undefined) return value;
  }
  return '';
}
