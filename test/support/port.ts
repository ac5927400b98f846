import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral ports of Linux, which connections may take at any time. */
const [LOWEST, HIGHEST] = [10_000, 32_000];

/** Returns a free port, for a server that takes its port as an argument. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue; // The port is in use.
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
