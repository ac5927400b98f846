import { expect } from 'chai';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileNameOf } from '../../src/output/file-name.js';
import { HandlerOutput, type HandlerOutputOptions } from '../../src/output/handler-output.js';
import { JobLog } from '../../src/output/joblog.js';
import { Lines, MAX_LINE_BYTES } from '../../src/output/lines.js';
import { Sink } from '../../src/output/sink.js';
import { eventually } from '../support/eventually.js';

/** A sink that collects what is written; with `holds` each write ends when the test calls its function in `held`. */
function collecting(holds = false) {
  const pieces: Buffer[] = [];
  const held: (() => void)[] = [];
  const sink = new Sink(async (data) => {
    pieces.push(data);
    if (holds) await new Promise<void>((resolve) => held.push(resolve));
  });
  return {
    sink,
    held,
    text: () => Buffer.concat(pieces).toString(),
    size: () => Buffer.concat(pieces).length,
  };
}

describe('a sink for output', () => {
  it('output that arrives during a write is written after it, in order and with one write', async () => {
    const { sink, held, text } = collecting(true);
    for (const piece of ['a', 'b', 'c']) expect(sink.write(Buffer.from(piece))).to.equal(undefined);
    expect(text()).to.equal('a');
    held.shift()?.();
    await eventually(() => text() === 'abc');
    held.shift()?.();
    await sink.flush();
  });

  it('writers are asked to pause while much output waits', async () => {
    const { sink, held } = collecting(true);
    void sink.write(Buffer.alloc(10));
    const pause = sink.write(Buffer.alloc(300_000));
    expect(pause).to.be.instanceOf(Promise);
    let isOver = false;
    void pause?.then(() => (isOver = true));
    held.shift()?.();
    await eventually(() => held.length === 1);
    expect(isOver).to.equal(false);
    held.shift()?.();
    await eventually(() => isOver);
  });

  it('after an error all further output is dropped, and the error is kept', async () => {
    const full = openSync('/dev/full', 'w');
    const sink = Sink.file(full, 'the log');
    void sink.write(Buffer.from('x'));
    await sink.flush();
    expect(sink.error?.message).to.match(/^cannot write to the log: ENOSPC/);
    expect(sink.write(Buffer.alloc(1_000_000))).to.equal(undefined);
    closeSync(full);
  });
});

describe('output by lines', () => {
  const written = (pieces: readonly string[], tag?: string) => {
    const { sink, text } = collecting();
    const lines = new Lines(sink, tag === undefined ? undefined : Buffer.from(tag));
    for (const piece of pieces) void lines.write(Buffer.from(piece));
    return { text, lines };
  };

  it('a line is passed on when it is complete, and a last line without a newline gets one', async () => {
    const { text, lines } = written(['a', 'b\nc', '\n\nd']);
    await eventually(() => text() === 'ab\nc\n\n');
    lines.end();
    lines.end();
    await eventually(() => text() === 'ab\nc\n\nd\n');
  });

  it('each line begins with the tag', async () => {
    const { text, lines } = written(['a\nb\n\nc'], '7\t');
    lines.end();
    await eventually(() => text() === '7\ta\n7\tb\n7\t\n7\tc\n');
  });

  it('a line that never ends is broken at MAX_LINE_BYTES', async () => {
    const { sink, size } = collecting();
    const lines = new Lines(sink);
    for (let i = 0; i < 40; i += 1) void lines.write(Buffer.alloc(64 * 1024, 'x'));
    await eventually(() => size() === 2 * (MAX_LINE_BYTES + 1));
    lines.end();
    await eventually(() => size() === 40 * 64 * 1024 + 3);
  });
});

describe('output of handlers', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'delayer-output-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });
  const options = (more: Partial<HandlerOutputOptions>): HandlerOutputOptions => ({
    ...{ stdout: collecting().sink, stderr: collecting().sink, tags: false },
    ...more,
  });
  const job = (id: string) => [{ id: Buffer.from(id) }];

  it('control characters in the id before a line are escaped', async () => {
    const { sink, text } = collecting();
    const call = new HandlerOutput(options({ stdout: sink, tags: true })).open(job('a\x1b[2J\nb'));
    void call.stdout(Buffer.from('x\n'));
    await eventually(() => text() === 'a\\x1b[2J\\nb\tx\n');
  });

  it('each job has a file with its stdout and stderr, and a retry is appended to it', async () => {
    const output = new HandlerOutput(options({ folder: join(dir, 'new', 'folder') }));
    for (const text of ['first\n', 'second']) {
      const call = output.open(job('a/b'));
      void call.stdout(Buffer.from(text));
      void call.stderr(Buffer.from('!'));
      call.end();
      call.close();
      await output.closeFiles();
    }
    expect(readdirSync(join(dir, 'new', 'folder'))).to.deep.equal(['a%2Fb']);
    expect(readFileSync(join(dir, 'new', 'folder', 'a%2Fb'), 'utf8')).to.equal('first\n!second!');
  });

  it('an output folder or file that cannot be opened is an error', () => {
    writeFileSync(join(dir, 'file'), '');
    expect(() => new HandlerOutput(options({ folder: join(dir, 'file') }))).to.throw(
      /cannot write to .*EEXIST/,
    );
    const output = new HandlerOutput(options({ folder: dir }));
    rmSync(dir, { recursive: true });
    expect(() => output.open(job('a'))).to.throw(/cannot write to .*\/a: ENOENT/);
    writeFileSync(dir, '');
  });

  it('different ids have different file names that are valid on any file system', () => {
    const long = ['x'.repeat(300), 'x'.repeat(299) + 'y', '\xff'.repeat(200)];
    const ids = ['a', 'A.b', '.', '..', '.a', 'a/b', 'a%2Fb', '', 'a\0b', 'ä', ...long].map((id) =>
      Buffer.from(id),
    );
    const names = ids.map(fileNameOf);
    expect(names.slice(0, 7)).to.deep.equal(['a', 'A.b', '%2E', '%2E.', '%2Ea', 'a%2Fb', 'a%252Fb']);
    expect(new Set(names).size).to.equal(ids.length);
    for (const name of names) expect(name).to.match(/^[\w.%-]{0,255}$/);
  });

  it('the job log has the format of GNU parallel: one header, and a line for each call', async () => {
    const path = join(dir, 'log');
    const call = {
      jobs: [{ id: Buffer.from("it's\n1"), topic: Buffer.from('t') }],
      startedAtMs: 1_795_672_359_146,
    };
    for (const end of [{ exitCode: 3 }, { signalName: 'SIGKILL' }]) {
      const log = JobLog.open(path, "php cancel.php 'a  b'\n php --all");
      log.add({ ...call, ...end, runtimeMs: 1234.5, sent: 10, received: 20 });
      await log.close();
    }
    const command = "DELAYER_ID='it'\\''s\\n1' php cancel.php 'a  b'\0 php --all";
    expect(readFileSync(path, 'utf8').split('\n')).to.deep.equal([
      'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand',
      `1\t:\t1795672359.146\t     1.234\t10\t20\t3\t0\t${command}`,
      `1\t:\t1795672359.146\t     1.234\t10\t20\t0\t9\t${command}`,
      '',
    ]);
  });
});
