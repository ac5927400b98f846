import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/port.js';

const SERVER = process.env.REDIS_SERVER ?? 'redis-server';

interface Servers {
  /** Port of the only node of a cluster. */
  readonly node: number;
  /** Port of a Sentinel that watches the master `main`. */
  readonly sentinel: number;
  stop(): void;
}

/** A cluster of one node, and a Sentinel with its master. */
export async function startServers(folder: string): Promise<Servers> {
  const [node, master, sentinel] = [await freePort(), await freePort(), await freePort()];
  const running = [
    start(folder, node, [
      'cluster-enabled yes',
      'cluster-announce-ip 127.0.0.1',
      `cluster-port ${await freePort()}`,
    ]),
    start(folder, master, []),
    start(folder, sentinel, [`sentinel monitor main 127.0.0.1 ${master} 1`], '--sentinel'),
  ];
  const stop = () => {
    for (const one of running) one.kill('SIGKILL');
  };
  try {
    await eventually(() => ask(node, 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383') === 'OK');
    await eventually(() => ask(node, 'CLUSTER', 'INFO').includes('cluster_state:ok'));
    await eventually(() =>
      ask(sentinel, 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main').includes(`${master}`),
    );
  } catch (error) {
    stop();
    throw error;
  }
  return { node, sentinel, stop };
}

function start(folder: string, port: number, lines: readonly string[], ...args: string[]): ChildProcess {
  const own = join(folder, `${port}`);
  mkdirSync(own);
  const config = join(own, 'redis.conf');
  writeFileSync(config, [`port ${port}`, 'bind 127.0.0.1', `dir ${own}`, ...lines, ''].join('\n'));
  return spawn(SERVER, [config, ...args], { stdio: 'ignore' });
}

/** Returns the reply of a server, or an empty text if it cannot be reached. */
function ask(port: number, ...command: string[]): string {
  try {
    return execFileSync('redis-cli', ['-p', `${port}`, ...command], { stdio: 'pipe' })
      .toString()
      .trim();
  } catch {
    return '';
  }
}
