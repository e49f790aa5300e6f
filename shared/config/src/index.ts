export type { Config, Problem, ReadBy, Setting } from './config.js';
export { ConfigError, describeSettings, loadConfig, mongoDatabase, tracesEndpoint } from './config.js';
export { databaseOf } from './mongo-uri.js';
export { settingsPage } from './settings-page.js';
