// For tests: what every service must bear.
import type { Service } from './service.js';

/**
 * Starts and stops a service at random, many times over, overlapping, twice, and out of order, and leaves it stopped.
 * A start that a stop cut short may reject; a stop may not.
 * @example await exercise(opsServer(deps), { random: seeded(7) });
 */
export async function exercise(
  service: Service,
  { rounds = 20, random = Math.random }: { rounds?: number; random?: () => number } = {},
): Promise<void> {
  await service.stop(); // without a start
  for (let round = 0; round < rounds; round += 1) {
    const calls = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      random() < 0.5 ? service.start().catch(() => undefined) : service.stop(),
    );
    await Promise.all(calls);
  }
  await service.stop();
  await service.start(); // it still works
  await service.stop();
}
