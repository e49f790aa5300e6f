/** Again later, at no cost: nothing is wrong with what was asked, something it needs is away for a while. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  constructor(
    message: string,
    options?: ErrorOptions & {
      /** What is away. */
      readonly away?: 'redis' | 'mongodb';
      /** Seconds after which a client may try again. */
      readonly retryAfter_s?: number;
    },
  ) {
    super(message, options);
    this.away = options?.away;
    this.retryAfter_s = options?.retryAfter_s ?? 1;
  }
  readonly away: 'redis' | 'mongodb' | undefined;
  readonly retryAfter_s: number;
}

/** Never again as it stands: a dead letter at the first attempt. `code` is the store's own word for why. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError';
  constructor(
    message: string,
    readonly code?: string | number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
