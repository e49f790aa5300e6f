import { isIPv6 } from 'node:net';

/**
 * Counts failed sign-ins per address, in windows of a minute. Bounded: when too many addresses are remembered, the oldest are forgotten.
 * IPv6 counts by /64, as anybody has 2^64 addresses there.
 */
export class FailureLimit {
  readonly #failures = new Map<string, { count: number; until_ms: number }>();

  constructor(readonly options: { readonly failuresMax: number; readonly now_ms: () => number }) {}

  /** Notes one. */
  failed(address: string): void {
    const key = keyOf(address);
    const now_ms = this.options.now_ms();
    const known = this.#failures.get(key);
    if (known && known.until_ms > now_ms) {
      known.count += 1;
      return;
    }
    this.#failures.delete(key);
    if (this.#failures.size >= ADDRESSES_MAX) this.#failures.delete(this.#failures.keys().next().value!);
    this.#failures.set(key, { count: 1, until_ms: now_ms + WINDOW_MS });
  }

  /** Seconds to wait; 0: this address may try. */
  wait_s(address: string): number {
    if (this.#failures.size === 0) return 0;
    const known = this.#failures.get(keyOf(address));
    if (!known || known.count < this.options.failuresMax) return 0;
    return Math.max(0, Math.ceil((known.until_ms - this.options.now_ms()) / 1_000));
  }

  get size(): number {
    return this.#failures.size;
  }
}

function keyOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}

const WINDOW_MS = 60_000;
export const ADDRESSES_MAX = 10_000;
