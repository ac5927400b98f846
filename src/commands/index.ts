import Bpop from './bpop.js';
import Drain from './drain.js';
import Inspect from './inspect.js';
import Pop from './pop.js';
import Push from './push.js';
import Remove from './remove.js';
import Serve from './serve.js';

/** Every command by its name. */
export const COMMANDS = {
  bpop: Bpop,
  drain: Drain,
  inspect: Inspect,
  pop: Pop,
  push: Push,
  remove: Remove,
  serve: Serve,
};
