import { DelayerError } from '../../src/core/errors.js';
import type { Queue } from '../../src/core/queue.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS, idsOf } from '../support/jobs.js';
import { useRedis } from '../support/redis.js';
import { idsInQueue, numbered } from './accounting.js';
import { IS_LONG, Measurement, SIZE } from './measure.js';

const TOPIC = 'topic';
const PRODUCERS = 3;
const CHUNK = 20;
/** The exit codes of errors that say that nothing was done, and that the outcome is unknown. */
const [UNDONE, UNKNOWN] = [69, 75];
/** With everysec, writes of this time (ms) before a kill may be lost if Redis had delayed them. */
const UNSAFE_MS = 2000;
/** A call that was under way must end within this time (ms) after Redis is back. */
const RECOVERY_MS = 2000;

/** What calls reported of jobs, and when. */
class Fates {
  /** The ids of jobs whose push or pop was answered, with the time (ms) of the answer. */
  readonly pushed = new Map<string, number>();
  readonly popped = new Map<string, number>();
  /** Jobs of calls whose outcome was reported as unknown. */
  readonly inDoubt = new Set<string>();
  /** Jobs of pushes and pops that reported that nothing was done, since the last call of `untrue`. */
  readonly notPushed = new Set<string>();
  readonly notPopped = new Set<string>();
  /** How often calls failed, by code. */
  readonly failures: Record<string, number> = {};
  answeredAtMs = 0;

  /** Makes a call, and records how it failed. @param ids the jobs that it pushes */
  async during(ids: readonly string[], call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof DelayerError) || ![UNDONE, UNKNOWN].includes(error.exitCode)) throw error;
      this.failures[error.code] = (this.failures[error.code] ?? 0) + 1;
      const isUndone = error.exitCode === UNDONE;
      for (const id of ids) (isUndone ? this.notPushed : this.inDoubt).add(id);
      for (const id of idsOf(error.jobs)) (isUndone ? this.notPopped : this.inDoubt).add(id);
    }
    this.answeredAtMs = performance.now();
  }

  /** Counts the jobs of calls that reported wrongly that nothing was done. */
  untrue(there: ReadonlySet<string>): number {
    const wrong = [...this.notPushed].filter((id) => there.has(id));
    wrong.push(...[...this.notPopped].filter((id) => !there.has(id)));
    this.notPushed.clear();
    this.notPopped.clear();
    return wrong.length;
  }

  /** The times of answers about jobs that are lost, or back after a pop. */
  broken(there: ReadonlySet<string>): { lost: number[]; back: number[] } {
    const lost = [...this.pushed].filter(
      ([id]) => !there.has(id) && !this.popped.has(id) && !this.inDoubt.has(id),
    );
    const back = [...this.popped].filter(([id]) => there.has(id));
    // Each is counted once.
    for (const [id] of lost) this.pushed.delete(id);
    for (const [id] of back) this.popped.delete(id);
    return { lost: lost.map(([, atMs]) => atMs), back: back.map(([, atMs]) => atMs) };
  }
}

for (const fsync of ['always', 'everysec'] as const) {
  describe(`a Redis that is killed with -9 under load, with appendfsync ${fsync}:`, () => {
    const redis = useRedis({ args: ['--appendonly', 'yes', '--appendfsync', fsync] });

    /** Whether Redis has delayed a write to its log because the disk was busy: a kill loses delayed writes. */
    const putsWritesOff = async () => {
      const raw = redis.server.client();
      const info = await raw.info('persistence');
      raw.disconnect();
      return !info.includes('aof_delayed_fsync:0') || !info.includes('aof_buffer_length:0');
    };

    it('answered pushes and pops are not undone, and each call recovers or reports that its outcome is unknown', async () => {
      const measured = new Measurement(`Redis killed -9 under load, AOF ${fsync}`, 'Redis');
      const fates = new Fates();
      let next = 0;
      let isOver = false;
      const produce = async (queue: Queue) => {
        while (!isOver) {
          const ids = numbered(CHUNK, (next += CHUNK));
          // Every second job is delayed, and stays in the queue.
          const jobs = ids.map((id, i) => ({ id, topic: TOPIC, body: 'b', delayMs: (i % 2) * HOUR_MS }));
          await fates.during(ids, async () => {
            for (const { id, outcome } of await queue.pushMany(jobs)) {
              if (outcome === 'unknown') fates.inDoubt.add(id.toString());
              else fates.pushed.set(id.toString(), performance.now());
            }
          });
        }
      };
      const consume = async (queue: Queue) => {
        while (!isOver)
          await fates.during([], async () => {
            for (const id of idsOf(await queue.popMany(TOPIC, CHUNK)))
              fates.popped.set(id, performance.now());
          });
      };

      const producers = numbered(PRODUCERS).map(() => redis.queue());
      const [consumer, witness] = [redis.queue(), redis.queue()];
      let slowestMs = 0;
      for (let kill = 0; kill < SIZE.redisKills; kill += 1) {
        isOver = false;
        const before = fates.pushed.size;
        const working = Promise.all([...producers.map(produce), consume(consumer)]);
        // After a different number of pushes each time.
        await eventually(() => fates.pushed.size > before + CHUNK * (1 + ((kill * 7) % 23)), { everyMs: 1 });
        const mayForget = fsync === 'everysec' && (await putsWritesOff());
        const safeUntilMs = mayForget ? performance.now() - UNSAFE_MS : Infinity;
        await redis.server.restart();
        const backAtMs = performance.now();
        isOver = true;
        await working;
        slowestMs = Math.max(slowestMs, fates.answeredAtMs - backAtMs);
        measured.add('kills', 1);
        const listed = await idsInQueue(witness, TOPIC);
        measured.none('jobs of calls that told wrongly that nothing was done', fates.untrue(new Set(listed)));
        const { lost, back } = fates.broken(new Set(listed));
        measured.none('answered pushes lost', lost.filter((atMs) => atMs < safeUntilMs).length);
        measured.none('popped jobs that came back', back.filter((atMs) => atMs < safeUntilMs).length);
        measured.none('jobs in two places', listed.length - new Set(listed).size);
        const forgotten = [...lost, ...back].filter((atMs) => atMs >= safeUntilMs).length;
        if (forgotten > 0)
          measured.add('answers of the last 2 s forgotten, where a write was put off', forgotten);
      }
      measured.add('pushes answered', fates.pushed.size);
      measured.add('jobs popped', fates.popped.size);
      measured.add('jobs of calls in doubt', fates.inDoubt.size);
      measured.add('ms until the last call had ended, at most', Math.round(slowestMs));
      for (const [code, calls] of Object.entries(fates.failures))
        measured.add(`calls ended with ${code}`, calls);
      if (IS_LONG) measured.atMost('ms until the last call had ended', RECOVERY_MS, Math.round(slowestMs));
      measured.end();
    });
  });
}
