/** What a server last said, or what was last heard of the connection to it. */
export interface Trouble {
  readonly message: string;
  /** The server was reached and let nothing in: waiting does not help. */
  readonly refused: boolean;
}

/** Redis: no or a wrong password, protected mode, or a user without rights. */
const REDIS_REFUSES = /\b(NOAUTH|WRONGPASS|DENIED|NOPERM)\b/;
/** MongoDB's codes Unauthorized and AuthenticationFailed; Atlas answers 8000. */
const MONGODB_REFUSES: readonly unknown[] = [13, 18, 8000];
const CHARACTERS_MAX = 200;

/**
 * The first sentence of a driver's error.
 * @example troubleOf(new Error('Ready check failed: NOAUTH Authentication required.')) // { message: 'NOAUTH Authentication required', refused: true }
 */
export function troubleOf(error: unknown): Trouble {
  const {
    message = '',
    code,
    cause,
  } = (typeof error === 'object' && error !== null ? error : {}) as {
    message?: string;
    code?: unknown;
    cause?: unknown;
  };
  const [sentence = ''] = message.replace(/^Ready check failed: /, '').split(/\.\s|\.$|\n/);
  const causeCode = (cause as { code?: unknown } | undefined)?.code;
  return {
    message: (sentence === '' ? String(code ?? 'unknown error') : sentence).slice(0, CHARACTERS_MAX).trim(),
    refused: REDIS_REFUSES.test(sentence) || [code, causeCode].some((one) => MONGODB_REFUSES.includes(one)),
  };
}
