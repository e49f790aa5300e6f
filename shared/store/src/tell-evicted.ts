interface Log {
  warn(about: object, message: string): void;
}

/** Says in the log that settled copies gave way for writes. */
export const tellEvicted =
  (log: Log) =>
  (evicted: number, used: number): void =>
    log.warn(
      { event: 'redis.copies.evicted', evicted, redisMemoryUsed: Math.round(used * 1_000) / 1_000 },
      'Redis is short of memory: the oldest copies of what MongoDB has were evicted',
    );
