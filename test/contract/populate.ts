import { idsOf, jobsOf, LONG_MS, maintainAll, reserve, type World } from './world.js';

/** Pushes jobs in every state but expired to two topics with a common prefix; each id is topic, state and number. */
export async function populate({ queue, clock, name }: World) {
  const stem = name('topic');
  const [topic, other] = [`${stem}-b`, `${stem}-a`];
  const push = (state: string, count: number, more: { delayMs?: number } = {}) =>
    queue.pushMany(
      [topic, other].flatMap((of) =>
        jobsOf(of, count, more).map((job, i) => ({ ...job, id: `${of}-${state}-${i}` })),
      ),
    );
  await push('dead', 3);
  await queue.nack(await reserve(queue, topic, 3), { dead: true });
  await queue.nack(await reserve(queue, other, 3), { dead: true });
  await push('leased', 4);
  for (const of of [topic, other]) await reserve(queue, of, 4);
  await push('ready', 9);
  await maintainAll(queue);
  await push('due', 6);
  await push('delayed', 11, { delayMs: LONG_MS });
  clock.advance(1);
  const ids = (state: string, count: number, of = topic) =>
    Array.from({ length: count }, (_, i) => `${of}-${state}-${i}`);
  /** In the order of a list. */
  const all = (of = topic) => {
    const [ready, leased, due] = [ids('ready', 9, of), ids('leased', 4, of), ids('due', 6, of)];
    const first = queue.needsPromotion ? [ready, leased, due] : [ready, due, leased];
    return [...first, ids('delayed', 11, of), ids('dead', 3, of)].flat();
  };
  return { stem, topic, other, ids, all };
}

/** The ids of a scan, in its order. */
export async function scanIds(
  ...[{ peer }, query]: [World, Parameters<World['queue']['scan']>[0]?]
): Promise<string[]> {
  const ids: string[] = [];
  for await (const { jobs } of peer.scan(query)) ids.push(...idsOf(jobs));
  return ids;
}
