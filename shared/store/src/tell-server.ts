import type { ServerFinding } from './redis/server-check.js';

interface Log {
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

/** Says in the log which settings of Redis do not keep what is promised. Fatal findings are for the caller, which must not go on. */
export function tellServer(log: Log, findings: readonly ServerFinding[], durability: 'always' | 'everysec'): void {
  for (const { setting, is, should } of findings)
    log.error(
      { event: 'redis.setting.unsafe', setting, is, should },
      `Redis has ${setting} ${is}, not ${should}: acknowledged writes may be lost when it crashes`,
    );
  if (durability === 'everysec')
    log.warn({ event: 'durability.reduced' }, 'DURABILITY is everysec: a crash of the host of Redis may lose 2 s of acknowledged writes');
}
