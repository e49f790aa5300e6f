/** What a client did wrong, or may try again (RFC 7644 §3.12, table 9; RFC 9865 §2.1 for cursors). */
import type { JsonObject } from './json.js';
import { ERROR_URN } from './urns.js';

/** Each `scimType` with the status that goes with it. */
export const SCIM_TYPES = {
  invalidFilter: 400,
  tooMany: 400,
  uniqueness: 409,
  mutability: 400,
  invalidSyntax: 400,
  invalidPath: 400,
  noTarget: 400,
  invalidValue: 400,
  invalidVers: 400,
  sensitive: 403,
  invalidCursor: 400,
  expiredCursor: 400,
  invalidCount: 400,
} as const;
export type ScimType = keyof typeof SCIM_TYPES;

/** `detail` is sent to the client; `cause` is only logged. */
export class ScimError extends Error {
  override readonly name = 'ScimError';
  constructor(
    readonly status: number,
    readonly scimType: ScimType | undefined,
    readonly detail: string,
    readonly retryAfter_s?: number,
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
  /** The error of one of the documented types, under its own status. */
  static of(scimType: ScimType, detail: string, options?: ErrorOptions): ScimError {
    return new ScimError(SCIM_TYPES[scimType], scimType, detail, undefined, options);
  }
}

/** The body of an error response; RFC 7644 §3.12 wants the status as a string. */
export function errorBody(error: ScimError): JsonObject {
  return {
    schemas: [ERROR_URN],
    status: String(error.status),
    ...(error.scimType === undefined ? {} : { scimType: error.scimType }),
    detail: error.detail,
  };
}

const QUOTED_MAX = 80;

/** Client text inside a detail: quoted, cut short, and free of control characters and lone surrogates. */
export function quote(text: string): string {
  const short = text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text;
  return JSON.stringify(short);
}

/**
 * A detail without what `quote` put into it: for what is kept longer than the person that it may name.
 * @example withoutValues('userName: "ada@example.com" is taken by another User') → 'userName: "…" is taken by another User'
 */
export const withoutValues = (detail: string): string => detail.replaceAll(/"(?:[^"\\]|\\.)*"/g, '"…"');
