import type { Problem } from '../../../core/views.js';
import type { HealthParams } from '../../../core/store.js';
import type { Keys } from '../keys.js';
import type { Read } from './read.js';
import { readDaemons } from './daemons.js';
import { readyLists } from './entries.js';
import { findStrange } from '../scripts/count.js';
import { strangeValues, wrongTypeProblem } from './problems.js';

/** How many values of each of delayer's own hashes are looked at. */
const LOOKED_AT = 100;

/** What is wrong with the keys and with the server. */
export async function health(read: Read, keys: Keys, { exact }: HealthParams): Promise<Problem[]> {
  const wrongTypes = await wrongTypeProblems(read, keys, exact);
  const strange = (await read((target) => findStrange(target, LOOKED_AT))).map(({ key, found, field }) =>
    strangeValues(key, found, field.toString()),
  );
  return [...wrongTypes, ...strange, ...(await serverProblems(read, keys))];
}

async function wrongTypeProblems(read: Read, keys: Keys, exact: boolean): Promise<Problem[]> {
  const problems: Problem[] = [];
  const wantedTypes = [...keys.single];
  const types = await read(({ redis }) => Promise.all(wantedTypes.map(([key]) => redis.type(key))));
  for (const [i, [key, wanted]] of wantedTypes.entries()) {
    const type = types[i] ?? 'none';
    if (type !== 'none' && type !== wanted) problems.push(wrongTypeProblem(key, type, wanted));
  }
  if (!exact) return problems;
  for await (const { key, type } of readyLists(read, keys)) {
    if (type !== 'list') problems.push(wrongTypeProblem(key.toString(), type, 'list'));
  }
  return problems;
}

async function serverProblems(read: Read, keys: Keys): Promise<Problem[]> {
  const { info, save } = await read(async ({ redis }) => {
    const [info, save] = await Promise.all([
      redis.info().catch(() => ''),
      redis.config('GET', 'save').catch(() => undefined),
    ]);
    return { info, save: save?.[1] };
  });
  const problems: Problem[] = [];
  const { seen, strange } = await readDaemons(read, keys);
  const [first] = strange;
  if (first !== undefined) problems.push(strangeValues(keys.daemons, strange.length, first.toString()));
  if (seen.length === 0) {
    problems.push({
      code: 'no_daemon',
      message: 'No delayer daemon was seen (an original daemon cannot be seen)',
      hint: 'Run a daemon; without it, due jobs become ready only when a consumer of delayer asks for jobs.',
    });
  }
  if (/^aof_enabled:0/m.test(info) && save === '') {
    problems.push({
      code: 'no_persistence',
      message: 'Redis has no persistence: a restart loses every job',
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
