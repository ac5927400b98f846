import { type Database, type Statement, STORE } from './driver.js';
import { migratedError } from './errors.js';

/** Another number when another connection has changed the file. */
const DATA_VERSION = `PRAGMA ${STORE}.data_version`;
const VERSION = `PRAGMA ${STORE}.user_version`;

/** Notices that another connection has changed the file, and that a newer delayer has migrated it. */
export class VersionWatch {
  /** The version of the layout that this process knows; any while the file is being migrated. */
  private known = Infinity;
  /** As it was when the version of the layout was looked at. */
  private dataVersion: number | undefined;
  private query: Statement | undefined;

  constructor(
    private readonly database: Database,
    private readonly label: string,
  ) {}

  /** From now on a file that has a newer layout than this is refused. */
  expect(version: number): void {
    this.known = version;
  }

  /**
   * Has another connection changed the file since the last look? The version of its layout can be another one only
   * then.
   * @throws DelayerError `store_too_new`
   */
  look(): boolean {
    if (this.known === Infinity) return false;
    const dataVersion = this.readDataVersion();
    if (dataVersion === this.dataVersion) return false;
    const { user_version: found } = this.database.prepare(VERSION).get() as { user_version: number };
    if (found > this.known) throw migratedError(this.label, found, this.known);
    this.dataVersion = dataVersion;
    return true;
  }

  close(): void {
    this.query = undefined;
  }

  /** As an array, where the binding can: to name the column takes longer than the rest of this statement. */
  private readDataVersion(): number {
    if (!this.query) {
      this.query = this.database.prepare(DATA_VERSION);
      this.query.setReturnArrays?.(true);
    }
    const row = this.query.get() as [number] | { data_version: number };
    return Array.isArray(row) ? row[0] : row.data_version;
  }
}
