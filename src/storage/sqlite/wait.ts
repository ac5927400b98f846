import type { TopicParams, WaitParams } from '../../core/store.js';
import { nextEvent, readAgenda } from './agenda.js';
import type { Connection } from './connection.js';
import { openTopics } from './pause.js';
import { ChangeWatcher } from './watch.js';

const READY = 'SELECT 1 FROM job WHERE topic = ? AND state = 0 AND place <= ? LIMIT 1';
const NEWEST = 'SELECT ifnull(max(seq), 0) AS seq FROM job';

/** Waits for jobs, whoever pushes them. */
export class JobWaiter {
  private readonly watcher: ChangeWatcher;
  /** The job that was pushed last when `markPushes` or `waitForPush` looked. */
  private newestSeen: number | undefined;

  constructor(
    private readonly connection: Connection,
    file: string,
  ) {
    this.watcher = new ChangeWatcher(connection, file);
  }

  /** Returns when a job of the topics, of those that are not paused, may be ready. */
  async waitForReady({ topics, maxMs, signal }: WaitParams & TopicParams): Promise<void> {
    const look = (now: number) => {
      const agenda = readAgenda(this.connection);
      const { open, pauseEnd } = openTopics(this.connection, agenda, topics, now);
      if (open.some((topic) => this.connection.get(READY, topic, now))) return 0;
      return Math.min(nextEvent(this.connection, agenda, open, now), pauseEnd) - now;
    };
    await this.watcher.until(look, maxMs, signal);
  }

  /** What is pushed from now on ends the next `waitForPush`. */
  async markPushes(): Promise<void> {
    this.newestSeen = await this.connection.read(() => this.newest());
  }

  /** Returns when a job was pushed since `markPushes`, or the last wait. */
  async waitForPush({ maxMs, signal }: WaitParams): Promise<void> {
    const look = () => {
      const newest = this.newest();
      const seen = this.newestSeen ?? newest;
      // When the newest job leaves, SQLite may give its seq to the next one.
      this.newestSeen = newest;
      return newest > seen ? 0 : Infinity;
    };
    await this.watcher.until(look, maxMs, signal);
  }

  close(): void {
    this.watcher.close();
  }

  private newest(): number {
    return (this.connection.get(NEWEST) as { seq: number }).seq;
  }
}
