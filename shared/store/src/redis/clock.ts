/**
 * A lower bound of the server's time: its last answer, advanced by this process's monotonic clock.
 * A deadline made of it is never later than meant.
 */
export class RedisClock {
  #at_us = 0;
  #seen_ms = 0;

  /** Notes a time that the server told; called when its answer arrives. */
  saw(now_us: number): void {
    const seen_ms = performance.now();
    // A server restored or moved may tell an earlier time: what it says now counts.
    this.#at_us = now_us;
    this.#seen_ms = seen_ms;
  }

  /** ms since 1970; 0 before the server has told anything. */
  now_ms(): number {
    return this.#at_us === 0 ? 0 : this.#at_us / 1_000 + (performance.now() - this.#seen_ms);
  }
}
