import { isIP } from 'node:net';
import { DelayerError } from '../core/errors.js';

/** Where a server listens. */
export type HttpAddress =
  { readonly path: string } | { readonly host: string; readonly port: number; readonly isLoopback: boolean };

const HINT = 'Write 127.0.0.1:9465, [::1]:9465, or the path of a socket: /run/delayer/http.sock.';

/** The longest path of a socket, in bytes: what Linux has room for. */
const LONGEST_PATH = 107;

/**
 * Reads an address: `HOST:PORT`, where HOST is an IP address (IPv6 in brackets) or `localhost`, or the path of a
 * Unix socket, which contains a slash.
 * @throws DelayerError `usage`
 */
export function parseAddress(text: string): HttpAddress {
  if (text.includes('/')) return { path: checkedPath(text) };
  const [, name = '', digits = ''] = /^(\[[^\]]*\]|[^:[\]]*):(\d{1,5})$/.exec(text) ?? [];
  const host = name === 'localhost' ? '127.0.0.1' : name.replace(/^\[(.*)\]$/, '$1');
  const port = Number(digits);
  const isWritten = isIP(host) === (name.startsWith('[') ? 6 : 4);
  if (digits === '' || port > 65_535 || !isWritten) {
    throw new DelayerError('usage', `${JSON.stringify(text)} is not an address to listen on`, { hint: HINT });
  }
  return { host, port, isLoopback: isLoopback(host) };
}

function checkedPath(path: string): string {
  if (!path.includes('\0') && Buffer.byteLength(path) <= LONGEST_PATH) return path;
  throw new DelayerError('usage', `the path of the socket has more than ${LONGEST_PATH} bytes`, {
    hint: HINT,
  });
}

const isLoopback = (host: string): boolean => host === '::1' || /^(::ffff:)?127\./i.test(host);

/** The address for people. */
export function addressText(address: HttpAddress, port?: number): string {
  if ('path' in address) return address.path;
  const host = isIP(address.host) === 6 ? `[${address.host}]` : address.host;
  return `http://${host}:${port ?? address.port}`;
}

/**
 * Is this host name one by which the server may be asked? A web page whose own name was made to resolve to this
 * address (DNS rebinding) is refused. IP addresses, localhost and the names that were allowed are accepted.
 * @param header the Host header; absent in HTTP/1.0, which no browser speaks
 */
export function isHostAllowed(header: string | undefined, names: readonly string[]): boolean {
  if (header === undefined) return true;
  const host = header.replace(/:\d{1,5}$/, '').toLowerCase();
  if (isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0) return true;
  return host === 'localhost' || names.some((name) => name.toLowerCase() === host);
}
