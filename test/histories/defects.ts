import type { Defect } from './defect.js';
import { OF_USE } from './defects-of-use.js';
import { OF_CHANGES } from './defects-changes.js';
import { OF_THE_ORIGINAL } from './defects-original.js';
import { OF_MOVING } from './defects-moving.js';
import { OF_OPERATING } from './defects-operate.js';
import { OF_REDIS } from './defects-redis.js';
import { OF_RETRIES } from './defects-retries.js';
import { OF_SQLITE } from './defects-sqlite.js';

export const DEFECTS: readonly Defect[] = [
  ...OF_THE_ORIGINAL,
  ...OF_USE,
  ...OF_REDIS,
  ...OF_SQLITE,
  ...OF_RETRIES,
  ...OF_CHANGES,
  ...OF_MOVING,
  ...OF_OPERATING,
];
