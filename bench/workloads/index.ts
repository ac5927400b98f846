import type { Workload } from '../support.js';
import { bulk } from './bulk.js';
import { bullmq } from './bullmq.js';
import { depth } from './depth.js';
import { drain } from './drain.js';
import { exec } from './exec.js';
import { killServe } from './kill-serve.js';
import { killSqlite } from './kill-sqlite.js';
import { lateness } from './lateness.js';
import { memory } from './memory.js';
import { million } from './million.js';
import { moving } from './move.js';
import { oneByOne } from './one-by-one.js';
import { promote } from './promote.js';
import { promotion } from './promotion.js';
import { pushBatch } from './push-batch.js';
import { sqlite } from './sqlite.js';
import { redisCpu, sqliteCpu } from './cpu.js';
import { sqliteGrowth } from './sqlite-growth.js';
import { sqliteIdle } from './sqlite-idle.js';
import { startUp } from './start-up.js';

export const WORKLOADS: readonly Workload[] = [
  startUp,
  promote,
  pushBatch,
  drain,
  exec,
  bullmq,
  oneByOne,
  lateness,
  promotion,
  depth,
  million,
  moving,
  bulk,
  memory,
  sqlite,
  sqliteCpu,
  redisCpu,
  sqliteIdle,
  sqliteGrowth,
  killServe,
  killSqlite,
];
