import { openQueue } from '../../src/storage/open.js';
import { Actor } from './actor.js';
import type { Round } from './race.js';

/** The process of the rivals: it receives rounds, and answers which calls took effect. */
const [url = '', prefix = ''] = process.argv.slice(2);
const queue = await openQueue(url, { prefix });
const actor = new Actor(queue, url, prefix);

process.on('message', (round: Round) => {
  void actor
    .run(round, ({ rival, rivalAt }) => ({ verb: rival, at: rivalAt }))
    .then((acted) => process.send?.({ acted }))
    .catch((error: unknown) => process.send?.({ error: String(error) }));
});
process.on('disconnect', () => process.exit(0));
process.send?.({ acted: [] });
