import { once } from 'node:events';
import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';

/** `request`: cut before a request is forwarded. `reply`: cut when its reply has come, before it is passed on. */
export type Cut = 'request' | 'reply';

export interface CutOptions {
  /** The number of requests to cut; 1 by default. */
  readonly times?: number;
  /** Cuts only requests that match; given each chunk of bytes. */
  readonly when?: (request: Buffer) => boolean;
}

interface Pair {
  readonly down: Socket;
  readonly up: Socket;
}

/** A TCP proxy that breaks, holds or refuses connections for a test. */
export class Proxy {
  /** The number of connections that were cut. */
  cuts = 0;
  private readonly pairs = new Set<Pair>();
  /** Connections on which nothing is passed on any more. */
  private readonly stranded = new Set<Pair>();
  private plan: { cut: Cut; times: number; when: (request: Buffer) => boolean } | undefined;
  private interlude: { when: (request: Buffer) => boolean; act: () => Promise<void> } | undefined;
  private held = false;
  private refusing = false;

  private constructor(
    private readonly server: Server,
    readonly port: number,
    private target: NetConnectOpts,
  ) {
    server.on('connection', (down) => this.accept(down));
  }

  static async to(target: NetConnectOpts): Promise<Proxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    return new Proxy(server, address.port, target);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Passes everything on again, and accepts new connections. */
  pass(): void {
    this.plan = undefined;
    this.held = false;
    this.refusing = false;
    for (const { down, up } of this.pairs) for (const socket of [down, up]) socket.resume();
  }

  /** Passes nothing on in either direction until `pass`, as a network that is away. */
  hold(): void {
    this.held = true;
    for (const { down, up } of this.pairs) for (const socket of [down, up]) socket.pause();
  }

  /** Passes nothing on any more on existing connections, as if their peer had vanished; accepts new ones. */
  strand(): void {
    for (const pair of this.pairs) {
      for (const socket of [pair.down, pair.up]) socket.pause();
      this.stranded.add(pair);
    }
    this.pairs.clear();
  }

  /** Cuts the connections of the next requests. */
  cut(cut: Cut, { times = 1, when = () => true }: CutOptions = {}): void {
    this.plan = { cut, times, when };
  }

  /** Runs `act` before the next request that matches is forwarded; resolves when `act` has ended. */
  before(when: (request: Buffer) => boolean, act: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.interlude = {
        when,
        act: async () => {
          this.interlude = undefined;
          await act().then(resolve, reject);
        },
      };
    });
  }

  /** Breaks each connection that is not stranded, and each new one at once. */
  refuse(): void {
    this.refusing = true;
    for (const pair of this.pairs) this.sever(pair);
  }

  /** Breaks each connection; accepts new ones. */
  drop(): void {
    for (const pair of this.pairs) this.sever(pair);
  }

  /** Breaks each connection; connects new ones to another target. */
  aim(target: NetConnectOpts): void {
    this.target = target;
    this.drop();
  }

  async close(): Promise<void> {
    this.drop();
    for (const pair of this.stranded) this.sever(pair);
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(down: Socket): void {
    if (this.refusing) {
      down.destroy();
      return;
    }
    const up = connect(this.target);
    const pair = { down, up };
    this.pairs.add(pair);
    let cutting = false;
    for (const socket of [down, up]) {
      socket.on('error', () => undefined);
      socket.on('close', () => this.sever(pair));
      if (this.held) socket.pause();
    }
    down.on('data', (request: Buffer) => {
      if (this.plan && this.plan.times > 0 && this.plan.when(request)) {
        this.plan.times -= 1;
        this.cuts += 1;
        if (this.plan.cut === 'request') {
          this.sever(pair);
          return;
        }
        cutting = true;
      }
      if (this.interlude?.when(request) === true) void this.interlude.act().then(() => up.write(request));
      else up.write(request);
    });
    up.on('data', (reply: Buffer) => {
      if (cutting) this.sever(pair);
      else down.write(reply);
    });
  }

  private sever(pair: Pair): void {
    this.pairs.delete(pair);
    this.stranded.delete(pair);
    pair.down.destroy();
    pair.up.destroy();
  }
}
