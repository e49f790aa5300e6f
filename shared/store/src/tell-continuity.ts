import type { ContinuityEvent } from './continuity.js';

interface Log {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
}

/** Says in the log what became of a tenant's continuity. Only what may have been forgotten is a warning: a tenant's first epoch forgets nothing. */
export const tellContinuity =
  (log: Log) =>
  ({ kind, ...about }: ContinuityEvent): void => {
    if (kind === 'shown') log.info({ event: 'continuity.shown', ...about }, 'Redis is consistent with MongoDB for this tenant');
    else if (about.epoch === 1) log.info({ event: 'tenant.begun', ...about }, 'first request of this tenant');
    else log.warn({ event: 'epoch.raised', ...about }, 'Redis may have lost data of this tenant: its epoch is raised');
  };
