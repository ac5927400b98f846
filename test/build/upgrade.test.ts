import { expect } from 'chai';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/eventually.js';
import { useRedis } from '../support/redis.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('a program whose files are removed while it runs', () => {
  const redis = useRedis();
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'delayer-upgrade-'));
    for (const part of ['bin', 'dist/program', 'package.json'])
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const start = (...args: readonly string[]): ChildProcess =>
    spawn(process.execPath, [join(folder, 'bin/run.js'), ...args], {
      env: {
        ...process.env,
        HOME: folder,
        DELAYER_STORE: redis.server.url,
        DELAYER_PREFIX: redis.prefix,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('bpop still gets a job for which it has to load code', async () => {
    const program = join(folder, 'dist/program');
    const files = readdirSync(program).filter((name) => name.endsWith('.cjs'));
    const size = files.reduce((sum, name) => sum + statSync(join(program, name)).size, 0);
    const child = start('bpop', 'orders', '--timeout', '60');
    try {
      await eventually(() => bytesReadBy(child.pid) > size);
      rmSync(program, { recursive: true });
      // So the texts of the scripts have to be loaded.
      await redis.raw.script('FLUSH');
      await redis.queue().push({ topic: 'orders', id: '15', body: 'close' });
      expect((await once(child, 'exit'))[0]).to.equal(0);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('serve still answers requests for which it has to load code', async () => {
    const socket = join(folder, 'http.sock');
    const child = start('serve', '--http', socket);
    try {
      const get = (path: string) => requestOn(socket, path);
      await eventually(async () => (await get('/readyz').catch(() => undefined))?.status === 200);
      rmSync(join(folder, 'dist'), { recursive: true });
      expect((await get('/metrics')).text).to.match(/^delayer_jobs/m);
    } finally {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await ended).to.deep.equal([0, null]);
    }
  });
});

/** Of files and sockets, by all of its threads. */
function bytesReadBy(pid = 0): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}

function requestOn(socketPath: string, path: string): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        resolve({ status: response.statusCode, text });
      });
    });
    asked.on('error', reject).end();
  });
}
