/** No script and no query is given more at once. */
export const PART = 1_000;

/**
 * Does something with parts of up to a thousand, a few at a time: what is made of one part is sent before the next is made, so that a request that
 * names tens of thousands holds neither our event loop nor Redis for all of them at once.
 */
export async function inParts<T>(all: readonly T[], work: (part: readonly T[]) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < all.length) {
      const from = next;
      next += PART;
      // The first part needs no turn of its own: most requests have no other.
      if (from > 0) await turn();
      await work(from === 0 && all.length <= PART ? all : all.slice(from, from + PART));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, Math.ceil(all.length / PART)) }, lane));
}

/** Lets everybody else have a turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** For a loop over things of any size: awaited after each, it takes a turn where the last few have taken their time. */
export function breaths(): () => Promise<void> | undefined {
  let began = performance.now();
  return () => {
    if (performance.now() - began < BREATH_MS) return undefined;
    return turn().then(() => {
      began = performance.now();
    });
  };
}

const BREATH_MS = 5;
const AT_ONCE = 4;
