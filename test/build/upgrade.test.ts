import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
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

  it('serve still answers requests for which it has to load code', async () => {
    const socket = join(folder, 'http.sock');
    const env = {
      ...process.env,
      HOME: folder,
      DELAYER_STORE: redis.server.url,
      DELAYER_PREFIX: redis.prefix,
    };
    const child = spawn(process.execPath, [join(folder, 'bin/run.js'), 'serve', '--http', socket], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
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
