import type { Redis } from 'ioredis';
import { sleep } from '../../core/timer.js';
import type { Breakages } from './breakages.js';
import { type Dialled, Dialler, hangUp } from './dial.js';
import { isReplyError } from './errors.js';
import { HalfOpenError, isTurnedDown, NoAnswerError } from './unreachable.js';
import type { RedisAddress } from './url.js';

/** While an answer is waited for, it is looked so often (ms) whether anything came on its connection. */
const LOOK_EVERY_MS = 500;
/** After so many looks that saw nothing, 1.5 to 2 s, Redis is asked on a second connection, and again after some more. */
const ASK_AFTER = 4;
const ASK_EVERY = 3;
/** After so many, 15 s, Redis is unreachable; CLIENT PAUSE and a slow disk take less. */
const GIVE_UP_AFTER = 31;
/** A request of many bytes may be on its way still, over a line that takes so many a millisecond. */
const SLOW_BYTES_PER_MS = 64;
/** The second connection is asked for so long (ms). */
const QUESTION_MS = 5000;
/** Once Redis has answered on the second connection, the first one has so long (ms) to do so too. */
const GRACE_MS = 300;
/** The name of a script that no Redis knows. */
const NO_SCRIPT = '0'.repeat(40);

/** The requests on one connection that wait for an answer, and what was seen of it since there are some. */
interface Waiting {
  requests: number;
  /** Bytes that had come at the last look, and that had been sent before the first of the requests. */
  heard: number;
  wroteBefore: number;
  /** Looks since anything came. They are counted, because a process that was stopped finds its answers at once. */
  looks: number;
}

/**
 * Waits for the answers to requests. Where nothing comes for a while, Redis is asked on a second connection: when it
 * answers there, or nobody listens any more, the first one is half open (its peer vanished without a word, or
 * something in between has forgotten it), and is broken. While there is no answer on either, Redis may be stopped,
 * paused, or waiting for its disk, and will answer: it is waited for.
 */
export class Answers {
  private readonly dialler: Dialler;
  private readonly waiting = new Map<Redis, Waiting>();
  /** One for all requests: a timer for each would take a tenth of a pop. It ends when none is waiting. */
  private timer: NodeJS.Timeout | undefined;
  private isAsking = false;
  /** The second connection, from when it was made until it is adopted. */
  private second: Redis | undefined;

  /** @param adopt is given the second connection when the first one is about to be broken */
  constructor(
    address: RedisAddress,
    private readonly breakages: Breakages,
    private readonly adopt: (second: Dialled, first: Redis) => void,
  ) {
    this.dialler = new Dialler(address, breakages);
  }

  /** Sends a request, and waits for its answer; the connection is broken where none will come. */
  async to<T>(redis: Redis, send: () => Promise<T>): Promise<T> {
    const waiting = this.waitingOn(redis);
    waiting.requests += 1;
    try {
      return await send();
    } finally {
      waiting.requests -= 1;
    }
  }

  close(): void {
    clearInterval(this.timer);
    this.dialler.close();
    if (this.second) hangUp(this.second);
  }

  private waitingOn(redis: Redis): Waiting {
    const known = this.waiting.get(redis);
    if (known && known.requests > 0) return known;
    const { stream } = redis;
    const waiting = known ?? { requests: 0, heard: 0, wroteBefore: 0, looks: 0 };
    [waiting.heard, waiting.wroteBefore, waiting.looks] = [stream.bytesRead, stream.bytesWritten, 0];
    if (!known) this.waiting.set(redis, waiting);
    this.timer ??= setInterval(() => this.look(), LOOK_EVERY_MS).unref();
    return waiting;
  }

  private look(): void {
    for (const [redis, waiting] of this.waiting) {
      const { stream } = redis;
      if (waiting.requests === 0) {
        this.waiting.delete(redis);
        continue;
      }
      waiting.looks = stream.bytesRead === waiting.heard ? waiting.looks + 1 : 0;
      waiting.heard = stream.bytesRead;
      const silentMs = waiting.looks * LOOK_EVERY_MS;
      const isSent = stream.bytesWritten - waiting.wroteBefore < silentMs * SLOW_BYTES_PER_MS;
      if (waiting.looks >= GIVE_UP_AFTER) this.break(redis, new NoAnswerError(silentMs));
      else if (isSent && waiting.looks >= ASK_AFTER && (waiting.looks - ASK_AFTER) % ASK_EVERY === 0)
        void this.askAnew(redis);
    }
    if (this.waiting.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private async askAnew(silent: Redis): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    const { bytesRead } = silent.stream;
    try {
      const second = await this.askOnSecond();
      if (second === undefined) return;
      await sleep(GRACE_MS);
      if (silent.stream.bytesRead === bytesRead) {
        this.adopt(second, silent);
        this.break(silent, new HalfOpenError());
      } else hangUp(second.redis);
    } catch (error) {
      const { cause } = this.breakages.toDelayerError(error, undefined);
      if (isTurnedDown(cause)) this.break(silent, cause);
    } finally {
      this.isAsking = false;
      this.second = undefined;
    }
  }

  /** @returns a second connection on which Redis answers, where it would answer on the first one as well */
  private async askOnSecond(): Promise<Dialled | undefined> {
    const second = await this.dialler.dial();
    this.second = second.redis;
    try {
      // It is held up by all that holds up a script, as CLIENT PAUSE WRITE does.
      const question = second.redis.call('EVALSHA', NO_SCRIPT, 0);
      await this.breakages.answered(second.redis, question, QUESTION_MS);
    } catch (error) {
      if (isReplyError(error) && !error.message.startsWith('BUSY')) return second;
      hangUp(second.redis);
    }
    return undefined;
  }

  private break(redis: Redis, cause: Error): void {
    this.breakages.note(redis, cause);
    hangUp(redis);
  }
}
