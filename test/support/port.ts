import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to connections and to who asks for any: those are taken at any moment. */
const [LOWEST, HIGHEST] = [10_000, 32_000];

/** A port on which nobody listens, for a server that is told its port when it is started. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue; // Somebody listens there.
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}
