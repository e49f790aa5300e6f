export type { OpsDeps } from './app.js';
export type { DeadLetter, DeadLetters, Refused, TenantBacklog } from './dead-letter.js';
export { DeadLetterQuery, Selection } from './dead-letter.js';
export type { DeadLetterBoard, DeadLetterBoardDeps } from './dead-letter-board.js';
export { DEAD_LETTER_QUEUE, deadLetterBoard, MIRRORED_MAX } from './dead-letter-board.js';
export type { OpsServer, OpsServerDeps } from './ops-server.js';
export { opsServer } from './ops-server.js';
