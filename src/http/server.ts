import { once } from 'node:events';
import { chmodSync, lstatSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { dirname } from 'node:path';
import { DelayerError } from '../core/errors.js';
import { addressText, type HttpAddress, isHostAllowed } from './address.js';
import { type Answer, type Routes, routesOf, type Watched } from './routes.js';

/**
 * How long (ms) a client may take for the head of a request, and for all of it; an idle connection ends after this
 * time.
 */
const HEAD_MS = 5000;
const REQUEST_MS = 10_000;
const STILL_MS = 10_000;
/** Further connections are refused: a daemon needs its descriptors. */
const MOST_CONNECTIONS = 64;
const MOST_HEAD_BYTES = 8192;

export interface HttpServer {
  /** Where it listens, for people. */
  readonly label: string;
  /** Ends every connection, and removes the socket. */
  close(): Promise<void>;
}

export interface HttpOptions extends Omit<Watched, 'hasApi'> {
  readonly address: HttpAddress;
  /** Host names by which it may be asked, besides IP addresses and localhost. */
  readonly hosts: readonly string[];
}

/**
 * Serves what a daemon knows, for reading only. Jobs are shown on loopback addresses and sockets only.
 * @throws DelayerError `address_unusable` when it cannot listen there
 */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { address, hosts } = options;
  const isSocket = 'path' in address;
  const routes = routesOf({ ...options, hasApi: isSocket || address.isLoopback });
  const isAllowed = (host: string | undefined) => isSocket || isHostAllowed(host, hosts);
  const server = createServer(
    {
      headersTimeout: HEAD_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: HEAD_MS,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: MOST_HEAD_BYTES,
    },
    (request, response) => void answer(request, response, routes, isAllowed),
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.setTimeout(STILL_MS);
  await listen(server, address);
  const port = isSocket ? undefined : (server.address() as AddressInfo).port;
  return {
    label: addressText(address, port),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  isAllowed: (host: string | undefined) => boolean,
): Promise<void> {
  // A connection that broke needs no handling.
  response.on('error', () => undefined);
  // The body of a request is not read.
  request.resume();
  const { method = '', headersDistinct } = request;
  const { host, path } = targetOf(request);
  if ((headersDistinct.host?.length ?? 0) > 1) send(response, refused(400, 'more than one Host header'));
  else if (!isAllowed(host)) send(response, refused(403, 'this host name is not allowed'));
  else if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    send(response, refused(405, 'only GET and HEAD are answered'));
  } else send(response, await routes(path).catch(() => refused(500, 'this is a defect in delayer')));
}

/**
 * The host that is asked, and the path with its query. A target in absolute form, as clients of a proxy send it,
 * names the host itself, and its Host header does not count (RFC 9112, 3.2.2).
 */
function targetOf({ url = '', headers }: IncomingMessage): { host: string | undefined; path: string } {
  const [, host, path = ''] = /^https?:\/\/([^/?]*)(.*)$/i.exec(url) ?? [];
  if (host === undefined) return { host: headers.host, path: url };
  return { host, path: path.startsWith('/') ? path : `/${path}` };
}

const refused = (status: number, reason: string): Answer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${reason}\n`,
});

function send(response: ServerResponse, { status, type, body }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(bytes);
}

async function listen(server: Server, address: HttpAddress): Promise<void> {
  try {
    await tryToListen(server, address);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isLeft = code === 'EADDRINUSE' && 'path' in address && (await isLeftOver(address.path));
    if (!isLeft) throw unusable(address, error as NodeJS.ErrnoException);
    rmSync(address.path, { force: true });
    await tryToListen(server, address).catch((again: unknown) => {
      throw unusable(address, again as NodeJS.ErrnoException);
    });
  }
  // Everyone who may write to the socket may read the jobs.
  if ('path' in address) chmodSync(address.path, 0o660);
}

async function tryToListen(server: Server, address: HttpAddress): Promise<void> {
  server.listen('path' in address ? { path: address.path } : { host: address.host, port: address.port });
  await once(server, 'listening');
}

/** Was this socket left behind by a process that was killed? */
async function isLeftOver(path: string): Promise<boolean> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return false;
  const socket = connect({ path });
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign the address: this machine does not have it',
};

function unusable(address: HttpAddress, error: NodeJS.ErrnoException): DelayerError {
  const { code = '' } = error;
  const reason = missingFolder(address) ?? `${REASONS[code] ?? error.message} (${code})`;
  return new DelayerError('address_unusable', `cannot listen on ${addressText(address)}: ${reason}`, {
    cause: error,
  });
}

/** libuv reports a missing folder of a socket as EACCES. */
function missingFolder(address: HttpAddress): string | undefined {
  if (!('path' in address)) return undefined;
  const folder = dirname(address.path);
  try {
    if (statSync(folder, { throwIfNoEntry: false })) return undefined;
  } catch {
    // A folder above may not be searched: that is the reason.
    return undefined;
  }
  return `the folder ${folder} does not exist (ENOENT)`;
}
