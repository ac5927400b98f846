import type { TopicParams, WaitParams } from '../../core/store.js';
import { nextEvent, readAgenda } from './agenda.js';
import type { Connection } from './connection.js';
import { openTopics } from './pause.js';
import { bounded } from './rows.js';
import type { StoreFile } from './store-file.js';
import { ChangeWatcher, type Look } from './watch.js';

const READY = 'SELECT 1 FROM job WHERE topic = ? AND state = 0 AND place <= ? LIMIT 1';
const NEWEST = `SELECT ifnull(${bounded('max(seq)')}, 0) AS seq FROM job`;

/** Waits for jobs, whoever pushes them. */
export class JobWaiter {
  private readonly watcher: ChangeWatcher;
  /** The newest job when `markPushes` or `waitForPush` last looked. */
  private newestSeen: number | undefined;

  constructor(private readonly file: StoreFile) {
    this.watcher = new ChangeWatcher(file);
  }

  /** Returns when a job of those topics that are not paused may be ready. */
  async waitForReady({ topics, maxMs, signal }: WaitParams & TopicParams): Promise<void> {
    const look: Look = (connection, now) => {
      // After a jump of the clock, the next pop or reserve moves the ends of leases.
      if (connection.clock?.hasJumped(now) === true) return 0;
      const agenda = readAgenda(connection);
      const { open, pauseEnd } = openTopics(connection, agenda, topics, now);
      if (open.some((topic) => connection.get(READY, topic, now))) return 0;
      return Math.min(nextEvent(connection, agenda, open, now), pauseEnd) - now;
    };
    await this.watcher.until(look, maxMs, signal);
  }

  /** Pushes from now on end the next `waitForPush`. */
  async markPushes(): Promise<void> {
    // In a file that is not there yet, every job is new.
    this.newestSeen = await this.file.use((connection) => connection.read(() => newest(connection)), 0);
  }

  /** Returns when a job was pushed since `markPushes`, or since the last wait. */
  async waitForPush({ maxMs, signal }: WaitParams): Promise<void> {
    const look: Look = (connection) => {
      const found = newest(connection);
      const seen = this.newestSeen ?? found;
      // When the newest job has left, SQLite may give its seq to the next one.
      this.newestSeen = found;
      return found > seen ? 0 : Infinity;
    };
    await this.watcher.until(look, maxMs, signal);
  }

  close(): void {
    this.watcher.close();
  }
}

function newest(connection: Connection): number {
  return (connection.get(NEWEST) as { seq: number }).seq;
}
