export * from './command.js';
export * from './decide.js';
export * from './errors.js';
export * from './history.js';
export * from './index-fields.js';
export * from './members.js';
export * from './resource.js';
