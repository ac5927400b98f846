import { type Database, type Statement, STORE } from './driver.js';
import { migratedError } from './errors.js';

/** A number that changes when another connection has changed the file. */
const DATA_VERSION = `PRAGMA ${STORE}.data_version`;
const VERSION = `PRAGMA ${STORE}.user_version`;

/** Notices that another connection has changed the file, and that a newer delayer has migrated it. */
export class VersionWatch {
  /** The newest layout that this process accepts; Infinity while the file is being migrated. */
  private known = Infinity;
  /** Its value when the version of the layout was last read. */
  private dataVersion: number | undefined;
  private query: Statement | undefined;

  constructor(
    private readonly database: Database,
    private readonly label: string,
  ) {}

  /** From now on a file with a newer layout than this is refused. */
  expect(version: number): void {
    this.known = version;
  }

  /**
   * Has another connection changed the file since the last look? Only then can the version of its layout be another
   * one.
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

  /**
   * As an array, if the binding can: reading a named column takes longer than the rest of this statement.
   */
  private readDataVersion(): number {
    if (!this.query) {
      this.query = this.database.prepare(DATA_VERSION);
      this.query.setReturnArrays?.(true);
    }
    const row = this.query.get() as [number] | { data_version: number };
    return Array.isArray(row) ? row[0] : row.data_version;
  }
}
