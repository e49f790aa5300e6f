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

/** Why an administrator must look at a refusal. */
export type WithheldReason =
  /** Several accounts could be the person who comes. */
  | 'ambiguous'
  /** The address belonged to somebody with another externalId. */
  | 'recycled'
  /** An account made by hand could be the person, and bears what an administrator gave, or the tenant's setting asks. */
  | 'asked'
  /** Another account has the name. */
  | 'taken'
  /** An administrator preserves the account. */
  | 'preserved';

/** What a refusal does not tell the client, and an administrator must know: which accounts are in the way, and of whom. It is the refusal's `cause`. */
export class Withheld extends Error {
  override readonly name = 'Withheld';
  constructor(
    readonly reason: WithheldReason,
    readonly accounts: readonly string[],
    /** Who was to come, where an administrator may say which account that is. */
    readonly person?: { readonly userName: string; readonly externalId?: string },
  ) {
    super(`${reason}: ${accounts.join(', ')}`);
  }
}
