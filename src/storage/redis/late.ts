/**
 * Code that no short command needs, views and the doctor; it is loaded with the first call that needs it.
 */
export { describe } from './doctor/describe.js';
export { diagnose } from './doctor/diagnose.js';
export { mend } from './doctor/mend.js';
export { readDaemons } from './inspect/daemons.js';
export { dueCounts } from './inspect/due-counts.js';
export { findFlawed } from './inspect/flawed.js';
export { health } from './inspect/health.js';
export { list } from './inspect/list.js';
export { scan } from './inspect/scan.js';
export { stats } from './inspect/stats.js';
