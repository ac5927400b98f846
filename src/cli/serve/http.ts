import * as Flags from '../oclif/flags.js';
import type { DaemonStatus } from '../../core/daemon-status.js';
import type { Queue } from '../../core/queue.js';
import { addressText, type HttpAddress, parseAddress } from '../../http/address.js';
import { httpViews } from '../http-views.js';
import type { LogLine } from './log.js';

export const httpFlags = {
  http: Flags.custom<HttpAddress>({
    helpValue: 'ADDRESS',
    parse: (text) => Promise.resolve(parseAddress(text)),
  })({
    description:
      'serve /healthz, /readyz, /metrics and /api over HTTP on ADDRESS: 127.0.0.1:9465, or the path of a Unix socket',
    exclusive: ['once'],
  }),
  'http-host': Flags.string({
    helpValue: 'NAME',
    description: 'accept this host name in HTTP requests, besides IP addresses and localhost',
    multiple: true,
    dependsOn: ['http'],
  }),
};

export interface HttpFlags {
  readonly http?: HttpAddress | undefined;
  readonly 'http-host'?: string[] | undefined;
}

interface Watch {
  readonly queue: Queue;
  readonly status: DaemonStatus;
  readonly flags: HttpFlags;
  readonly log: { write(line: LogLine): void };
}

/**
 * Serves HTTP while `run` runs, if `--http` was given.
 * @throws DelayerError `address_unusable`, before `run` is called
 */
export async function whileWatched<T>(
  { queue, status, flags, log }: Watch,
  run: () => Promise<T>,
): Promise<T> {
  const { http: address, 'http-host': hosts = [] } = flags;
  if (!address) return run();
  const { startHttp } = await import('../../http/server.js');
  const server = await startHttp({
    ...{ address, hosts, status },
    stats: async () => {
      const [stats, now] = await Promise.all([queue.stats({ exact: false }), queue.now()]);
      return { stats, now };
    },
    reconnects: () => queue.reconnects,
    views: httpViews(queue),
  });
  try {
    log.write({ level: 'info', event: 'http', message: `listening on ${server.label}` });
    if ('host' in address && !address.isLoopback) log.write(openLine(address));
    return await run();
  } finally {
    await server.close();
  }
}

const openLine = (address: HttpAddress): LogLine => ({
  level: 'warn',
  event: 'http_open',
  message: `every client that can connect to ${addressText(address)} can read the metrics, with the names of topics; jobs are shown only on loopback addresses and Unix sockets`,
});
