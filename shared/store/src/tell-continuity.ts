import type { ContinuityEvent } from './continuity.js';

interface Log {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

/** Says in the log what became of a tenant's continuity. Only what may have been forgotten is a warning: a tenant's first epoch forgets nothing. */
export const tellContinuity =
  (log: Log) =>
  ({ kind, ...about }: ContinuityEvent): void => {
    if (kind === 'shown') log.info(about, 'Redis has forgotten nothing of a tenant');
    else if (about.epoch === 1) log.info(about, 'a tenant begins');
    else log.warn(about, 'Redis may have forgotten something of a tenant: its epoch is raised');
  };
