import { formatDuration } from '../../core/duration.js';
import { DelayerError } from '../../core/errors.js';

/** What errors of sockets and of name look-ups mean, with a hint where the default one says too little. */
const NETWORK: Readonly<Record<string, string | readonly [reason: string, hint: string]>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host not found',
  EAI_AGAIN: 'temporary failure in name resolution',
  ETIMEDOUT: 'timed out',
  EHOSTUNREACH: 'no route to host',
  EHOSTDOWN: 'host is down',
  ENETUNREACH: 'network is unreachable',
  ENETDOWN: 'network is down',
  EADDRNOTAVAIL: 'cannot assign the address, or no local port is free',
  ECONNRESET: 'connection reset by peer',
  ECONNABORTED: 'connection aborted',
  EPIPE: 'broken pipe: the server has closed the connection',
  ENOENT: 'no such socket',
  ENOTSOCK: ['not a socket', 'Name the socket of Redis, which its configuration names with unixsocket.'],
  ENOTDIR: 'a part of the path to the socket is not a folder',
  EINVAL: 'the address or the path of the socket is not valid',
  ENAMETOOLONG: 'the path of the socket is too long',
  EACCES: ['permission denied', 'Let this user write to the socket and enter its folder.'],
  EPERM: ['not permitted', 'A firewall or a sandbox of this machine forbids it.'],
  EMFILE: ['too many open files in this process', 'Raise the limit: ulimit -n.'],
  ENFILE: ['too many open files on this machine', 'Raise the limit of the machine: sysctl fs.file-max.'],
  ENOBUFS: 'no memory for network buffers',
};

/** The same for TLS. */
const TLS: readonly { readonly codes: RegExp; readonly reason: string; readonly hint: string }[] = [
  {
    codes: /^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/,
    reason: 'the server does not speak TLS',
    hint: 'Write redis:// instead of rediss://, or use the TLS port.',
  },
  {
    codes: /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_)/,
    reason: 'its certificate is not signed by a trusted CA',
    hint: 'Set NODE_EXTRA_CA_CERTS to the certificate file of the CA that signed it.',
  },
  {
    codes: /^CERT_HAS_EXPIRED$/,
    reason: 'its certificate has expired',
    hint: 'Renew the certificate of the store.',
  },
  {
    codes: /^CERT_NOT_YET_VALID$/,
    reason: 'its certificate is not valid yet',
    hint: 'Check the clocks of both machines.',
  },
  {
    codes: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    reason: 'its certificate is for another host',
    hint: 'Name the host in the store URL as the certificate does.',
  },
  { codes: /^ERR_(SSL|TLS|OSSL)_/, reason: 'TLS failed', hint: 'Check the TLS settings of the store.' },
];

/** What ioredis says when a connection is gone, and about bytes that are no answer of Redis. */
const CONNECTION_GONE =
  /^(Connection is closed|Stream isn't writeable|Command aborted due to connection close)/;
const NOT_REDIS = /Unknown RESP type/;
/** An error reply that came before any request. */
const UNASKED_REPLY = /^Command queue state error.* Last error: ([\s\S]*)$/;

interface Failure {
  readonly code?: unknown;
  readonly syscall?: unknown;
  readonly message?: unknown;
}

/** An answer that did not come in time. */
export class NoAnswerError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(waitedMs: number) {
    super(`no answer within ${formatDuration(waitedMs)}`);
  }
}

/** An answer that did not come, while Redis gives others on another connection. */
export class HalfOpenError extends Error {
  readonly code = 'ETIMEDOUT';

  constructor() {
    super('the connection was half open: Redis answers on another one');
  }
}

/** An answer that no Redis gives. */
export class NotRedisError extends Error {}

/**
 * Is this an error of the network, or of the server at that address? Any other error during a request is a defect,
 * and must not be reported as an outage.
 */
export function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as Failure;
  if (typeof code === 'string' && (code in NETWORK || tlsFailure(code))) return true;
  if (typeof syscall === 'string' || error instanceof NotRedisError) return true;
  return [CONNECTION_GONE, NOT_REDIS, UNASKED_REPLY].some((pattern) => pattern.test(error.message));
}

/** The text of an error reply that came before any request, as from a server that refuses clients. */
export function unaskedReply(error: unknown): string | undefined {
  return error instanceof Error ? UNASKED_REPLY.exec(error.message)?.[1] : undefined;
}

/** The error of a connection that could not be made, or that broke. */
export function unreachableError(cause: unknown, label: string): DelayerError {
  const [reason, hint] = describe(cause);
  return new DelayerError('store_unreachable', `${label} cannot be reached: ${reason}`, { hint, cause });
}

export function isConnectTimeout(cause: unknown): boolean {
  const { code, syscall } = (cause ?? {}) as Failure;
  return code === 'ETIMEDOUT' && syscall === 'connect';
}

/** Does somebody at the address say that no Redis is there? What keeps silent may be slow. */
export function isTurnedDown(cause: unknown): cause is Error {
  if (!(cause instanceof Error)) return false;
  const { code } = cause as Failure;
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' || CONNECTION_GONE.test(cause.message);
}

export function noTlsError(label: string): DelayerError {
  return new DelayerError('store_unreachable', `${label} cannot be reached: TLS timed out (ETIMEDOUT)`, {
    hint: 'If the server does not speak TLS, write redis:// instead of rediss://; else check the host and the network.',
  });
}

/** Why a connection could not be made, or broke. */
export function reasonOf(cause: unknown): string {
  return describe(cause)[0];
}

function describe(cause: unknown): readonly [reason: string, hint?: string | undefined] {
  const { code, message } = (cause ?? {}) as Failure;
  const text = typeof message === 'string' ? message : '';
  if (cause instanceof NotRedisError || text.includes('Unknown RESP type'))
    return ['the server there is not Redis', 'Check the host and the port in the store URL.'];
  if (typeof code !== 'string') return [CONNECTION_GONE.test(text) ? 'the connection broke' : text];
  if (cause instanceof NoAnswerError || cause instanceof HalfOpenError) return [`${text} (${code})`];
  const tls = tlsFailure(code);
  if (tls) return [`${tls.reason} (${code})`, tls.hint];
  const known = NETWORK[code];
  const [reason, hint] = typeof known === 'string' ? [known] : (known ?? [text]);
  return [`${reason} (${code})`, hint];
}

const tlsFailure = (code: string) => TLS.find(({ codes }) => codes.test(code));
