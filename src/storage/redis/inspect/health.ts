import { DAEMON_SEEN_MS } from '../../../core/store.js';
import type { Problem } from '../../../core/results.js';
import type { Keys } from '../keys.js';
import type { Read } from './read.js';
import { readyLists } from './entries.js';
import { wrongTypeProblem } from './problems.js';

/** What is wrong with the keys and with the server. */
export async function health(read: Read, keys: Keys): Promise<Problem[]> {
  return [...(await wrongTypeProblems(read, keys)), ...(await serverProblems(read, keys))];
}

async function wrongTypeProblems(read: Read, keys: Keys): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const [key, wanted] of [
    [keys.pool, 'zset'],
    [keys.reserved, 'zset'],
    [keys.dead, 'zset'],
    [keys.readyDue, 'hash'],
    [keys.paused, 'hash'],
  ] as const) {
    const type = await read(({ redis }) => redis.type(key));
    if (type !== 'none' && type !== wanted) problems.push(wrongTypeProblem(key, type, wanted));
  }
  for await (const { key, type } of readyLists(read, keys)) {
    if (type !== 'list') problems.push(wrongTypeProblem(key.toString(), type, 'list'));
  }
  return problems;
}

async function serverProblems(read: Read, keys: Keys): Promise<Problem[]> {
  const { info, save, nowMs, daemons } = await read(async ({ redis }) => {
    const [info, save, time, daemons] = await Promise.all([
      redis.info().catch(() => ''),
      redis.config('GET', 'save').catch(() => undefined),
      redis.time(),
      redis.zrange(keys.daemons, '0', '-1', 'WITHSCORES').catch((): string[] => []),
    ]);
    return { info, save: save?.[1], nowMs: Number(time[0]) * 1000, daemons };
  });
  const problems: Problem[] = [];
  const seenAt = daemons.flatMap((value, i) => (i % 2 === 1 ? [Number(value) * 1000] : []));
  if (!seenAt.some((at) => at > nowMs - DAEMON_SEEN_MS)) {
    problems.push({
      code: 'no_daemon',
      message: 'No delayer daemon was seen (an original daemon leaves no trace)',
      hint: 'Run a daemon; without it, due jobs become ready when a consumer of delayer asks for jobs.',
    });
  }
  if (/^aof_enabled:0/m.test(info) && save === '') {
    problems.push({
      code: 'no_persistence',
      message: 'Redis keeps nothing on disk: a restart loses every job',
      hint: 'Set `appendonly yes`.',
    });
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction';
  if (policy !== 'noeviction') {
    const condition = /^maxmemory:0\b/m.test(info) ? ', once a maxmemory is set' : '';
    problems.push({
      code: 'evicting',
      message: `Redis deletes keys when it is full (${policy})${condition}: jobs can be lost`,
      hint: 'Set `maxmemory-policy noeviction`.',
    });
  }
  return problems;
}
