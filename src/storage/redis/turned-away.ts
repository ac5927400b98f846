import { connect, type Socket } from 'node:net';
import type { RedisAddress } from './url.js';

/** A server that turns clients away says so at once (ms). */
const LISTEN_MS = 300;
const ERROR_REPLY = /^-([^\r\n]{1,500})\r\n/;

/**
 * What a server says to a client that says nothing, or nothing. One that turns clients away (too many of
 * them, protected mode) closes the connection behind its reason, and whoever was writing at that time never
 * reads it.
 */
export function whyTurnedAway({ host, port, path, tls }: RedisAddress): Promise<string | undefined> {
  if (tls) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    let said = '';
    const socket: Socket = path === undefined ? connect(port ?? 6379, host) : connect(path);
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(ERROR_REPLY.exec(said)?.[1]);
    };
    const timer = setTimeout(end, LISTEN_MS);
    socket.on('data', (data) => {
      said += data.toString('latin1');
      if (ERROR_REPLY.test(said)) end();
    });
    socket.once('error', end);
    socket.once('close', end);
  });
}
