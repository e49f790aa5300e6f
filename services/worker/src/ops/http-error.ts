/** A client's fault as Express and its body parsers throw it. */
export interface HttpError {
  readonly status: number;
  readonly type: string;
}

export function isHttpError(error: unknown): error is HttpError {
  if (!(error instanceof Error) || !('status' in error)) return false;
  return typeof error.status === 'number' && error.status >= 400 && error.status < 500;
}
