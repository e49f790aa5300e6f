/**
 * Lets all who ask for the same in one turn of the event loop share one reading. What is asked of Redis is sent at the end of the turn (gather.ts),
 * so the reading begins after each of them has asked: everybody sees at least what was written before their own request came.
 * @param read must ask Redis at once, in the turn in which it is called
 */
export function oncePerTurn<T>(read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const reading = new Map<string, Promise<T>>();
  return (key) => {
    let shared = reading.get(key);
    if (shared === undefined) {
      if (reading.size === 0) setImmediate(() => reading.clear());
      shared = read(key);
      reading.set(key, shared);
    }
    return shared;
  };
}
