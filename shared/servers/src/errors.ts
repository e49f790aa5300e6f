/** What the person at the keyboard can mend. The message is one sentence that says what is wrong and what to do, and never shows a secret. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
}

/** The code of a system error (`ENOENT`, `EADDRINUSE` …), or undefined for anything else. No `instanceof`: in tests, Node's errors are of another realm. */
export const errorCode = (error: unknown): string | undefined => text(error, 'code');

export const messageOf = (error: unknown): string => text(error, 'message') ?? String(error);

function text(error: unknown, name: 'code' | 'message'): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const value: unknown = (error as Partial<Record<typeof name, unknown>>)[name];
  return typeof value === 'string' ? value : undefined;
}
