import type { Redis } from 'ioredis';
import { sleep } from '../../core/timer.js';
import type { Breakages } from './breakages.js';
import { type Dialled, Dialler, hangUp } from './dial.js';
import { isReplyError } from './errors.js';
import { HalfOpenError, isTurnedDown, NoAnswerError } from './unreachable.js';
import type { RedisAddress } from './url.js';

/** So often (ms) it is looked whether anything came on a connection on which an answer is waited for. */
const LOOK_EVERY_MS = 1500;
/** After so many looks that saw nothing, 15 s, Redis is unreachable; CLIENT PAUSE and a slow disk take less. */
const MOST_LOOKS = 10;
/** A request of many bytes may be on its way still, over a line that takes so many a millisecond. */
const SLOW_BYTES_PER_MS = 64;
/** The second connection is asked for so long (ms). */
const QUESTION_MS = 5000;
/** Once Redis has answered on the second connection, the first one has so long (ms) to do so too. */
const GRACE_MS = 300;
/** The name of a script that no Redis knows. */
const NO_SCRIPT = '0'.repeat(40);

/**
 * Waits for the answers to requests. Where nothing comes for a while, Redis is asked on a second connection: when it
 * answers there, or nobody listens any more, the first one is half open (its peer vanished without a word, or
 * something in between has forgotten it), and is broken. While there is no answer on either, Redis may be stopped,
 * paused, or waiting for its disk, and will answer: it is waited for.
 */
export class Answers {
  private readonly dialler: Dialler;
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
    const { stream } = redis;
    const wroteBefore = stream.bytesWritten;
    let heard = stream.bytesRead;
    // Looks are counted, and not the time that has passed: when this process was stopped, its answers may be there.
    let looks = 0;
    const timer = setInterval(() => {
      looks = stream.bytesRead === heard ? looks + 1 : 0;
      heard = stream.bytesRead;
      if (looks >= MOST_LOOKS) this.break(redis, new NoAnswerError(looks * LOOK_EVERY_MS));
      else if (stream.bytesWritten - wroteBefore < looks * LOOK_EVERY_MS * SLOW_BYTES_PER_MS)
        void this.askAnew(redis);
    }, LOOK_EVERY_MS);
    try {
      return await send();
    } finally {
      clearInterval(timer);
    }
  }

  close(): void {
    this.dialler.close();
    if (this.second) hangUp(this.second);
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
