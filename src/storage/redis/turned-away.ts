import { connect, type Socket } from 'node:net';
import type { RedisAddress } from './url.js';

/** A server that refuses clients says so within this time (ms). */
const LISTEN_MS = 300;
const ERROR_REPLY = /^-([^\r\n]{1,500})\r\n/;

/**
 * What a server says to a client that sends nothing; undefined when it says nothing. A server that refuses clients
 * (maxclients, protected mode) closes the connection right after its reason, and a client that was just writing
 * never reads it.
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
