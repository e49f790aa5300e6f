/**
 * A span of time in its largest unit, rounded down.
 * @example span(5_400_000) → '1 hour'
 */
export function span(duration_ms: number): string {
  const [count, unit] = UNITS.map(([unit, unit_ms]) => [Math.floor(duration_ms / unit_ms), unit] as const).find(([count]) => count > 0) ?? [
    0,
    'second',
  ];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

/** When a token expires, as an operator reads it: `in 364 days`, or `EXPIRED 2 minutes ago`. */
export function expiry(expiresAt: unknown, now_ms: number): string {
  const at = typeof expiresAt === 'string' ? Date.parse(expiresAt) : Number.NaN;
  if (Number.isNaN(at)) return '–';
  return at > now_ms ? `in ${span(at - now_ms)}` : `EXPIRED ${span(now_ms - at)} ago`;
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;
