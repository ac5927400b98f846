import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import type { Queue } from '../../../src/core/queue.js';
import { openQueue } from '../../../src/storage/open.js';
import { mountMemory } from '../../support/disk.js';
import { eventually, failureOf } from '../../support/eventually.js';
import { startChild } from './children.js';
import { ids, integrityOf, useFolder } from './files.js';

describe('an SQLite file on a machine with little disk, descriptors or rights', () => {
  let unmount: (() => void) | undefined;
  // This hook runs before that of useFolder deletes the folder.
  afterEach(() => {
    unmount?.();
    unmount = undefined;
  });
  const folder = useFolder();
  const mountOrSkip = (test: Mocha.Context, options: string) => {
    mkdirSync(folder.path('disk'));
    unmount = mountMemory(folder.path('disk'), options);
    if (unmount === undefined) test.skip();
  };
  /** Another program takes what is left of the small disk. */
  const takeAll = (name: string) => {
    try {
      writeFileSync(folder.path(`disk/other-${name}`), Buffer.alloc(32 * 1024 * 1024));
    } catch {
      // The disk is full by that.
    }
  };
  const told = async (options: Parameters<typeof startChild>[1], name = 'queue.db') =>
    (await startChild(['push', folder.path(name), 'id', 1], options).ended()).join('\n');

  it('on a full disk a push fails, and pop, reserve, ack and remove empty the store', async function () {
    mountOrSkip(this, 'size=8m');
    const queue = await folder.openQueue('disk/queue.db');
    const body = Buffer.alloc(1000);
    const pushed: string[] = [];
    const fill = async () => {
      for (;;) {
        const batch = ids(100, `${pushed.length}-`);
        await queue.pushMany(batch.map((id) => ({ id, topic: 'topic', body })));
        pushed.push(...batch);
      }
    };
    expect(await failureOf(fill())).to.include({ code: 'store_full', exitCode: 69 });
    // Another file takes the rest of the disk.
    try {
      writeFileSync(folder.path('disk/other'), Buffer.alloc(8 * 1024 * 1024));
    } catch {
      // It is full by that.
    }
    expect((await failureOf(queue.push({ topic: 'topic', body }))).message).to.match(/no space left/);
    expect(await queue.remove('none')).to.be.false;
    const [first = ''] = pushed;
    expect((await queue.removeMany([first], { states: 'any' }))[0]?.removed).to.be.true;
    const taken: string[] = [];
    for (let i = 0; i < 50; i += 1) taken.push((await queue.pop('topic'))?.id.toString() ?? '');
    for (;;) {
      const { jobs } = await queue.reserve({ topics: 'topic', limit: 250, leaseMs: 60_000 });
      if (jobs.length === 0) break;
      expect(await queue.ack(jobs)).to.not.include(false);
      taken.push(...jobs.map(({ id }) => id.toString()));
    }
    expect(taken).to.deep.equal(pushed.slice(1));
    expect(integrityOf(folder.path('disk/queue.db'))).to.equal('ok');
  });

  it('on a full disk failing jobs leave room for taking, acknowledging and removing', async function () {
    mountOrSkip(this, 'size=6m');
    let [now, waited] = [Date.now(), 0];
    const queue = await folder.openQueue('disk/queue.db', { now: () => now + waited });
    const body = Buffer.alloc(800);
    const pushed = new Set<string>();
    const fill = async () => {
      for (;;) {
        const batch = ids(100, `${pushed.size}-`);
        await queue.pushMany(batch.map((id) => ({ id, topic: 'topic', body })));
        for (const id of batch) pushed.add(id);
      }
    };
    expect(await failureOf(fill())).to.include({ code: 'store_full' });
    try {
      writeFileSync(folder.path('disk/other'), Buffer.alloc(8 * 1024 * 1024));
    } catch {
      // It is full by that.
    }
    now = Date.now();
    const take = async (limit = 20) => (await queue.reserve({ topics: 'topic', limit, leaseMs: 1000 })).jobs;
    const reason = 'r'.repeat(4000);
    const outcomes = new Map<string, number>();
    const count = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    // Some die, some are to come back, some are given back, and the leases of some end.
    while ((outcomes.get('rejected') ?? 0) < 60) {
      const jobs = await take();
      expect(jobs).to.have.length.greaterThan(0);
      const [dead, retried, released] = [jobs.slice(0, 5), jobs.slice(5, 10), jobs.slice(10, 15)];
      const settled = [
        queue.nack(dead, { dead: true, reason }),
        queue.nack(retried, { delayMs: 3_600_000, reason }),
        queue.release(released),
      ];
      for (const { status } of await Promise.allSettled(settled)) count(status);
      waited += 2000;
    }
    expect(outcomes.get('fulfilled')).to.be.greaterThan(100);
    const gone = new Set<string>();
    const remove = async (most: number) => {
      const found: Uint8Array[] = [];
      for await (const { jobs } of queue.scan({ states: ['dead'] })) found.push(...jobs.map(({ id }) => id));
      for (const id of found.slice(0, most)) {
        expect((await queue.removeMany([Buffer.from(id)], { states: 'any' }))[0]).to.include({
          removed: true,
        });
        gone.add(Buffer.from(id).toString());
      }
    };
    await remove(1);
    waited += 7_200_000;
    for (let idle = 0; idle < 5;) {
      const jobs = await take(250);
      idle = jobs.length === 0 ? idle + 1 : 0;
      expect(await queue.ack(jobs)).to.not.include(false);
      for (const { id } of jobs) gone.add(id.toString());
      waited += 2000;
    }
    await remove(Infinity);
    expect(gone).to.deep.equal(pushed);
    expect(integrityOf(folder.path('disk/queue.db'))).to.equal('ok');
  });

  it('on a full disk a process that opens the file can take and remove jobs, and cannot push any', async function () {
    mountOrSkip(this, 'size=8m');
    const file = 'disk/queue.db';
    const filling = await folder.openQueue(file);
    await filling.pushMany(ids(100).map((id) => ({ id, topic: 'topic', body: 'b' })));
    await filling.close();
    try {
      writeFileSync(folder.path('disk/other'), Buffer.alloc(8 * 1024 * 1024));
    } catch {
      // It is full by that.
    }
    for (let i = 0; i < 3; i += 1) {
      const queue = await openQueue(`sqlite:${folder.path(file)}`);
      expect((await queue.pop('topic'))?.id.toString()).to.equal(ids(100)[i]);
      expect(await failureOf(queue.push({ topic: 'topic', body: 'b' }))).to.include({ code: 'store_full' });
      await queue.close();
    }
    // The test needs room to open the file; delayer has taken its own back.
    rmSync(folder.path('disk/other'));
    expect(integrityOf(folder.path(file))).to.equal('ok');
  });

  describe('on a full disk on which another program takes all room that is given up,', () => {
    const file = 'disk/queue.db';
    /** Opens the file for one call, as a command does. */
    const once = async <T>(call: (queue: Queue) => Promise<T>): Promise<T> => {
      const queue = await openQueue(`sqlite:${folder.path(file)}`);
      try {
        return await call(queue);
      } finally {
        await queue.close();
      }
    };
    const push = (count: number, stem = '') =>
      once((queue) =>
        queue.pushMany(ids(count, stem).map((id) => ({ id, topic: 'topic', body: Buffer.alloc(900) }))),
      );

    it('each process that takes jobs takes back what it gave up, so that the next one can', async function () {
      mountOrSkip(this, 'size=20m');
      await push(100);
      takeAll('first');
      for (const id of ids(40)) {
        expect((await once((queue) => queue.pop('topic')))?.id.toString()).to.equal(id);
        takeAll(id);
      }
      expect(statSync(folder.path(`${file}-spare`)).size).to.be.greaterThan(1024 * 1024 - 64 * 1024);
      rmSync(folder.path('disk/other-first'));
      expect(integrityOf(folder.path(file))).to.equal('ok');
    });

    it('a worker takes and ends thousands of jobs without giving up the whole reserve', async function () {
      mountOrSkip(this, 'size=20m');
      await push(3000);
      takeAll('first');
      const taken = await once(async (queue) => {
        for (let count = 0; ;) {
          const { jobs } = await queue.reserve({ topics: 'topic', limit: 30, leaseMs: 60_000 });
          if (jobs.length === 0) return count;
          takeAll(`taken-${count}`);
          expect(await queue.ack(jobs)).to.not.include(false);
          takeAll(`acknowledged-${count}`);
          count += jobs.length;
          expect(statSync(folder.path(`${file}-spare`)).size).to.be.greaterThan(512 * 1024);
        }
      });
      expect(taken).to.equal(3000);
      rmSync(folder.path('disk/other-first'));
      expect(integrityOf(folder.path(file))).to.equal('ok');
    });

    it('jobs can be taken on a disk that never had more than three megabytes', async function () {
      mountOrSkip(this, 'size=3m');
      await push(100);
      takeAll('first');
      for (const id of ids(5))
        expect((await once((queue) => queue.pop('topic')))?.id.toString()).to.equal(id);
      const failure = await failureOf(push(1, 'late-'));
      expect(failure)
        .to.have.property('hint')
        .that.matches(/ taking jobs still works\.$/);
    });

    it('a call that could take no job says what to do, and not that jobs can be taken', async function () {
      mountOrSkip(this, 'size=3m');
      await push(100);
      rmSync(folder.path(`${file}-spare`));
      takeAll('first');
      for (const call of [(queue: Queue) => queue.pop('topic'), (queue: Queue) => queue.remove('0')])
        expect(await failureOf(once<unknown>(call))).to.include({
          code: 'store_full',
          hint: 'Make room on that disk, then try again; what was pushed before is safe.',
        });
    });

    it('the reserve grows with the room that there is, and keeps no more than a megabyte', async function () {
      mountOrSkip(this, 'size=3m');
      await push(1);
      const size = () => statSync(folder.path(`${file}-spare`)).size;
      expect(size()).to.be.within(512 * 1024, 768 * 1024);
      execFileSync('mount', ['-o', 'remount,size=20m', folder.path('disk')]);
      await push(1, 'more-');
      expect(size()).to.equal(1024 * 1024);
      await push(1, 'most-');
      expect(size()).to.equal(1024 * 1024);
    });
  });

  describe('on a disk without free inodes', () => {
    const file = 'disk/queue.db';
    const inodes = 20;
    const fill = () => {
      for (let i = 0; i < inodes; i += 1)
        try {
          writeFileSync(folder.path(`disk/other-${i}`), '');
        } catch {
          return;
        }
    };
    const pushAndFill = async () => {
      const queue = await openQueue(`sqlite:${folder.path(file)}`);
      await queue.pushMany(ids(10).map((id) => ({ id, topic: 'topic', body: 'b' })));
      await queue.close();
      fill();
    };

    it('each call says that inodes are missing, also one that would create the file', async function () {
      mountOrSkip(this, `size=20m,nr_inodes=${inodes}`);
      await pushAndFill();
      const queue = await openQueue(`sqlite:${folder.path('disk/absent.db')}`);
      for (const failure of [
        await failureOf(openQueue(`sqlite:${folder.path(file)}`)),
        await failureOf(queue.push({ topic: 'topic', body: 'b' })),
      ]) {
        expect(failure).to.include({ code: 'store_full', exitCode: 69 });
        expect(failure.message).to.match(/ the disk has no free inodes \(ENOSPC\)$/);
      }
      await queue.close();
    });

    it('jobs can be taken while that of the reserve is enough', async function () {
      mountOrSkip(this, `size=20m,nr_inodes=${inodes}`);
      await pushAndFill();
      rmSync(folder.path('disk/other-0'));
      for (const id of ids(3)) {
        const queue = await openQueue(`sqlite:${folder.path(file)}`);
        expect((await queue.pop('topic'))?.id.toString()).to.equal(id);
        await queue.close();
      }
      expect(statSync(folder.path(`${file}-spare`)).size).to.equal(1024 * 1024);
    });
  });

  it('the first push on a full disk fails with store_full', async function () {
    mountOrSkip(this, 'size=64k');
    try {
      writeFileSync(folder.path('disk/other'), Buffer.alloc(256 * 1024));
    } catch {
      // It is full by that.
    }
    const failure = await failureOf(folder.openQueue('disk/queue.db'));
    expect(failure).to.include({ code: 'store_full', exitCode: 69 });
    expect(failure.message).to.not.contain('rollback');
  });

  it('a read-only file system is reported as EROFS', async function () {
    mountOrSkip(this, 'size=1m');
    execFileSync('mount', ['-o', 'remount,ro', folder.path('disk')]);
    expect(await told({}, 'disk/queue.db')).to.match(
      /^store_refused: .*the file system is read-only \(EROFS\)/,
    );
  });

  it('a store makes no temporary files', async () => {
    mkdirSync(folder.path('temporary'));
    const made: string[] = [];
    const watcher = watch(folder.path('temporary'), (_, name) => made.push(String(name)));
    try {
      // In a process of its own, because SQLite asks for the name of the folder only once.
      const env = { SQLITE_TMPDIR: folder.path('temporary') };
      const child = startChild(['large', folder.path('queue.db'), 'id', 5000], { env });
      expect(await child.ended()).to.have.length(500);
      // Events come in order, so those of earlier files come before this one.
      writeFileSync(folder.path('temporary/last'), '');
      await eventually(() => expect(made).to.include('last'));
      expect(new Set(made)).to.deep.equal(new Set(['last']));
    } finally {
      watcher.close();
    }
  });

  it('too many open files are reported as EMFILE', async () => {
    const told = await startChild(['crowd', folder.path()], { before: 'ulimit -n 60' }).ended();
    expect(told.length).to.be.greaterThan(1);
    for (const line of told)
      expect(line).to.match(/^store_refused: .*too many open files in this process \(EMFILE\)$/);
  });

  it('a folder of another user is reported, with what is not permitted', async () => {
    const uid = process.getuid?.() === 0 ? 65_534 : undefined;
    mkdirSync(folder.path('closed'), { mode: 0o755 });
    if (uid === undefined) chmodSync(folder.path('closed'), 0o555);
    expect(await told({ uid }, 'closed/queue.db')).to.match(
      /^store_refused: \S*closed\/queue\.db cannot be created: permission denied$/,
    );
    chmodSync(folder.path('closed'), 0o000);
    if (uid !== undefined)
      expect(await told({ uid }, 'closed/in/queue.db')).to.match(
        /^store_refused: \S*closed\/in\/queue\.db cannot be read: permission denied$/,
      );
    chmodSync(folder.path('closed'), 0o755);
  });
});
