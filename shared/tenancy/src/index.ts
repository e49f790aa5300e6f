export * from './deployment.js';
export * from './records.js';
export * from './secret.js';
export * from './tenants.js';
export * from './tokens.js';
