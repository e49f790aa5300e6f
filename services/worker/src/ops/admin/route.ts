// A route of the admin API: one declaration is what is served, what is checked, and what /admin/v1/openapi.json says.
import type { Readable } from 'node:stream';
import { z } from 'zod';
import type { Operator } from '../operator.js';
import { Problem } from '../problem.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request as it came, signed in. */
export interface RawRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  /** Parsed JSON; undefined where there is none, or it is of another type. */
  readonly body: unknown;
  /** Whether anything was sent as a body. */
  readonly bodySent: boolean;
  /** The body as it comes, for routes that take something else than JSON. */
  readonly stream: Readable;
  readonly operator: Operator;
  readonly requestId: string;
  header(name: string): string | undefined;
  /**
   * Does something once under the request's Idempotency-Key, where it has one. A route that takes `stream` calls it, when it has read that and before
   * it does anything; of all others the body is known before.
   * @param body what tells this body from another. @throws Problem 409, 422
   */
  once(body: string, act: () => Promise<AdminAnswer>): Promise<AdminAnswer>;
}

export interface AdminRequest<Query, Body> extends Omit<RawRequest, 'query' | 'body' | 'bodySent'> {
  readonly query: Query;
  readonly body: Body;
}

export interface AccountRef {
  readonly tenant: string;
  readonly id: string;
}

export interface AdminAnswer {
  readonly status: number;
  readonly body?: object | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of a body: text in parts, made as it is sent; its type is in `headers`. */
  readonly stream?: AsyncIterable<string>;
  /** The body is this account: under an `Idempotency-Key` the account is kept by its id, and shown anew. */
  readonly account?: AccountRef;
  /** It shows a secret, once: it is never stored, so it can't be repeated. */
  readonly secret?: boolean;
}

interface Spec<Query extends z.ZodType, Body extends z.ZodType> {
  readonly method: Method;
  /** Below /admin/v1, with parts in braces: `/tenants/{tenant}/tokens`. */
  readonly path: string;
  /** Whether it changes nothing, so that viewers may ask for it; absent: where it is a GET. */
  readonly looks?: boolean;
  readonly summary: string;
  readonly query?: Query;
  /** What is taken as JSON. Where an empty object fits, the body may be left out. */
  readonly body?: Body;
  /** Taken in place of JSON, by `stream`. */
  readonly bodyType?: string;
  /** Success by status: the form of its body; null where it has none. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  readonly handle: (request: AdminRequest<z.output<Query>, z.output<Body>>) => Promise<AdminAnswer>;
}

/** As the app and the description see it. */
export interface AdminRoute {
  readonly method: Method;
  readonly path: string;
  readonly looks: boolean;
  readonly summary: string;
  readonly query: z.ZodType | undefined;
  readonly body: z.ZodType | undefined;
  readonly bodyType: string | undefined;
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
  readonly run: (request: RawRequest) => Promise<AdminAnswer>;
}

const Nothing = z.strictObject({});

/** Declares a route. What comes is checked before `handle` sees it. */
export function route<Query extends z.ZodType = typeof Nothing, Body extends z.ZodType = typeof Nothing>(
  spec: Spec<Query, Body>,
): AdminRoute {
  const { method, path, summary, answers, handle } = spec;
  return {
    ...{ method, path, summary, answers },
    looks: spec.looks ?? method === 'GET',
    query: spec.query,
    body: spec.body,
    bodyType: spec.bodyType,
    run: async (raw) => {
      const query = parse<z.ZodType<z.output<Query>>>((spec.query ?? Nothing) as z.ZodType<z.output<Query>>, raw.query);
      return handle({
        ...raw,
        header: (name) => raw.header(name),
        once: (text, act) => raw.once(text, act),
        query,
        body: bodyOf(spec, raw),
      });
    },
  };
}

function bodyOf<Query extends z.ZodType, Body extends z.ZodType>(spec: Spec<Query, Body>, { body, bodySent }: RawRequest): z.output<Body> {
  const schema = (spec.body ?? Nothing) as z.ZodType<z.output<Body>>;
  if (spec.body === undefined) return parse(schema, {}); // nothing is asked of a body where none is taken
  if (body === undefined && (bodySent || !schema.safeParse({}).success)) throw new Problem(415, 'expected a body of application/json');
  return parse(schema, body ?? {});
}

/** @throws Problem 400 that names each member, what came of it and what was expected, never its value. */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw wrongMembers(result.error.issues.map(({ path, message }) => ({ pointer: `#/${path.map(String).join('/')}`, detail: message })));
}

/** What is wrong with one member of a body. */
export interface WrongMember {
  /** A JSON pointer (RFC 6901) as a fragment. */
  readonly pointer: string;
  readonly detail: string;
}

/** 400 that names all of them at once. */
export const wrongMembers = (errors: readonly WrongMember[]): Problem =>
  new Problem(400, errors.map(({ pointer, detail }) => `${pointer}: ${detail}`).join('; '), { members: { errors } });

/** `?cursor=&limit=` of a list. */
export const PageQuery = z.strictObject({
  cursor: z.string().min(1).max(1_024).optional(),
  limit: z.coerce.number('expected a whole number from 1 to 500').int().min(1).max(500).default(100),
});

/** A list's answer. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().optional().describe('cursor of the next page; absent on the last one') });

export const badCursor = () => new Problem(400, '#/cursor: expected the `next` of an answer of this list');

export const Time = z.iso.datetime().describe('RFC 3339');
