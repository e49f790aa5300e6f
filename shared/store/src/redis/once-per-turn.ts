/**
 * Lets all who ask for the same share one reading, as long as it lies unsent on the connection (gather.ts: until the end of the turn of the event loop
 * at the latest). So it begins after each of them has asked: everybody sees at least what was written before their own request came.
 * @param sends how often the connection has sent so far
 * @param read must ask Redis at once, in the turn in which it is called
 */
export function oncePerTurn<T>(sends: () => number, read: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const reading = new Map<string, Promise<T>>();
  let since = -1;
  return (key) => {
    if (since !== sends()) reading.clear();
    since = sends();
    let shared = reading.get(key);
    if (shared === undefined) {
      // Nothing is kept past its turn, also where nobody asks again.
      if (reading.size === 0) setImmediate(() => reading.clear());
      shared = read(key);
      reading.set(key, shared);
    }
    return shared;
  };
}
