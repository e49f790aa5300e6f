export { type Ingest, type IngestOptions, makeIngest } from './ingest.js';
