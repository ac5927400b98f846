import { expect } from 'chai';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { diagnosisText, findingToJson } from '../../src/output/doctor.js';
import { examine } from '../../src/bulk/doctor.js';
import { commandsFor } from '../../src/cli/doctor-remedies.js';
import type { FaultKind } from '../../src/core/faults.js';
import type { Queue } from '../../src/core/queue.js';
import { useCli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { HOUR_MS, idsOf, jobsOf, maintainAll, must, only, reserve } from '../support/jobs.js';
import { startPoller } from '../support/polling.js';
import { RedisServer } from '../support/redis-server.js';
import { useRedis } from '../support/redis.js';
import { fixAll, heal, kindsOf, type Plant } from './patient.js';

/** A record of version 9 in msgpack. */
const LATER_RECORD = Buffer.from([0x91, 0x09]);

describe('doctor on Redis', () => {
  const ground = useRedis({
    args: ['--appendonly', 'yes', '--enable-protected-configs', 'yes'],
    movableClock: true,
  });
  const cli = useCli(() => ({ DELAYER_STORE: ground.server.url, DELAYER_PREFIX: ground.prefix }));
  const key = (rest: string) => `${ground.prefix}:${rest}`;
  let queue: Queue;

  const push = (id: string, delayMs = HOUR_MS) => queue.push({ id, topic: 'topic', body: id, delayMs });
  const pushReady = async (id: string) => {
    await push(id, 0);
    await maintainAll(queue);
  };
  const nowS = async () => Number((await ground.raw.time())[0]);
  const bodyOf = (id: string, topic = 'topic') =>
    ground.raw.hset(key(`job_bucket:${id}`), { topic, body: id });
  const token = async () => must((await ground.raw.zrange(key('reserved'), '0', '0'))[0]);
  const lease = async (id: string) => {
    await pushReady(id);
    await reserve(queue, 'topic');
    return token();
  };
  const bury = async (id: string) => {
    await pushReady(id);
    await queue.nack(await reserve(queue, 'topic'), { dead: true });
  };
  /** A job that waits until a newer one of its id is gone. */
  const letWait = async (id: string) => {
    await pushReady(id);
    const leases = await reserve(queue, 'topic');
    await push(id);
    await queue.release(leases);
  };
  const strayIds = [...Array(260).keys()].map((i) => `stray${i}`);
  const config = async (...settings: string[]) => ground.raw.config('SET', ...(settings as [string, string]));

  beforeEach(async () => {
    queue = ground.queue();
    await queue.announce('host:1');
  });

  const run = async (words: readonly string[], command: string): Promise<void> => {
    if (words[0] === 'redis-cli') {
      const first = words.findIndex((word) =>
        ['RENAMENX', 'CONFIG', 'INFO', 'HSET', 'ZADD', 'ZREM'].includes(word),
      );
      const [name = '', ...rest] = words.slice(first);
      await ground.raw.call(name, ...rest.map((word) => (word.startsWith('"') ? unquote(word) : word)));
      return;
    }
    const outcome = await cli.sh(command);
    expect(outcome, `${command}\n${outcome.stderr}`).to.include({ code: 0 });
  };
  const unquote = (word: string) =>
    Buffer.from(
      word.slice(1, -1).replace(/\\x(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
      'latin1',
    );
  const healed = (fault: Plant) => heal(queue, { label: queue.label, flags: {} }, fault, run);

  const singles: readonly string[] = [
    ...['job_pool', 'reserved', 'dead', 'topics', 'daemons'],
    ...['ready_due', 'paused', 'ready_known', 'set_aside'],
  ];
  const plants: readonly Plant[] = [
    {
      name: 'the body of a delayed job is gone',
      plant: async () => {
        await push('1');
        await ground.raw.del(key('job_bucket:1'));
      },
      kinds: ['body_gone'],
    },
    {
      name: 'a delayed job lacks its body',
      plant: async () => {
        await push('1');
        await ground.raw.hdel(key('job_bucket:1'), 'body');
      },
      kinds: ['body_incomplete'],
    },
    {
      name: 'a delayed job lacks its topic',
      plant: async () => {
        await push('1');
        await ground.raw.hdel(key('job_bucket:1'), 'topic');
      },
      kinds: ['body_incomplete'],
    },
    {
      name: 'a ready job lacks its body',
      plant: async () => {
        await pushReady('1');
        await ground.raw.hdel(key('job_bucket:1'), 'body');
      },
      kinds: ['body_incomplete'],
    },
    {
      name: 'a key of another type stands in the place of the body of a delayed job',
      plant: async () => {
        await push('\x01\n');
        await ground.raw.del(key('job_bucket:\x01\n'));
        await ground.raw.set(key('job_bucket:\x01\n'), 'text');
      },
      kinds: ['body_wrong_type'],
    },
    {
      name: 'a key of another type stands in the place of the body of a ready job',
      plant: async () => {
        await pushReady('1');
        await ground.raw.del(key('job_bucket:1'));
        await ground.raw.set(key('job_bucket:1'), 'text');
      },
      kinds: ['body_wrong_type'],
    },
    {
      name: 'a ready job whose body is a key of another type was set aside by a consumer',
      plant: async () => {
        await pushReady('1');
        await ground.raw.del(key('job_bucket:1'));
        await ground.raw.set(key('job_bucket:1'), 'text');
        expect(await queue.pop('topic')).to.be.undefined;
      },
      kinds: ['body_wrong_type'],
    },
    ...['inf', '1795691452123', '1e300'].map((score): Plant => ({
      name: `a job is due at ${score}`,
      plant: async () => {
        await push("it's 1");
        await ground.raw.zadd(key('job_pool'), score, "it's 1");
      },
      kinds: ['due_out_of_range'],
      kept: ["it's 1"],
    })),
    {
      name: 'six jobs are due at inf',
      plant: async () => {
        for (const id of ['1', '2', '3', '4', '5', '6']) {
          await push(id);
          await ground.raw.zadd(key('job_pool'), 'inf', id);
        }
      },
      kinds: ['due_out_of_range'],
      kept: ['1', '6'],
    },
    ...['-5', '-inf'].map((score): Plant => ({
      name: `a job is due at ${score}`,
      plant: async () => {
        await push('1');
        await ground.raw.zadd(key('job_pool'), score, '1');
      },
      kinds: ['due_in_the_past'],
      kept: ['1'],
    })),
    {
      name: 'a job expires before it is due',
      plant: async () => {
        await push('1');
        await ground.raw.expire(key('job_bucket:1'), 600);
      },
      kinds: ['expires_before_due'],
      kept: ['1'],
    },
    {
      name: 'due jobs are not made ready',
      plant: async () => {
        await bodyOf('1');
        await ground.raw.zadd(key('job_pool'), (await nowS()) - 600, '1');
      },
      kinds: ['jobs_overdue'],
      kept: ['1'],
    },
    {
      name: 'a ready job is in its list twice',
      plant: async () => {
        await pushReady('1');
        await ground.raw.lpush(key('ready_queue:topic'), '1');
      },
      kinds: ['doubled_entry'],
      kept: ['1'],
    },
    {
      name: 'a ready job is in its list twice, with 1,500 jobs in between',
      plant: async () => {
        await pushReady('1');
        await queue.pushMany(jobsOf('topic', 1500));
        await maintainAll(queue);
        await ground.raw.lpush(key('ready_queue:topic'), '1');
      },
      kinds: ['doubled_entry'],
      kept: ['1'],
    },
    {
      name: 'an entry of a delayed job is in the ready list',
      plant: async () => {
        await push('1');
        await ground.raw.lpush(key('ready_queue:topic'), '1');
      },
      kinds: ['entry_of_delayed'],
      kept: ['1'],
    },
    {
      name: 'an entry of a job is in the ready list of another topic',
      plant: async () => {
        await pushReady('1');
        await ground.raw.lpush(key('ready_queue:other'), '1');
      },
      kinds: ['entry_of_other_topic'],
      kept: ['1'],
    },
    {
      name: 'the only entry of a job is in the ready list of another topic',
      plant: async () => {
        await pushReady('1');
        await ground.raw.rpoplpush(key('ready_queue:topic'), key('ready_queue:other'));
      },
      kinds: ['entry_of_other_topic'],
      kept: ['1'],
    },
    ...(['delayed', 'doubled', 'expired'] as const).map((what): Plant => ({
      name: `the only entries of 260 jobs are in the ready list of another topic, behind 300 entries of ${what} jobs`,
      plant: async () => {
        await queue.pushMany(strayIds.map((id) => ({ id, topic: 'topic', body: id })));
        await maintainAll(queue);
        await ground.raw.del(key('ready_queue:topic'));
        const ids = [...Array(300).keys()].map((i) => `${what}${i}`);
        if (what === 'delayed')
          await queue.pushMany(ids.map((id) => ({ id, topic: 'other', body: 'b', delayMs: HOUR_MS })));
        if (what === 'doubled') {
          await queue.pushMany(ids.map((id) => ({ id, topic: 'other', body: 'b' })));
          await maintainAll(queue);
        }
        await ground.raw.lpush(key('ready_queue:other'), ...ids, ...strayIds);
      },
      kinds: [
        'entry_of_other_topic',
        what === 'delayed' ? 'entry_of_delayed' : what === 'doubled' ? 'doubled_entry' : 'entries_expired',
      ],
      kept: strayIds,
    })),
    {
      name: 'expired jobs pile up in a ready list',
      plant: async () => {
        await pushReady('1');
        await ground.raw.lpush(key('ready_queue:topic'), ...Array.from({ length: 150 }, (_, i) => `old${i}`));
      },
      kinds: ['entries_expired'],
      kept: ['1'],
    },
    {
      name: 'expired jobs pile up in the pool',
      plant: async () => {
        const ids = Array.from({ length: 150 }, (_, i) => `old${i}`);
        await ground.raw.zadd(key('job_pool'), ...ids.flatMap((id) => [5, id]));
      },
      kinds: ['jobs_overdue', 'pool_expired'],
    },
    {
      name: 'empty entries pile up in a ready list',
      plant: async () => {
        await pushReady('1');
        await ground.raw.lpush(key('ready_queue:topic'), ...Array<string>(1000).fill(''));
      },
      kinds: ['entries_empty'],
      kept: ['1'],
    },
    {
      name: 'a lease has ended and its job has not come back',
      plant: async () => {
        await ground.raw.zadd(key('reserved'), (await nowS()) - 600, await lease('1'));
      },
      kinds: ['leases_ended'],
      kept: ['1'],
    },
    {
      name: 'nobody has looked for some minutes at a job that waits for another one of its id',
      plant: async () => {
        await letWait('1');
        await ground.raw.zadd(key('reserved'), (await nowS()) - 600, ':1');
      },
      kinds: ['waiting_overdue'],
    },
    ...['inf', '9000000000'].map((score): Plant => ({
      name: `a lease ends at ${score}`,
      plant: async () => ground.raw.zadd(key('reserved'), score, await lease('1')),
      kinds: ['lease_too_long'],
      kept: ['1'],
    })),
    ...['token', 'token.3', ':1'].map((name): Plant => ({
      name: `the record of the deadline ${name} is gone`,
      plant: async () => ground.raw.zadd(key('reserved'), (await nowS()) + 5, name),
      kinds: ['record_gone'],
    })),
    {
      name: 'listed dead letters are gone',
      plant: () => ground.raw.zadd(key('dead'), 'inf', '1'),
      kinds: ['record_gone'],
    },
    {
      name: 'a lease has no deadline',
      plant: async () => ground.raw.zrem(key('reserved'), await lease('1')),
      kinds: ['record_unlisted'],
      kept: ['1'],
    },
    {
      name: 'jobs that wait for another one of their id are not listed',
      plant: async () => {
        await letWait('1');
        await ground.raw.zrem(key('job_pool'), '1');
        await ground.raw.del(key('job_bucket:1'));
        await ground.raw.zrem(key('reserved'), ':1');
      },
      kinds: ['record_unlisted'],
      kept: ['1'],
    },
    {
      name: 'dead letters are not listed',
      plant: async () => {
        await bury('1');
        await ground.raw.zrem(key('dead'), '1');
      },
      kinds: ['record_unlisted'],
      kept: ['1'],
    },
    ...(['dead_letter:1', 'inflight:token', 'waiting:1'] as const).map((name): Plant => ({
      name: `the key ${name} is not listed and cannot be read`,
      plant: () =>
        name === 'inflight:token' ? ground.raw.set(key(name), 'junk') : ground.raw.rpush(key(name), 'junk'),
      kinds: ['record_unlisted'],
      mend: async () => {
        await fixAll(queue);
        const finding = must((await examine(queue, {}))[0]);
        expect(finding.kind).to.equal('record_unreadable');
        const [command] = commandsFor({ label: queue.label, flags: {} }, finding);
        expect(command).to.include('RENAMENX');
        await ground.raw.rename(key(name), `aside:${key(name)}`);
        await fixAll(queue);
      },
    })),
    {
      name: 'dead letters are listed without an end, and have one',
      plant: async () => {
        await bury('1');
        await ground.raw.zadd(key('dead'), 'inf', '1');
      },
      kinds: ['dead_end_wrong'],
      kept: ['1'],
    },
    {
      name: 'a record of leases is unreadable',
      plant: async () => {
        await ground.raw.set(key('inflight:token'), 'junk');
        await ground.raw.zadd(key('reserved'), (await nowS()) + 5, 'token');
      },
      kinds: ['record_unreadable'],
    },
    {
      name: 'a dead letter is unreadable',
      plant: async () => {
        await ground.raw.rpush(key('dead_letter:1'), 'junk');
        await ground.raw.zadd(key('dead'), 'inf', '1');
      },
      kinds: ['record_unreadable'],
    },
    ...(
      [
        ['inflight:token', 'reserved', 'token'],
        ['waiting:1', 'reserved', ':1'],
        ['dead_letter:1', 'dead', '1'],
      ] as const
    ).map(([name, set, member]): Plant => ({
      name: `the key ${name} is a hash`,
      plant: async () => {
        await ground.raw.hset(key(name), 'a', 'b');
        await ground.raw.zadd(key(set), (await nowS()) + 5, member);
      },
      kinds: ['record_wrong_type'],
    })),
    {
      name: 'a record of leases has a later version',
      plant: async () => {
        await ground.raw.set(key('inflight:token'), LATER_RECORD);
        await ground.raw.zadd(key('reserved'), (await nowS()) + 5, 'token');
      },
      kinds: ['record_too_new'],
      mend: () => ground.raw.del(key('inflight:token'), key('reserved')),
    },
    ...(['inflight:token', 'waiting:1', 'dead_letter:1'] as const).map((name): Plant => ({
      name: `the record ${name}, which nothing names, has a later version`,
      plant: () =>
        name === 'inflight:token'
          ? ground.raw.set(key(name), LATER_RECORD)
          : ground.raw.rpush(key(name), LATER_RECORD),
      kinds: ['record_too_new'],
      mend: async () => {
        await fixAll(queue);
        expect(await ground.raw.exists(key(name), key('reserved'), key('dead'))).to.equal(1);
        await ground.raw.del(key(name));
      },
    })),
    {
      name: 'a note has a later version',
      plant: () => ground.raw.hset(key('ready_due'), '1', '9 5.000 6000 topic'),
      kinds: ['record_too_new'],
      mend: () => ground.raw.del(key('ready_due')),
    },
    ...singles.map((name): Plant => ({
      name: `the key ${name} is a string`,
      plant: async () => {
        await ground.raw.del(key(name));
        await ground.raw.set(key(name), 'text');
      },
      kinds: name === 'daemons' ? ['key_wrong_type', 'no_daemon'] : ['key_wrong_type'],
      ...(name === 'daemons' && {
        mend: async () => {
          await ground.raw.del(key(name));
          await queue.announce('host:1');
        },
      }),
    })),
    {
      name: 'a ready list is a string',
      plant: () => ground.raw.set(key('ready_queue:a b'), 'text'),
      kinds: ['key_wrong_type'],
    },
    {
      name: 'a lock is a hash',
      plant: () => ground.raw.hset(key('lock:1'), 'a', 'b'),
      kinds: ['key_wrong_type'],
    },
    {
      name: 'another program writes under the prefix',
      plant: () => ground.raw.set(key('other'), 'text'),
      kinds: ['key_foreign'],
      mend: () => ground.raw.del(key('other')),
    },
    ...(['ready_due', 'paused', 'set_aside'] as const).map((name): Plant => ({
      name: `${name} has a value that no version writes`,
      plant: () => ground.raw.hset(key(name), '1', 'junk'),
      kinds: ['value_strange'],
    })),
    {
      name: 'a daemon was seen before 1970',
      plant: () => ground.raw.zadd(key('daemons'), -5, 'host:2'),
      kinds: ['value_strange'],
    },
    {
      name: 'a topic was seen in the far future',
      plant: () => ground.raw.zadd(key('topics'), 1e9, 'topic'),
      kinds: ['value_strange'],
    },
    {
      name: 'a daemon was seen in the future: the clock went back',
      plant: async () => ground.raw.zadd(key('daemons'), (await nowS()) + 3600, 'host:2'),
      kinds: ['clock_jumped', 'value_strange'],
      mend: () => fixAll(queue),
    },
    {
      name: 'notes of jobs that are gone pile up',
      plant: () =>
        ground.raw.hset(
          key('ready_due'),
          Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`old${i}`, '3 5.000 6000 topic'])),
        ),
      kinds: ['notes_left'],
    },
    {
      name: 'a lock has no end',
      plant: () => ground.raw.set(key('lock:1'), 'owner'),
      kinds: ['lock_endless'],
    },
    {
      name: 'the progress of an import has no end',
      plant: () => ground.raw.hset(key('import:1'), 'line', '7'),
      kinds: ['import_endless'],
    },
    {
      name: 'a delayed job has an empty id',
      plant: async () => {
        await bodyOf('');
        await ground.raw.zadd(key('job_pool'), (await nowS()) + 60, '');
      },
      kinds: ['name_empty'],
      kept: ['unnamed'],
    },
    {
      name: 'a delayed job has neither an id nor a topic',
      plant: async () => {
        await bodyOf('', '');
        await ground.raw.zadd(key('job_pool'), (await nowS()) + 60, '');
      },
      kinds: ['name_empty'],
      kept: ['unnamed'],
    },
    {
      name: 'a delayed job has an empty topic',
      plant: async () => {
        await push('1');
        await bodyOf('1', '');
      },
      kinds: ['name_empty'],
      kept: ['1'],
    },
    {
      name: 'a daemon whose name is not valid UTF-8 was seen at no time',
      plant: () => ground.raw.zadd(key('daemons'), 'inf', Buffer.from([0x53, 0xff, 0xfe])),
      kinds: ['value_strange'],
    },
    {
      name: 'a body with an empty id has no entry, which no command can name',
      plant: () => bodyOf(''),
      kinds: ['key_foreign'],
      mend: () => ground.raw.del(key('job_bucket:')),
    },
    {
      name: 'a body has no entry in the pool or a ready list',
      plant: () => bodyOf('1'),
      kinds: ['body_without_entry'],
      kept: ['1'],
    },
    {
      name: 'no daemon runs',
      plant: () => queue.retire('host:1'),
      kinds: ['no_daemon'],
      mend: () => queue.announce('host:1'),
    },
    {
      name: 'another daemon also makes jobs ready',
      plant: async () => {
        await bodyOf('1');
        await ground.raw.lpush(key('ready_queue:topic'), '1');
      },
      kinds: ['other_daemon'],
      mend: async () => expect(idsOf(must([await queue.pop('topic')].map(must)))).to.deep.equal(['1']),
    },
    {
      name: 'Redis has no persistence',
      plant: () => config('appendonly', 'no'),
      kinds: ['no_persistence'],
    },
    {
      name: 'Redis would evict jobs',
      plant: () => config('maxmemory-policy', 'allkeys-lru'),
      kinds: ['would_evict'],
    },
    {
      name: 'Redis evicts jobs',
      plant: () => config('maxmemory', '1gb', 'maxmemory-policy', 'volatile-ttl'),
      kinds: ['evicts'],
    },
    ...(
      [
        ['memory_near', 0.88],
        ['memory_full', 0.985],
      ] as const
    ).map(([kind, share]): Plant => ({
      name: `Redis uses ${share} of its memory`,
      plant: async () => {
        const used = Number(/used_memory:(\d+)/.exec(await ground.raw.info('memory'))?.[1]);
        await config('maxmemory', `${Math.round(used / share)}`);
      },
      kinds: [kind],
      mend: () => config('maxmemory', '0'),
    })),
    {
      name: 'Redis cannot write to its disk',
      plant: async () => {
        const folder = join(ground.server.dir, 'gone');
        mkdirSync(folder);
        await config('dir', folder);
        rmSync(folder, { recursive: true });
        await ground.raw.bgsave();
        await eventually(async () =>
          (await ground.raw.info('persistence')).includes('rdb_last_bgsave_status:err'),
        );
      },
      kinds: ['persistence_fails'],
      mend: async () => {
        await config('dir', ground.server.dir);
        await ground.raw.bgsave();
        await eventually(async () =>
          (await ground.raw.info('persistence')).includes('rdb_last_bgsave_status:ok'),
        );
      },
    },
    {
      name: 'the clock of Redis differs from that of this machine',
      plant: async () => {
        ground.clock.advance(10_000);
        await queue.announce('host:1');
      },
      kinds: ['clock_differs'],
      mend: async () => {
        ground.clock.reset();
        await ground.raw.del(key('daemons'));
        await queue.announce('host:1');
      },
    },
  ];

  afterEach(async () => {
    await config('maxmemory', '0', 'maxmemory-policy', 'noeviction');
  });

  for (const fault of plants)
    it(`finds this fault, and its remedies mend it: ${fault.name}`, async () => {
      await healed(fault);
    });

  it('reports a replica with its primary', async () => {
    const replica = await RedisServer.start({ args: ['--replicaof', '127.0.0.1', `${ground.server.port}`] });
    try {
      const there = ground.queue(replica.url);
      const found = await eventually(async () => {
        const findings = await examine(there, {}).catch(() => []);
        return findings.find(({ kind }) => kind === 'replica') ?? false;
      });
      expect(found && found.examples[0]?.found).to.equal(`127.0.0.1:${ground.server.port}`);
    } finally {
      await replica.stop();
    }
  });

  it('reports what the ACL forbids it to read, and examines the rest', async () => {
    await ground.raw.call('ACL', 'SETUSER', 'u', 'on', '>p', '~*', '&*', '+@all', '-info', '-config');
    try {
      const there = ground.queue(ground.server.url.replace('unix://', 'unix://u:p@'));
      await ground.raw.set(key('lock:1'), 'owner');
      const kinds: FaultKind[] = ['lock_endless', 'not_permitted'];
      expect(kindsOf(await examine(there, {}))).to.deep.equal(kinds);
    } finally {
      await ground.raw.call('ACL', 'DELUSER', 'u');
    }
  });

  it('reports a client that polls like an original daemon with its address, which is left out of a report without names', async () => {
    const poller = await startPoller(ground.server, { everyMs: 100 });
    try {
      const finding = await eventually(async () => only(await examine(queue, {})));
      const { kind, count, examples } = finding;
      expect({ kind, count, examples }).to.deep.equal({
        ...{ kind: 'original_daemon', count: 1 },
        examples: [{ kind: 'original_daemon', client: poller.address }],
      });
      const commands = commandsFor({ label: queue.label, flags: {} }, finding);
      expect(commands).to.deep.equal([`ss -tnp src ${poller.address}`]);
      const diagnosis = { finding, commands, isMendable: false };
      expect(diagnosisText([diagnosis], undefined)).to.match(
        new RegExp(
          `^warning: a client polls like an original daemon: ${poller.address}\n.*duplicates.*loses jobs.*Stop it`,
        ),
      );
      expect(findingToJson(diagnosis)).to.deep.include({ examples: [{ client: poller.address }] });
      expect(JSON.stringify(findingToJson(diagnosis, false))).to.not.include(poller.address);
    } finally {
      poller.close();
    }
    expect(kindsOf(await examine(queue, {}))).to.deep.equal([]);
  });

  it('examines at most 100 jobs with one script', async () => {
    await queue.pushMany(jobsOf('topic', 1000));
    await maintainAll(queue);
    await queue.pushMany(jobsOf('topic', 1000, { delayMs: HOUR_MS }));
    await ground.raw.config('RESETSTAT');
    expect(kindsOf(await examine(queue, {}))).to.deep.equal([]);
    const calls = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await ground.raw.info('commandstats'))?.[1]);
    // The pool, the ready list, its notes, and the bodies.
    expect(calls).to.be.at.least(10 + 10 + 10 + 20);
  });

  it('says that there may be more findings of a kind when it stops looking for them', async () => {
    for (const [bodies, mayBeMore] of [
      [200, undefined],
      [201, true],
    ] as const) {
      for (let i = 0; i < bodies; i += 1) await bodyOf(`${i}`);
      const found = must((await examine(queue, {})).find(({ kind }) => kind === 'body_without_entry'));
      expect([found.count, found.mayBeMore]).to.deep.equal([200, mayBeMore]);
      const diagnosis = { finding: found, commands: [], isMendable: false };
      const more = 'There may be more: the search stopped at this number.';
      expect(diagnosisText([diagnosis], undefined).includes(more)).to.equal(mayBeMore === true);
      expect(findingToJson(diagnosis)).to.have.property('mayBeMore', mayBeMore);
    }
  });

  it('a job whose body is a key of another type is taken out by a fix once that key is renamed, as the text says', async () => {
    await ground.raw.zadd(key('job_pool'), 4_099_999_999, '1');
    await ground.raw.set(key('job_bucket:1'), 'text');
    const [finding] = await examine(queue, {});
    const text = diagnosisText([{ finding: must(finding), commands: [], isMendable: false }], undefined);
    expect(text).to.include('--fix leaves it alone. Rename that key; then');
    await fixAll(queue);
    expect(kindsOf(await examine(queue, {}))).to.deep.equal(['body_wrong_type']);
    await ground.raw.rename(key('job_bucket:1'), `aside:${ground.prefix}`);
    await fixAll(queue);
    expect(kindsOf(await examine(queue, {}))).to.deep.equal([]);
  });

  for (const name of ['job_pool', 'ready_due', 'reserved', 'dead'])
    it(`reports that ${name} is a string beside a body that no key refers to, and that body once the key is renamed`, async () => {
      await bodyOf('left');
      await ground.raw.set(key(name), 'text');
      expect(kindsOf(await examine(queue, {}))).to.deep.equal(['key_wrong_type']);
      await ground.raw.del(key(name));
      expect(kindsOf(await examine(queue, {}))).to.deep.equal(['body_without_entry']);
    });

  it('examines only the jobs of the named topics', async () => {
    await ground.raw.lpush(key('ready_queue:other'), ...Array.from({ length: 150 }, (_, i) => `${i}`));
    expect(kindsOf(await examine(queue, { topics: [Buffer.from('topic')] }))).to.deep.equal([]);
    expect(kindsOf(await examine(queue, { topics: [Buffer.from('other')] }))).to.deep.equal([
      'entries_expired',
    ]);
  });
});
