import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Queue } from '../../src/core/queue.js';
import { openQueue } from '../../src/storage/open.js';
import { Actor } from './actor.js';
import { bundled } from '../support/bundle.js';
import { ACTIONS, judge, type Outcome, type Race, RIVALS, type Round } from './race.js';

const RIVAL = new URL('rival.ts', import.meta.url);

/** The number of races of a round, and the time (ms) within which the jobs are due and both processes act. */
const ROUND = { races: 100, ms: 200 };
/** The jobs of a round are pushed this time (ms) before it, or earlier if the last push took long. */
const LEAD_MS = 500;

export interface Options {
  readonly url: string;
  readonly prefix: string;
  readonly races: number;
  readonly seed: number;
}

export interface RaceCounts {
  readonly races: number;
  /** The number of races in which the operator, the rival, both (one after the other) or neither took effect. */
  readonly acted: { operator: number; rival: number; both: number; neither: number };
  /** Races with two winners or none, with what was wrong. */
  readonly wrong: string[];
}

/** Random numbers from 0 to 1 that depend only on the seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Runs races between an operator in this process and rivals in another one. */
export async function runRaces({ url, prefix, races, seed }: Options): Promise<RaceCounts> {
  const queue = await openQueue(url, { prefix });
  const actor = new Actor(queue, url, prefix);
  await queue.push({ topic: 'first', body: 'b' });
  await queue.pop('first');
  const child = fork(bundled(RIVAL), [url, prefix], { execArgv: [] });
  const counts: RaceCounts = { races, acted: { operator: 0, rival: 0, both: 0, neither: 0 }, wrong: [] };
  const random = randomFrom(seed);
  let leadMs = LEAD_MS;
  try {
    await once(child, 'message');
    for (let done = 0; done < races; done += ROUND.races) {
      const count = Math.min(ROUND.races, races - done);
      const round = Array.from({ length: count }, (_, i) =>
        toRace(done + i, url.startsWith('redis'), random),
      );
      const tookMs = await runRound(round, leadMs, { queue, actor, child, counts });
      leadMs = Math.max(LEAD_MS, 3 * tookMs);
    }
  } finally {
    child.disconnect();
    await once(child, 'exit');
    actor.close();
    await queue.close();
  }
  return counts;
}

function toRace(number: number, hasOriginals: boolean, random: () => number): Race {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const rivals = hasOriginals ? RIVALS : RIVALS.filter((rival) => !rival.startsWith('original'));
  const name = `race-${number}`;
  const at = () => Math.floor(random() * ROUND.ms);
  return {
    id: name,
    topic: name,
    action: pick(ACTIONS),
    rival: pick(rivals),
    ...{ dueAt: at(), actAt: at(), rivalAt: at() },
  };
}

interface Ground {
  readonly queue: Queue;
  readonly actor: Actor;
  readonly child: ChildProcess;
  readonly counts: RaceCounts;
}

/** @returns how long (ms) the push of the jobs took */
async function runRound(
  races: readonly Race[],
  leadMs: number,
  { queue, actor, child, counts }: Ground,
): Promise<number> {
  const ids = races.map(({ id }) => id);
  const since = Date.now();
  const beginsAt = since + leadMs;
  await queue.pushMany(
    races.map(({ id, topic, dueAt }) => ({ id, topic, body: 'b', at: new Date(beginsAt + dueAt) })),
  );
  const tookMs = Date.now() - since;
  const round: Round = { races, beginsAt };
  const answered = once(child, 'message') as Promise<[{ acted?: boolean[]; error?: string }]>;
  child.send(round);
  const acted = await actor.run(round, ({ action, actAt }) => ({ verb: action, at: actAt }));
  const [{ acted: rivalActed, error }] = await answered;
  if (!rivalActed) throw new Error(`the process of the rivals failed: ${error}`);
  const delivered = await takeAll(queue, races);
  const delayed = await queue.removeMany(ids);
  const left = await queue.removeMany(ids, { states: ['due', 'ready', 'leased', 'dead'] });
  for (const [i, race] of races.entries()) {
    const outcome: Outcome = {
      acted: acted[i] === true,
      rivalActed: rivalActed[i] === true,
      delivered: delivered.get(race.id) ?? 0,
      isDelayed: delayed[i]?.removed === true,
      isLeft: left[i]?.removed === true,
    };
    const who = outcome.acted
      ? outcome.rivalActed
        ? 'both'
        : 'operator'
      : outcome.rivalActed
        ? 'rival'
        : 'neither';
    counts.acted[who] += 1;
    const wrong = judge(race, outcome);
    if (wrong !== undefined) counts.wrong.push(`${wrong}: ${JSON.stringify({ ...race, ...outcome })}`);
  }
  return tookMs;
}

/** Acks all due jobs, until only rescheduled ones are left. @returns how often each job was delivered */
async function takeAll(queue: Queue, races: readonly Race[]): Promise<Map<string, number>> {
  const topics = races.map(({ topic }) => topic);
  const taken = new Map<string, number>();
  for (;;) {
    const { jobs, nextInMs = Infinity } = await queue.reserve({ topics, limit: 500, leaseMs: 60_000 });
    await queue.ack(jobs);
    for (const { id } of jobs) taken.set(id.toString(), (taken.get(id.toString()) ?? 0) + 1);
    if (jobs.length === 0 && nextInMs > ROUND.ms) return taken;
    if (jobs.length === 0) await queue.waitForReady(topics, { timeoutMs: nextInMs });
  }
}
