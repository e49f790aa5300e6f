export * from './backoff.js';
export * from './consumer.js';
export * from './doorbell.js';
export * from './ringer.js';
