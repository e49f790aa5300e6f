export * from './bound-server.js';
export * from './request-head.js';
