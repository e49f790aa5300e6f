export type OAuthCode = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type';

/** An answer of the token endpoint (RFC 6749 §5.2). */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  constructor(
    readonly status: number,
    readonly code: OAuthCode,
    message: string,
    readonly more: {
      readonly challenge?: boolean;
      readonly retryAfter_s?: number;
      /** For the log: a stable code, and whose the credential is, where that is known. */
      readonly reason?: string;
      readonly tenant?: string;
      readonly credential?: string;
    } = {},
  ) {
    super(message);
  }
}
