import { expect } from 'chai';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CliGround, type Define, type Env, expectQuiet, forEachStore } from '../support/cli.js';
import { idsOf } from '../support/jobs.js';
import { blockWith } from './blocks.js';

const PAGE = 'docs/handlers.md';
const POP = 'delayer pop close_order --lease 60s';

/**
 * The user's own work in each language: it appends each order to the file `seen`, and fails whenever the order is
 * `bad`, `nul` (an error text with NUL) or `long` (one of 200,000 bytes).
 */
const WORK: Readonly<Record<string, { readonly file: string; readonly text: string }>> = {
  sh: {
    file: 'bin/cancel-order',
    text: `#!/bin/sh
read -r order
echo "$order" >>seen
case $order in
  *'"bad"'*) echo 'no such order' >&2; exit 3;;
  *'"nul"'*) printf 'no\\0 such order' >&2; exit 3;;
  *'"long"'*) printf '%0200000d' 0 >&2; exit 3;;
esac
`,
  },
  php: {
    file: 'cancel_order.php',
    text: `<?php
function cancel_order(array $order): void
{
    file_put_contents('seen', json_encode($order) . "\\n", FILE_APPEND);
    if ($order['id'] === 'bad') throw new Exception('no such order');
    if ($order['id'] === 'nul') throw new Exception("no\\0 such order");
    if ($order['id'] === 'long') throw new Exception(str_repeat('0', 200000));
}
`,
  },
  python: {
    file: 'cancel_order.py',
    text: `import json

def cancel_order(order):
    with open("seen", "a") as seen:
        seen.write(json.dumps(order, separators=(",", ":")) + "\\n")
    if order["id"] == "bad":
        raise ValueError("no such order")
    if order["id"] == "nul":
        raise ValueError("no\\0 such order \\ud800")
    if order["id"] == "long":
        raise ValueError("0" * 200000)
`,
  },
};

/** The worker loops of the page: the block that contains `has`, its interpreter, the work and the expected reason. */
const LOOPS = [
  { language: 'sh', interpreter: 'sh', has: POP, work: 'sh', reason: /^cancel-order: exit code 3$/ },
  { language: 'bash', interpreter: 'bash', has: POP, work: 'sh', reason: /^no such order$/ },
  { language: 'php', interpreter: 'php', has: 'proc_open', work: 'php', reason: /no such order/ },
  { language: 'python', interpreter: 'python3', has: 'subprocess', work: 'python', reason: /no such order/ },
] as const;

/**
 * `delayer`, whose first `extend` fails as if the store was away, and which writes the exit code of each into the file
 * `extended`.
 */
const DELAYER_WITHOUT_FIRST_EXTEND = `#!/bin/sh
[ "$1" = extend ] || exec real-delayer "$@"
code=69
[ ! -e extended ] || { real-delayer "$@"; code=$?; }
echo $code >>extended
exit $code
`;

/** Waits for a renewal, then for the one that finds the lease lost, and then for the time of some renewals. */
const WORK_THAT_LOSES_ITS_LEASE = `#!/bin/sh
renewed() {
  for _ in $(seq 100); do
    grep -qx "$1" extended && return
    /bin/sleep 0.1
  done
  return 1
}
renewed 0 && real-delayer remove --any-state --no-archive 1 && renewed 1 && /bin/sleep 1
`;

const isThere = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

/** A test whose interpreter is missing on this machine is pending, with the reason in its title. */
const whereThere = (
  name: string,
  missing: string | undefined,
  test: () => Promise<void>,
  define: Define = it,
): void => {
  if (missing === undefined) define(name, test);
  else it(`${name} (pending: ${missing})`);
};

const lacks = (interpreter: string): string | undefined =>
  isThere(interpreter, ...(interpreter === 'sh' ? ['-c', ':'] : ['--version']))
    ? undefined
    : `there is no ${interpreter}`;

const lacksPdo = (): string | undefined =>
  lacks('php') ??
  (isThere('php', '-r', 'exit(in_array("sqlite", PDO::getAvailableDrivers()) ? 0 : 1);')
    ? undefined
    : 'PHP has no pdo_sqlite: bash scripts/ensure-php.sh installs it');

function setUpWork(cli: CliGround, work: keyof typeof WORK): void {
  const { file, text } = WORK[work] ?? { file: '', text: '' };
  writeFileSync(join(cli.home, file), text, { mode: 0o755 });
}

/** Times, and how wide they make a column, differ from run to run. */
const withoutTimes = (text: string): string =>
  text
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'TIME')
    .replace(/\b(\d+d)?(\d+h)?(\d+m)?(\d+(\.\d+)? ?m?s)?\b(?= ago| if| {2}dead)/g, 'SPAN')
    .replace(/^expires .*$/m, 'expires TIME')
    .replace(/ +/g, ' ');

describe('docs/handlers.md', () => {
  forEachStore((cli, itOnce) => {
    const pushRetriedAfter = async (ms: number, ...ids: string[]) => {
      const queue = await cli.queue();
      const backoff = { firstMs: ms, lastMs: ms };
      const jobs = ids.map((id) => ({ id, topic: 'close_order', body: JSON.stringify({ id }) }));
      await queue.pushMany(jobs.map((job) => ({ ...job, retries: 1, backoff })));
    };
    const push = (...ids: string[]) => pushRetriedAfter(0, ...ids);

    const runLoop = ({ language, interpreter, has, work }: (typeof LOOPS)[number], env: Env = {}) => {
      setUpWork(cli, work);
      writeFileSync(join(cli.home, 'loop'), blockWith(PAGE, language, has));
      return cli.sh(`${interpreter} loop`, { env });
    };

    for (const loop of LOOPS) {
      const { language, interpreter, reason } = loop;
      const name = `the worker loop in ${language} runs each job once, and makes a job that fails again a dead letter`;
      const runsLoop = async () => {
        await push('1', 'bad', '2');
        const outcome = await runLoop(loop);
        expect(outcome.code).to.equal(0);
        expect(outcome.stdout.toString()).to.equal('');
        const seen = readFileSync(join(cli.home, 'seen'), 'utf8').trimEnd().split('\n');
        expect(seen.sort()).to.deep.equal(['{"id":"1"}', '{"id":"2"}', '{"id":"bad"}', '{"id":"bad"}']);
        const { jobs } = await (await cli.queue()).list('close_order');
        expect(idsOf(jobs)).to.deep.equal(['bad']);
        expect(jobs[0]).to.include({ state: 'dead', attempts: 2 });
        expect(jobs[0]?.reason?.trimEnd()).to.match(reason);
      };
      whereThere(name, lacks(interpreter), runsLoop, itOnce);

      whereThere(
        `the worker loop in ${language} exits with 69 when the store cannot be reached`,
        lacks(interpreter),
        async () => {
          const outcome = await runLoop(loop, { DELAYER_STORE: 'redis://localhost:1' });
          expect(outcome.code).to.equal(69);
          expect(outcome.stderr).to.match(/^delayer: .* cannot be reached: .*\n$/);
        },
        itOnce,
      );

      if (language === 'sh' || language === 'bash')
        itOnce(`the worker loop in ${language} takes no job when it gets no temporary file`, async () => {
          await push('1');
          const outcome = await runLoop(loop, { TMPDIR: join(cli.home, 'missing') });
          expect(outcome.code).to.equal(1);
          expect(outcome.stderr).to.match(/^mktemp: .*\n$/);
          expect((await (await cli.queue()).stats()).totals).to.include({ ready: 1 });
        });

      // The loop in sh passes no text on.
      if (language !== 'sh')
        whereThere(
          `the worker loop in ${language} retries a job whose error text has NUL, or 200,000 bytes`,
          lacks(interpreter),
          async () => {
            await pushRetriedAfter(3_600_000, 'nul', 'long');
            expectQuiet(await runLoop(loop));
            const queue = await cli.queue();
            for (const [id, text] of [
              ['nul', /no such order/],
              ['long', /0{3000}/],
            ] as const) {
              const [job] = await queue.find(id);
              expect(job).to.include({ state: 'delayed', attempts: 1 });
              expect(job?.history?.[0]).to.include({ outcome: 'retried' });
              expect(job?.history?.[0]?.reason).to.match(text);
            }
          },
          itOnce,
        );
    }

    itOnce(
      'the worker loop in bash renews its lease after a renewal has failed, until the lease is lost',
      async () => {
        await push('1');
        const bin = (name: string) => join(cli.home, 'bin', name);
        renameSync(bin('delayer'), bin('real-delayer'));
        writeFileSync(bin('delayer'), DELAYER_WITHOUT_FIRST_EXTEND, { mode: 0o755 });
        writeFileSync(bin('sleep'), '#!/bin/sh\necho "$1" >>pauses\nexec /bin/sleep 0.1\n', { mode: 0o755 });
        setUpWork(cli, 'sh');
        writeFileSync(bin('cancel-order'), WORK_THAT_LOSES_ITS_LEASE);
        writeFileSync(join(cli.home, 'loop'), blockWith(PAGE, 'bash', POP));
        const outcome = await cli.sh('bash loop');
        expect(readFileSync(join(cli.home, 'extended'), 'utf8')).to.match(/^69\n(0\n)+1\n$/);
        const pauses = readFileSync(join(cli.home, 'pauses'), 'utf8').trimEnd().split('\n').map(Number);
        expect(Math.max(...pauses)).to.be.below(60 / 3);
        expect(outcome.code).to.equal(0);
        expect(outcome.stderr).to.match(/^.*lease.*\n$/); // Of ack.
      },
    );

    it('the one-line worker passes the body of the job to the handler', async () => {
      await push('1');
      setUpWork(cli, 'sh');
      expectQuiet(await cli.sh(blockWith(PAGE, 'sh', "--exec 'cancel-order'")));
      expect(readFileSync(join(cli.home, 'seen'), 'utf8')).to.equal('{"id":"1"}\n');
      expect((await (await cli.queue()).stats()).totals).to.include({ ready: 0, leased: 0, delayed: 0 });
    });

    it('the commands about dead letters print what the page shows', async () => {
      const queue = await cli.queue();
      const jobs = ['32', '33'].map((id) => ({ id, topic: 'close_order', body: `{"orderID":${id}}` }));
      await queue.pushMany(jobs.map((job) => ({ ...job, retries: 0 })));
      await cli.sh(`delayer drain close_order --exec 'echo no such order >&2; exit 1'`);
      const page = blockWith(PAGE, 'console', '--state dead');
      const printed: string[] = [];
      for (const [line, command = ''] of page.matchAll(/^\$ (.*)$/gm)) {
        const outcome = expectQuiet(await cli.sh(command));
        printed.push(`${line}\n${outcome.stdout.toString().replace(/^\n/gm, '')}`);
      }
      expect(withoutTimes(printed.join(''))).to.equal(withoutTimes(page));
    });

    it('a handler that ends its lease with nack decides the outcome, and its exit code is ignored', async () => {
      await push('1');
      writeFileSync(join(cli.home, 'settle'), blockWith(PAGE, 'sh', 'DELAYER_LEASE'));
      await cli.sh(`delayer drain close_order --exec '. ./settle; exit 65'`);
      const [job] = await (await cli.queue()).find('1');
      expect(job).to.include({ state: 'delayed', attempts: 1 });
      expect(job?.history?.[0]).to.include({ outcome: 'retried', reason: 'closed for lunch' });
    });

    /** Runs a handler twice for one job, and once for a new job of its id; returns the number of cancellations after each. */
    const effects = async (file: string, code: string, command: string) => {
      writeFileSync(join(cli.home, file), code);
      execFileSync('python3', ['-c', MAKE_TABLES, blockWith(PAGE, 'sql', 'CREATE TABLE')], { cwd: cli.home });
      const body = { topic: 'close_order', body: '{"orderID":32}', id: '32' };
      const backoff = { firstMs: 0, lastMs: 0 };
      const queue = await cli.queue();
      await queue.push({ ...body, retries: 1, backoff });
      // The handler takes effect and then fails, as if its worker had been killed before the ack.
      const fails = `${command}; [ "$DELAYER_ATTEMPT" = 2 ]`;
      const drain = (exec: string) => cli.run(['drain', 'close_order', '--exec', exec]);
      await drain(fails);
      await drain(fails);
      const first = cancelled(cli);
      await queue.push(body);
      expectQuiet(await drain(command));
      return [first, cancelled(cli)];
    };

    whereThere(
      'the exactly-once handler in Python takes effect once for a job that is delivered twice',
      lacks('python3'),
      async () => {
        const code = blockWith(PAGE, 'python', '# cancel.py');
        expect(await effects('cancel.py', code, 'python3 cancel.py')).to.deep.equal([1, 2]);
      },
      itOnce,
    );

    whereThere(
      'the exactly-once handler in PHP takes effect once for a job that is delivered twice',
      lacksPdo() ?? lacks('python3'),
      async () => {
        const code = blockWith(PAGE, 'php', '// cancel.php');
        const [, command = ''] =
          /--exec '(php cancel\.php)'/.exec(blockWith(PAGE, 'sh', 'php cancel.php')) ?? [];
        expect(await effects('cancel.php', code, command)).to.deep.equal([1, 2]);
      },
    );
  });
});

const MAKE_TABLES = `
import sqlite3, sys
db = sqlite3.connect("orders.db")
db.executescript(sys.argv[1])
db.execute("INSERT INTO orders (id) VALUES (32)")
db.commit()`;

/** The number of cancellations of order 32. */
function cancelled({ home }: CliGround): number {
  const script = `import sqlite3; print(sqlite3.connect("orders.db").execute("SELECT cancelled FROM orders").fetchone()[0])`;
  return Number(execFileSync('python3', ['-c', script], { cwd: home }).toString());
}
