/** An entry of a history stream, as ioredis gives it: its id, then names and values in turn. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** A named field of an entry; '' where it has none. @example fieldOf(['1-0', ['tenant', 'acme']], 'tenant') → 'acme' */
export function fieldOf([, fields]: StreamEntry, name: 'tenant' | 'id' | 'version' | 'line'): string {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1] ?? '';
  return '';
}
