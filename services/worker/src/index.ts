export { assemble, type Surroundings } from './assemble.js';
