import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { ProcessClock } from './clock.js';
import { eventually } from './eventually.js';
import { freePort } from './port.js';

const PROGRAM = process.env.REDIS_SERVER ?? 'redis-server';

/** A new server is ready when it answers PING, or, for tests of a loading server, when it listens. */
export type ReadyWhen = 'pong' | 'listening';

export interface RedisServerOptions {
  /** More arguments of redis-server; they override those given by default. */
  readonly args?: readonly string[];
  readonly readyWhen?: ReadyWhen;
  /** Whether the test can move the server's clock. */
  readonly movableClock?: boolean;
}

const running = new Set<RedisServer>();
let watching = false;

/** A redis-server for a test, with its own socket, port and folder. */
export class RedisServer {
  private process: ChildProcess | undefined;
  private readonly clients = new Set<Redis>();

  private constructor(
    readonly dir: string,
    readonly port: number,
    private readonly args: readonly string[],
    private readonly movable: ProcessClock | undefined,
  ) {}

  /**
   * @throws Error if there is no redis-server of 6.2 or later, or its clock cannot be made movable
   */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const { args = [], readyWhen = 'pong', movableClock = false } = options;
    requireRedis();
    endAllOnExit();
    const dir = mkdtempSync(join(tmpdir(), 'delayer-redis-'));
    const clock = movableClock ? new ProcessClock(join(dir, 'clock')) : undefined;
    for (;;) {
      const server = new RedisServer(dir, await freePort(), args, clock);
      try {
        await server.launch(readyWhen);
        return server;
      } catch (error) {
        // A test in another process may have taken the port meanwhile.
        if (!String(error).includes('Address already in use')) throw error;
      }
    }
  }

  /** The clock of a server that was started with `movableClock`. */
  get clock(): ProcessClock {
    if (!this.movable) throw new Error('start the server with movableClock to move its clock');
    return this.movable;
  }

  get socket(): string {
    return join(this.dir, 'redis.sock');
  }

  /** The store URL of the socket. */
  get url(): string {
    return `redis+unix://${this.socket}`;
  }

  /** The store URL of the port. */
  get tcpUrl(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Opens a connection for the test, which is closed when the server is stopped. */
  client(login: { password?: string } = {}): Redis {
    const redis = new Redis({ path: this.socket, protocol: 2, retryStrategy: null, ...login });
    redis.on('error', () => undefined); // A test may kill the server.
    this.clients.add(redis);
    return redis;
  }

  /** The number of open connections that are not of `client()`. */
  async strangers(): Promise<number> {
    const redis = this.client();
    try {
      const list = String(await redis.client('LIST'));
      const own = [...this.clients].filter(({ status }) => status === 'ready').length;
      return list.trim().split('\n').length - own;
    } finally {
      redis.disconnect();
      this.clients.delete(redis);
    }
  }

  /** Stops the process (SIGSTOP) until `thaw`: it neither answers nor closes connections. */
  freeze(): void {
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  /** Kills the server, and starts it again in the same folder, on the same socket and port. */
  async restart(readyWhen: ReadyWhen = 'pong', moreArgs: readonly string[] = []): Promise<void> {
    await this.kill('SIGKILL');
    await this.launch(readyWhen, moreArgs);
  }

  async stop(): Promise<void> {
    for (const client of this.clients) client.disconnect();
    await this.kill('SIGKILL');
    running.delete(this);
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Kills the server without waiting, when this process exits. */
  abandon(): void {
    this.process?.kill('SIGKILL');
    rmSync(this.dir, { recursive: true, force: true });
  }

  private async launch(readyWhen: ReadyWhen, moreArgs: readonly string[] = []): Promise<void> {
    const place = ['--dir', this.dir, '--bind', '127.0.0.1', '--port', String(this.port)];
    const socket = ['--unixsocket', this.socket, '--unixsocketperm', '700'];
    const plain = ['--save', '', '--appendonly', 'no', '--daemonize', 'no'];
    const child = spawn(PROGRAM, [...place, ...socket, ...plain, ...this.args, ...moreArgs], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, ...this.movable?.env },
    });
    this.process = child;
    running.add(this);
    let said = '';
    child.stdout.on('data', (text) => (said += String(text)));
    await eventually(async () => {
      if (child.exitCode !== null) return;
      const answer = await ping(this.socket);
      if (readyWhen === 'pong' && answer.startsWith('-LOADING')) throw new Error(answer);
    });
    if (child.exitCode !== null) throw new Error(`redis-server ended at once:\n${said}`);
    if (this.movable?.isUsedBy(child) === false) {
      await this.kill();
      throw new Error(`the clock of ${PROGRAM} cannot be moved: it did not load the library for that`);
    }
  }
}

/** Returns the reply of a server to PING, which may be an error such as NOAUTH. */
async function ping(path: string): Promise<string> {
  const socket = connect({ path });
  try {
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(1000) })) as [Buffer];
    return answer.toString();
  } finally {
    socket.destroy();
  }
}

let checked = false;

function requireRedis(): void {
  if (checked) return;
  const wanted = 'the tests need a redis-server of version 6.2 or later';
  const hint = 'Install it (Debian: apt-get install redis-server) or name one with REDIS_SERVER=/path.';
  let said: string;
  try {
    said = execFileSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  } catch (cause) {
    throw new Error(`${PROGRAM} cannot be run: ${wanted}. ${hint}`, { cause });
  }
  const [, major, minor] = (/v=(\d+)\.(\d+)/.exec(said) ?? []).map(Number);
  if (major === undefined || minor === undefined || major * 100 + minor < 602) {
    throw new Error(`${PROGRAM} is too old (${said.trim()}): ${wanted}. ${hint}`);
  }
  checked = true;
}

function endAllOnExit(): void {
  if (watching) return;
  watching = true;
  process.on('exit', () => {
    for (const server of running) server.abandon();
  });
  // These signals would end the process without 'exit', and leave servers running.
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
}
