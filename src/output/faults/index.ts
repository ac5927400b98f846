import type { FaultKind } from '../../core/faults.js';
import { REDIS_TEXTS } from './redis.js';
import { SHARED_TEXTS } from './shared.js';
import { SQLITE_TEXTS } from './sqlite.js';
import type { FaultText } from './text.js';

/** For each kind of fault its text and its meaning. */
export const FAULT_TEXTS: Readonly<Record<FaultKind, FaultText>> = {
  ...SHARED_TEXTS,
  ...REDIS_TEXTS,
  ...SQLITE_TEXTS,
};
