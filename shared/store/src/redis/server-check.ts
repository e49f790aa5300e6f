import type { Redis } from 'ioredis';
import { onRedis } from '../errors.js';

export interface ServerFinding {
  readonly setting: string;
  readonly is: string;
  readonly should: string;
  /** True: data would be lost; the program must not run on such a server. */
  readonly fatal: boolean;
}

/**
 * Compares the real server's settings with what is promised. A managed server may hide its settings: then nothing is found.
 * @throws TransientError while Redis is away
 */
export async function checkServer(redis: Redis, durability: 'always' | 'everysec'): Promise<ServerFinding[]> {
  const wanted: [string, (value: string) => boolean, string, boolean][] = [
    ['maxmemory-policy', (value) => value === 'noeviction', 'noeviction', true],
    ['appendonly', (value) => value === 'yes', 'yes', false],
    ['appendfsync', (value) => value === durability || value === 'always', durability, false],
  ];
  const findings: ServerFinding[] = [];
  for (const [setting, fits, should, fatal] of wanted) {
    const answer = (await onRedis(redis.config('GET', setting)).catch((error) => {
      if (error?.name === 'ReplyError') return [];
      throw error;
    })) as string[];
    const is = answer[1];
    if (is !== undefined && !fits(is)) findings.push({ setting, is, should, fatal });
  }
  return findings;
}
