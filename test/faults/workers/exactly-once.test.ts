import { DatabaseSync } from '@photostructure/sqlite';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliGround, forEachStore } from '../../support/cli.js';
import { blockWith } from '../../docs/blocks.js';
import { allow, linesIn, startWorker, storeOf, workUntilEmpty } from './ground.js';
import { Measurement, SIZE, storesFor } from '../measure.js';

const PAGE = 'docs/handlers.md';
const TOPIC = 'close_order';

/** The sinks of docs/handlers.md. */
const SINKS = [
  {
    name: 'SQLite from Python',
    file: 'cancel.py',
    language: 'python',
    has: '# cancel.py',
    run: 'python3 cancel.py',
    asks: ['python3', '--version'],
    store: 'SQLite',
  },
  {
    name: 'PDO from PHP',
    file: 'cancel.php',
    language: 'php',
    has: '// cancel.php',
    run: 'php cancel.php',
    asks: ['php', '-r', 'exit(in_array("sqlite", PDO::getAvailableDrivers()) ? 0 : 1);'],
    store: 'Redis',
  },
] as const;

const isThere = ([command, ...args]: readonly [string, ...string[]]): boolean =>
  spawnSync(command, args).status === 0;

function makeOrders(cli: CliGround, count: number): void {
  const database = new DatabaseSync(join(cli.home, 'orders.db'));
  database.exec(blockWith(PAGE, 'sql', 'CREATE TABLE'));
  for (let id = 1; id <= count; id += 1) database.exec(`INSERT INTO orders (id) VALUES (${id})`);
  database.close();
}

/** How often each order was cancelled. */
function cancellations(cli: CliGround): number[] {
  const database = new DatabaseSync(join(cli.home, 'orders.db'), { readOnly: true });
  const rows = database.prepare('SELECT cancelled FROM orders').all() as { cancelled: number }[];
  database.close();
  return rows.map(({ cancelled }) => cancelled);
}

describe('workers that are killed between an effect and its ack', () => {
  for (const { name, file, language, has, run, asks, store } of SINKS) {
    forEachStore((cli) => {
      const test = async () => {
        const measurement = new Measurement(`exactly once, ${name}`, storeOf(cli));
        const { effectKills: kills, orders } = SIZE;
        writeFileSync(join(cli.home, file), blockWith(PAGE, language, has));
        makeOrders(cli, orders);
        const queue = await cli.queue();
        await queue.pushMany(
          Array.from({ length: orders }, (_, i) => ({
            topic: TOPIC,
            body: JSON.stringify({ orderID: i + 1 }),
          })),
        );
        // Until the file `calm` exists, the handler kills its worker after the effect and before the ack.
        const exec = `${run} && echo "$DELAYER_KEY" >>effects && { [ -e calm ] || kill -9 $PPID; }`;
        const flags = ['--jobs', '2', '--lease', '1s'];
        for (let kill = 0; kill < kills; kill += 1) {
          const { signal, stderr } = await startWorker(cli, [TOPIC], exec, flags).ended;
          if (signal !== 'SIGKILL') throw new Error(`the worker was not killed: ${stderr}`);
          measurement.add('kills', 1);
        }
        allow(cli, 'calm');
        await workUntilEmpty(cli, queue, [TOPIC], exec, flags);
        const tries = linesIn(cli, 'effects').length;
        measurement.add('jobs', orders);
        measurement.add('delivered again', tries - orders);
        measurement.atLeast(
          'handlers that had done their work when their worker was killed',
          kills,
          tries - orders,
        );
        const times = cancellations(cli);
        measurement.none('effects missing', times.filter((count) => count === 0).length);
        measurement.none('effects doubled', times.filter((count) => count > 1).length);
        measurement.end();
      };
      const title = `${name}: each effect happens once`;
      if (isThere(asks)) it(title, test);
      else it(`${title} (pending: ${asks[0]} is not there, or has no SQLite)`);
    }, storesFor(store));
  }
});
