import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface FakeRedis {
  readonly url: string;
  /** The commands received, each as one text. */
  readonly commands: readonly string[];
  close(): Promise<void>;
}

/** A server that gives fixed replies (RESP) to some commands, and OK to all others. */
export async function fakeRedis(answers: Readonly<Record<string, string>>): Promise<FakeRedis> {
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      for (const command of readCommands(data)) {
        commands.push(command.join(' '));
        socket.write(answers[command[0]?.toUpperCase() ?? ''] ?? '+OK\r\n');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake has no port');
  return {
    url: `redis://127.0.0.1:${address.port}`,
    commands,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Parses commands (RESP arrays of strings), each of which must arrive in one piece. */
function readCommands(data: Buffer): string[][] {
  const lines = data.toString('latin1').split('\r\n');
  const commands: string[][] = [];
  for (let at = 0; lines[at]?.startsWith('*') === true;) {
    const count = Number(lines[at]?.slice(1));
    commands.push(Array.from({ length: count }, (_, i) => lines[at + 2 * (i + 1)] ?? ''));
    at += 1 + 2 * count;
  }
  return commands;
}
