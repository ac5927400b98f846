import { DelayerError } from '../../../core/errors.js';
import type { DiagnosisPart, Fault } from '../../../core/faults.js';
import type { Connection } from '../connection.js';
import type { StoreFile } from '../store-file.js';
import { damage, fileFaults } from './file.js';
import { jobFaults, tableFaults } from './rows.js';
import { schemaFaults } from './schema.js';

/**
 * Looks for everything that can be wrong with a file. If the file is damaged, that is reported with what was found
 * before.
 */
export async function* diagnose(connection: Connection, file: StoreFile): AsyncGenerator<DiagnosisPart> {
  try {
    yield* look(connection, file);
  } catch (error) {
    if (!(error instanceof DelayerError) || error.code !== 'store_corrupt') throw error;
    const found = error.cause instanceof Error ? error.cause.message : error.message;
    yield part([{ kind: 'file_damaged', found }]);
  }
}

/** First the faults of the file as a whole. */
async function* look(connection: Connection, file: StoreFile): AsyncGenerator<DiagnosisPart> {
  const schema = await connection.read(() => schemaFaults(connection));
  yield part([...schema, ...fileFaults(file)]);
  // Without its tables, no other check is possible.
  if (schema.some(({ kind, row }) => kind === 'table_changed' && row?.table === 'table')) return;
  const damaged = await connection.read(() => damage(connection));
  yield part(damaged);
  if (damaged.some(({ kind }) => kind === 'file_damaged')) return;
  yield part(await connection.read((now) => clockFaults(connection, now)));
  yield* jobFaults(connection);
  yield* tableFaults(connection);
}

function clockFaults(connection: Connection, now: number): Fault[] {
  const jumpMs = connection.clock?.lastJump(now) ?? 0;
  return jumpMs === 0 ? [] : [{ kind: 'clock_jumped', found: String(jumpMs) }];
}

const part = (faults: readonly Fault[]): DiagnosisPart => ({ faults, lookedAt: 0, total: 0 });
