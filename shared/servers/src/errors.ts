/** What the person at the keyboard can mend. The message is one sentence that says what is wrong and what to do, and never shows a secret. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}

/** The code of a system error (`ENOENT`, `EADDRINUSE` …), or undefined for anything else. */
export const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
