import { TransientError } from '@rollcall/directory';

/**
 * Waits for work no longer than until the deadline (by `performance.now()`). The work itself goes on, so whatever it may still write must know the
 * deadline too, as a commit does.
 * @throws TransientError when the time is over
 */
export async function within<T>(deadline: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TransientError('no answer in time')), Math.max(0, deadline - performance.now()));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
