import { existsSync } from 'node:fs';
import type { Connection } from './connection.js';
import { DiskSpace } from './disk-space.js';
import { askDisk, type FreeBytes } from './free-bytes.js';
import { absentError, fromSqlite, isFull } from './errors.js';
import { askSystem, type FilePlace, isThere, makeFile } from './file.js';
import { absolute, besideFile, openConnection, type OpenOptions } from './open.js';
import { SpareRoom } from './spare-room.js';
import { missingInodes } from './system-errors.js';

/**
 * The file of a store, by its path. It is opened when it exists, even if it is created later; calls that add jobs
 * create it. When it is deleted or replaced while it is open, the next call says so, and the calls after that use
 * the file that is there then.
 */
export class StoreFile {
  readonly label: string;
  /** Did this process create it? */
  isNew = false;
  /** Called after each commit of this process. */
  onCommit: (() => void) | undefined;
  private readonly place: FilePlace;
  private connection: Connection | undefined;
  private opening: Promise<Connection> | undefined;
  private room: SpareRoom | undefined;
  private closed = false;

  private constructor(
    path: string,
    private readonly options: OpenOptions,
  ) {
    const { ownFolder = false, typeOfFileSystem: typeOf = askSystem } = options;
    this.place = { file: absolute(path), ownFolder, typeOf };
    this.label = `sqlite:${this.place.file}`;
  }

  /** @throws DelayerError also when the file is absent and cannot be created there */
  static async open(path: string, options: OpenOptions): Promise<StoreFile> {
    const file = new StoreFile(path, options);
    await file.whenThere();
    return file;
  }

  get path(): string {
    return this.place.file;
  }

  /** Is it for this user only? */
  get isPrivate(): boolean {
    return this.place.ownFolder;
  }

  /** Answers how much is free on a disk (bytes). */
  get freeBytes(): FreeBytes {
    return this.options.freeBytes ?? askDisk;
  }

  /** The store's clock, in ms since 1970. */
  now(): number {
    return (this.options.now ?? Date.now)();
  }

  /** Runs a call on the file; answers `absent` when it does not exist. */
  use<T>(call: (connection: Connection) => Promise<T>, absent: T): Promise<T> {
    // Called without awaiting, so that calls made together share a commit.
    if (this.connection) return call(this.connection);
    return this.whenThere().then((connection) => (connection ? call(connection) : absent));
  }

  /** The same, but creates the file when it does not exist. */
  useOrCreate<T>(call: (connection: Connection) => Promise<T>): Promise<T> {
    this.room?.keep();
    if (this.connection) return call(this.connection);
    return this.create().then((connection) => {
      this.room?.keep();
      return call(connection);
    });
  }

  /**
   * The same for a view, which fails when the store was named and does not exist.
   * @throws DelayerError `store_absent`
   */
  async view<T>(call: (connection: Connection) => Promise<T>, empty: T): Promise<T> {
    const connection = await this.whenThere();
    if (connection) return call(connection);
    if (this.place.ownFolder) return empty;
    throw absentError(this.path, existsSync(this.path) ? 'the file is empty' : undefined);
  }

  /** The connection, once the file exists. */
  async whenThere(): Promise<Connection | undefined> {
    if (this.connection || this.opening) return this.connection ?? this.opening;
    return isThere(this.place) ? this.connect() : undefined;
  }

  /** Returns when no write is under way and the file is closed. */
  async close(): Promise<void> {
    this.closed = true;
    const connection = this.connection ?? (await this.opening?.catch(() => undefined));
    await connection?.idle();
    connection?.close();
    this.room?.takeBack();
  }

  private async create(): Promise<Connection> {
    const connection = await this.whenThere();
    if (connection) return connection;
    this.isNew = makeFile(this.place) || this.isNew;
    return this.opening ?? this.connect();
  }

  private connect(): Promise<Connection> {
    this.opening = this.open().finally(() => {
      this.opening = undefined;
    });
    return this.opening;
  }

  /** To open a file takes some room on its disk, too. What adds jobs is refused later all the same. */
  private async openOnDisk(room: SpareRoom): Promise<Connection> {
    for (;;) {
      try {
        return await openConnection(this.place.file, this.options);
      } catch (error) {
        if (!isFull(error) || !this.giveUp(room)) throw error;
      }
    }
  }

  /** Gives up what is reserved; answers whether that is of use. */
  private giveUp(room: SpareRoom): boolean {
    const inodes = missingInodes(this.path);
    return inodes === 0 ? room.letGo() : inodes === 1 && room.delete();
  }

  private spareRoom(): SpareRoom {
    try {
      return new SpareRoom(besideFile(this.path, 'spare'), this.path);
    } catch (error) {
      throw fromSqlite(error, this.label, this.path);
    }
  }

  private async open(): Promise<Connection> {
    const room = this.spareRoom();
    this.room = room;
    const connection = await this.openOnDisk(room);
    connection.hooks.onCommit = () => this.onCommit?.();
    connection.space = new DiskSpace(connection, this.path, room);
    connection.hooks.onMoved = () => {
      if (this.connection === connection) this.connection = undefined;
      void connection.idle().then(() => {
        connection.close();
      });
    };
    if (!this.closed) this.connection = connection;
    return connection;
  }
}
