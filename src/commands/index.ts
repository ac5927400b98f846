/** Every command by its name; the one that is run is loaded. */
export const COMMANDS = {
  ack: () => import('./ack.js'),
  bpop: () => import('./bpop.js'),
  drain: () => import('./drain.js'),
  extend: () => import('./extend.js'),
  inspect: () => import('./inspect.js'),
  nack: () => import('./nack.js'),
  pop: () => import('./pop.js'),
  promote: () => import('./promote.js'),
  purge: () => import('./purge.js'),
  push: () => import('./push.js'),
  release: () => import('./release.js'),
  remove: () => import('./remove.js'),
  requeue: () => import('./requeue.js'),
  reschedule: () => import('./reschedule.js'),
  serve: () => import('./serve.js'),
};
