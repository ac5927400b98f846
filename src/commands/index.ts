/** Every command by its name; the one that is run is loaded. */
export const COMMANDS = {
  bpop: () => import('./bpop.js'),
  drain: () => import('./drain.js'),
  inspect: () => import('./inspect.js'),
  pop: () => import('./pop.js'),
  push: () => import('./push.js'),
  remove: () => import('./remove.js'),
  serve: () => import('./serve.js'),
};
