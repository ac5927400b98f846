import { expect } from 'chai';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useRedis } from '../support/redis.js';
import { judge, type Outcome, type Race } from './race.js';
import { runRaces } from './run.js';

const RACES = 200;

describe('an operator and a consumer, daemon, operator or original client act on the same job at the same time:', () => {
  const ground = useRedis();

  it(`each of ${RACES} races on Redis has one winner`, async () => {
    const { wrong } = await runRaces({
      url: ground.server.url,
      prefix: ground.prefix,
      races: RACES,
      seed: 1,
    });
    expect(wrong).to.deep.equal([]);
  });

  it(`each of ${RACES} races on SQLite has one winner`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'delayer-races-'));
    try {
      const { wrong } = await runRaces({
        url: `sqlite:${folder}/queue.db`,
        prefix: '',
        races: RACES,
        seed: 1,
      });
      expect(wrong).to.deep.equal([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('the judge reports races with two winners or none', () => {
    const race: Race = {
      id: '1',
      topic: '1',
      action: 'promote',
      rival: 'pop',
      dueAt: 0,
      actAt: 0,
      rivalAt: 0,
    };
    const none: Outcome = { acted: false, rivalActed: false, delivered: 0, isDelayed: false, isLeft: false };
    expect(judge(race, none)).to.equal('it is lost');
    expect(judge(race, { ...none, rivalActed: true, delivered: 1 })).to.equal('it has ended 2 times');
    expect(judge(race, { ...none, acted: true, isDelayed: true })).to.match(/nobody has rescheduled/);
    const removes = { ...race, action: 'remove', rival: 'remove' } as const;
    expect(judge(removes, { ...none, acted: true, rivalActed: true })).to.equal('it has ended 2 times');
    const moves = { ...race, action: 'reschedule' } as const;
    expect(judge(moves, { ...none, acted: true, delivered: 1 })).to.match(/delivered all the same/);
    expect(judge(race, { ...none, acted: true, rivalActed: true })).to.be.undefined;
  });
});
