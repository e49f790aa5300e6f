/**
 * How long to wait before try number `attempt` (from 1): exponential with full jitter, capped.
 * BullMQ's own exponential backoff has no cap.
 * @param random a number in [0, 1)
 * @returns ms
 */
export function cappedBackoff(attempt: number, random: number, options: { readonly base_ms: number; readonly max_ms: number }): number {
  const ceiling = Math.min(options.max_ms, options.base_ms * 2 ** Math.min(attempt - 1, 30));
  return Math.max(1, Math.round(random * ceiling));
}
