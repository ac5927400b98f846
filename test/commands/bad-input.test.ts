import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Outcome, useCli } from '../support/cli.js';

const USAGE = 2;
const CONFIG = 78;

/** Arguments, the exit code, and what the one line must contain. */
const BAD: Readonly<Record<string, readonly [args: readonly string[], code: number, says: RegExp]>> = {
  'an unknown command': [['shove', 'topic', 'body'], USAGE, /unknown command "shove"/],
  'a mistyped command': [['psuh', 'topic', 'body'], USAGE, /unknown command "psuh"\. Did you mean push\?/],
  'help of a mistyped command': [['help', 'inpsect'], USAGE, /Did you mean inspect\?/],
  'a mistyped flag': [
    ['push', 'topic', 'body', '--dealy', '1'],
    USAGE,
    /unknown flag "--dealy"\. Did you mean --delay\?/,
  ],
  'a flag of another command': [['remove', 'a', '--all'], USAGE, /unknown flag "--all"/],
  'a flag and no command': [['--store', 'sqlite:q.db'], USAGE, /the command is missing\. The commands are/],
  'a dash in place of a command': [['-'], USAGE, /unknown command "-"/],
  'a mistyped flag before the command': [['--jsno', 'pop', 'a'], USAGE, /unknown flag "--jsno"/],
  'a flag of one letter': [['push', 'topic', '-x'], USAGE, /unknown flag "-x".*after --/],
  'too many arguments': [['push', 'topic', 'body', 'more'], USAGE, /unexpected argument "more"/],
  'a flag without its value': [['push', 'topic', 'body', '--id'], USAGE, /--id needs a value/],
  'a flag in the place of a value': [['push', 'topic', '--id', '--replace'], USAGE, /--id needs a value/],
  'a flag given twice': [['pop', 'topic', '--count=1', '--count=2'], USAGE, /--count is given twice/],
  'no topic to push to': [['push'], USAGE, /TOPIC is missing\. Usage: delayer push TOPIC BODY/],
  'no body to push': [['push', 'topic'], USAGE, /BODY is missing\. Usage: delayer push TOPIC BODY/],
  'no topic to pop from': [['pop'], USAGE, /TOPIC is missing\. Usage: delayer pop TOPIC\.\.\. \[flags\]/],
  'no topic to drain': [['drain'], USAGE, /TOPIC is missing\. Usage: delayer drain TOPIC\.\.\./],
  'no id to remove': [
    ['remove'],
    USAGE,
    /ID or a selection such as --topic is missing\. Usage: delayer remove ID\.\.\./,
  ],
  'an empty command for --exec': [['drain', 'topic', '--exec', ''], USAGE, /--exec is empty/],
  'no command after --': [['drain', 'topic', '--'], USAGE, /there is no command after --/],
  '--exec and a command after --': [
    ['drain', 'topic', '--exec', 'cat', '--', 'cat'],
    USAGE,
    /--exec and a command after --/,
  ],
  'a handler and --output': [
    ['drain', 'topic', '--output', 'id', '--', 'cat'],
    USAGE,
    /--output and a handler cannot/,
  ],
  '--jobs without a handler': [
    ['drain', 'topic', '--jobs', '2'],
    USAGE,
    /--jobs needs a handler\. Add --exec/,
  ],
  '--retries without a handler': [['drain', 'topic', '--retries', '0'], USAGE, /--retries needs a handler/],
  '--timeout without a handler': [['drain', 'topic', '--timeout', '1'], USAGE, /--timeout needs a handler/],
  '--batch-size without a handler': [
    ['drain', 'topic', '--batch-size', '2'],
    USAGE,
    /--batch-size needs a handler/,
  ],
  '--tag without a handler': [['drain', 'topic', '--tag'], USAGE, /--tag needs a handler/],
  '--jobs 0': [['drain', 'topic', '--exec', 'true', '--jobs', '0'], USAGE, /number for --jobs: "0"/],
  'negative --retries of drain': [
    ['drain', 'topic', '--exec', 'true', '--retries', '-1'],
    USAGE,
    /--retries: "-1"/,
  ],
  'a --backoff of drain that shrinks': [
    ['drain', 'topic', '--exec', 'true', '--backoff', '10m..1s'],
    USAGE,
    /first pause of the backoff is longer/,
  ],
  'a --timeout of 25 days': [
    ['drain', 'topic', '--exec', 'true', '--timeout', '25d'],
    USAGE,
    /--timeout is too long\. At most 24d/,
  ],
  'a --lease of 25 days for drain': [
    ['drain', 'topic', '--exec', 'true', '--lease', '25d'],
    USAGE,
    /--lease is too long/,
  ],
  'a rate without a unit': [['drain', 'topic', '--exec', 'true', '--rate', '5'], USAGE, /--rate: "5"/],
  'a rate of zero': [['drain', 'topic', '--exec', 'true', '--rate', '0/s'], USAGE, /--rate: "0\/s"/],
  '--outcomes without --batch-size': [
    ['drain', 'topic', '--exec', 'true', '--outcomes'],
    USAGE,
    /--outcomes needs --batch-size/,
  ],
  '--tag with --batch-size': [
    ['drain', 'topic', '--exec', 'true', '--tag', '--batch-size', '2'],
    USAGE,
    /--tag and --batch-size cannot/,
  ],
  '--lock-name without --lock': [
    ['drain', 'topic', '--lock-name', 'name'],
    USAGE,
    /--lock-name needs --lock/,
  ],
  'an empty --lock-name': [['drain', 'topic', '--lock', '--lock-name', ''], USAGE, /--lock-name is empty/],
  'an empty id': [['push', 'topic', 'body', '--id', ''], USAGE, /id is empty/],
  'an empty id to remove': [['remove', ''], USAGE, /id is empty/],
  'an empty id to look for': [['inspect', '--id', ''], USAGE, /id is empty/],
  'an empty topic': [['push', '', 'body'], USAGE, /topic is empty/],
  'an empty topic to pop from': [['pop', ''], USAGE, /topic is empty/],
  'an empty topic among others': [['pop', 'a', ''], USAGE, /topic is empty/],
  'an empty topic to drain': [['drain', ''], USAGE, /topic is empty/],
  'a negative delay': [['push', 'topic', 'body', '--delay', '-1'], USAGE, /--delay must not be negative/],
  'a negative delay after =': [
    ['push', 'topic', 'body', '--delay=-5s'],
    USAGE,
    /--delay must not be negative/,
  ],
  'a delay that is text': [
    ['push', 'topic', 'body', '--delay', 'soon'],
    USAGE,
    /invalid duration for --delay: "soon"/,
  ],
  'an empty delay': [['push', 'topic', 'body', '--delay', ''], USAGE, /--delay/],
  'a delay that overflows': [['push', 'topic', 'body', '--delay', '9'.repeat(400)], USAGE, /--delay/],
  'a delay of more than a century': [['push', 'topic', 'body', '--delay', '36526d'], USAGE, /--delay/],
  'a delay in exponents': [['push', 'topic', 'body', '--delay', '1e3'], USAGE, /--delay/],
  'a negative ttl': [['push', 'topic', 'body', '--ttl=-1'], USAGE, /--ttl/],
  'a ttl of zero': [['push', 'topic', 'body', '--ttl', '0'], USAGE, /--ttl must not be zero/],
  'a ttl that rounds to zero': [
    ['push', 'topic', 'body', '--ttl', '0.0001'],
    USAGE,
    /--ttl must not be zero/,
  ],
  'BODY and --body': [['push', 'topic', 'body', '--body', 'b'], USAGE, /BODY and --body cannot/],
  '--body without a value': [['push', 'topic', '--body'], USAGE, /--body needs a value/],
  '--quiet and --verbose': [['pop', 'topic', '--quiet', '--verbose'], USAGE, /--quiet and --verbose cannot/],
  'a ttl that is text': [['push', 'topic', 'body', '--ttl', 'long'], USAGE, /--ttl/],
  'a ttl that overflows': [['push', 'topic', 'body', '--ttl', '99999999999d'], USAGE, /--ttl/],
  'a time that cannot be read': [
    ['push', 'topic', 'body', '--at', 'soon'],
    USAGE,
    /invalid time for --at: "soon"/,
  ],
  'a day that does not exist': [['push', 'topic', 'body', '--at', '2026-02-30'], USAGE, /--at/],
  'a time that is too far away': [['push', 'topic', 'body', '--at', '@99999999999999'], USAGE, /--at/],
  '--delay and --at': [
    ['push', 't', 'b', '--delay', '1', '--at', '@1'],
    USAGE,
    /--delay and --at cannot be used together/,
  ],
  '--replace and --if-absent': [
    ['push', 't', 'b', '--replace', '--if-absent'],
    USAGE,
    /--replace and --if-absent cannot be used together/,
  ],
  'BODY and --batch': [['push', 'file', 'body', '--batch'], USAGE, /--batch/],
  '--id with --batch': [['push', '--batch', '--id', 'a'], USAGE, /--batch and --id cannot/],
  'bytes that are not base64': [['push', '!!', 'body', '--base64'], USAGE, /"!!" is not valid base64/],
  'a count of zero': [['pop', 'topic', '--count', '0'], USAGE, /invalid number for --count: "0"/],
  'a count that is text': [['pop', 'topic', '--count', 'all'], USAGE, /--count/],
  'a mistyped output': [
    ['pop', 'topic', '--output', 'jsno'],
    USAGE,
    /invalid value for --output: "jsno"\. Did you mean json\?/,
  ],
  'an unknown output': [
    ['pop', 'topic', '--output', 'xml'],
    USAGE,
    /"xml"\. The values are json, body, id, lease/,
  ],
  'a negative timeout': [['bpop', 'topic', '--timeout=-1'], USAGE, /--timeout/],
  'a mistyped state': [['inspect', 't', '--state', 'ready,delyaed'], USAGE, /Did you mean delayed\?/],
  '--limit without TOPIC': [['inspect', '--limit', '3'], USAGE, /TOPIC/],
  '--cursor without TOPIC': [['inspect', '--cursor', 'x'], USAGE, /TOPIC/],
  'an invalid cursor': [['inspect', 'topic', '--cursor', 'x'], USAGE, /invalid cursor/],
  '--cursor with a selection': [['inspect', '--state', 'ready', '--cursor', 'x'], USAGE, /needs a TOPIC/],
  '--cursor with --sort': [['inspect', 't', '--sort', 'due', '--cursor', 'x'], USAGE, /--sort/],
  'an unknown column': [['inspect', 't', '--columns', 'id,stat'], USAGE, /"stat".*Did you mean state\?/],
  'an unknown column to sort by': [['inspect', 't', '--sort', '-expire'], USAGE, /Did you mean expires\?/],
  '--columns with --output id': [['inspect', 't', '--columns', 'id', '--output', 'id'], USAGE, /--columns/],
  '-0 with a table': [['inspect', 't', '-0'], USAGE, /-0 needs --output id/],
  '--sort with a --limit above the maximum': [
    ['inspect', 't', '--sort', 'due', '--limit', '100001'],
    USAGE,
    /at most/,
  ],
  '--exact with a selection': [['inspect', '--exact', '--state', 'ready'], USAGE, /--exact/],
  '--interval without --watch': [['inspect', '--interval', '5s'], USAGE, /--interval needs --watch/],
  '--watch with TOPIC': [['inspect', 't', '--watch'], USAGE, /TOPIC.* and --watch/],
  '--output body without TOPIC': [['inspect', '--output', 'body'], USAGE, /needs a TOPIC/],
  'an unknown column of topics': [['inspect', '--sort', '-delay'], USAGE, /Did you mean delayed\?/],
  'TOPIC and --topic': [['inspect', 't', '--topic', 'u'], USAGE, /TOPIC and --topic/],
  'TOPIC and ids from stdin': [['inspect', 't', '-'], USAGE, /TOPIC and - cannot/],
  '--group-by reason with several topics': [
    ['inspect', 't', 'u', '--group-by', 'reason'],
    USAGE,
    /exactly one TOPIC/,
  ],
  'TOPIC and --id': [['inspect', 'topic', '--id', 'a'], USAGE, /TOPIC and --id/],
  '--step without --loop': [['drain', 'topic', '--step', '10'], USAGE, /--step needs --loop/],
  '--step 0': [['drain', 'topic', '--loop', '--step', '0'], USAGE, /--step/],
  '--loop and --follow': [['drain', 'topic', '--loop', '--follow'], USAGE, /--loop and --follow/],
  '--interval 0': [['serve', '--interval', '0'], USAGE, /--interval/],
  'an argument for a command that takes none': [['serve', 'topic'], USAGE, /unexpected argument "topic"/],
  'a store URL with an unknown scheme': [['pop', 'topic', '--store', 'mysql://host'], CONFIG, /"mysql:"/],
  'a store that is not a URL': [['pop', 'topic', '--store', 'localhost'], CONFIG, /URL/],
  'an empty store': [['pop', 'topic', '--store', ''], CONFIG, /URL/],
  'a store URL without a host': [['pop', 'topic', '--store', 'redis://'], CONFIG, /host/],
  'a port out of range': [['pop', 'topic', '--store', 'redis://h:99999'], CONFIG, /URL/],
  'a database that is not a number': [['pop', 'topic', '--store', 'redis://h/one'], CONFIG, /not a number/],
  'a socket without a path': [['pop', 'topic', '--store', 'redis+unix://'], CONFIG, /socket/],
  'a switch with a value other than true or false': [
    ['remove', 'a', '--any-state=maybe'],
    USAGE,
    /invalid value for --any-state: "maybe"/,
  ],
  'a file of jobs that does not exist': [
    ['push', '--batch', '/nonexistent'],
    USAGE,
    /no such file or directory.*\/nonexistent/,
  ],
  'an SQLite database in memory': [['pop', 'topic', '--store', 'sqlite::memory:'], CONFIG, /":memory:"/],
  'a ~ that no shell has expanded': [['pop', 'topic', '--store', 'sqlite:~/q.db'], CONFIG, /"~\/q\.db"/],
  'parameters for SQLite': [['pop', 'topic', '--store', 'sqlite:q.db?mode=ro'], CONFIG, /mode=ro/],
  'a fragment in a store URL': [['pop', 'topic', '--store', 'redis://h/0#x'], CONFIG, /#/],
  'an SQLite store without a path': [['pop', 'topic', '--store', 'sqlite:'], CONFIG, /file/],
  'negative retries': [['push', 't', 'b', '--retries', '-1'], USAGE, /invalid number for --retries: "-1"/],
  'retries that are text': [['pop', 't', '--lease', '1', '--retries', 'all'], USAGE, /--retries/],
  'a --backoff with one pause': [
    ['push', 't', 'b', '--backoff', '10m'],
    USAGE,
    /--backoff: "10m".*1s\.\.10m/,
  ],
  'a --backoff that shrinks': [
    ['push', 't', 'b', '--backoff', '10m..1s'],
    USAGE,
    /first pause of the backoff is longer/,
  ],
  '--retries with --batch': [['push', '--batch', '--retries', '1'], USAGE, /--batch and --retries cannot/],
  'a lease of zero': [['pop', 't', '--lease', '0'], USAGE, /--lease must not be zero/],
  'a lease of more than 24 days': [
    ['bpop', 't', '--lease', '25d'],
    USAGE,
    /--lease is too long. At most 24d/,
  ],
  'an extension of more than 24 days': [['extend', 'x', '--lease', '25d'], USAGE, /--lease is too long/],
  '--retries of pop without --lease': [['pop', 't', '--retries', '1'], USAGE, /--retries needs --lease/],
  '--body-file without --lease': [['pop', 't', '--body-file', 'f'], USAGE, /--body-file needs --lease/],
  '--body-file for several jobs': [
    ['pop', 't', '--lease', '1', '--count', '2', '--body-file', 'f'],
    USAGE,
    /--body-file is for one job/,
  ],
  '--output lease without --lease': [
    ['pop', 't', '--output', 'lease'],
    USAGE,
    /--output lease needs --lease/,
  ],
  '--lease with an output that leaves out the lease': [
    ['pop', 't', '--lease', '1', '--output', 'body'],
    USAGE,
    /does not print the lease/,
  ],
  'no lease to end': [['ack'], USAGE, /LEASE is missing\. Usage: delayer ack LEASE/],
  'a string that is not a lease': [['nack', '32'], USAGE, /"32" is not a lease/],
  '--delay and --dead': [['nack', 'x', '--delay', '1', '--dead'], USAGE, /--delay and --dead cannot/],
  '--dead-ttl without --dead': [['nack', 'x', '--dead-ttl', '1'], USAGE, /--dead-ttl needs --dead/],
  'a dead ttl that would be rounded to 0, for ever': [
    ['nack', 'x', '--dead', '--dead-ttl', '0.4ms'],
    USAGE,
    /--dead-ttl is shorter than 1 ms: "0\.4ms"\. Write 1ms or more, or 0\./,
  ],
  'a timeout that would be rounded to 0, for ever': [
    ['bpop', 't', '--timeout', '0.0004'],
    USAGE,
    /--timeout is shorter than 1 ms/,
  ],
  'nothing to requeue': [
    ['requeue'],
    USAGE,
    /ID or a selection such as --topic is missing\. Usage: delayer requeue/,
  ],
  'ids and --topic for requeue': [['requeue', 'a', '--topic', 't'], USAGE, /ID and --topic cannot/],
  'an empty --topic for requeue': [['requeue', '--topic', '', '--yes'], USAGE, /--topic is empty/],
  '--dry-run with ids': [['requeue', 'a', '--dry-run'], USAGE, /ID and --dry-run cannot be used together/],
  'a selection without --yes': [['requeue', '--topic', 't'], USAGE, /--yes/],
  '--group-by reason and --output ndjson': [
    ['inspect', 't', '--group-by', 'reason', '--output', 'ndjson'],
    USAGE,
    /--group-by and --output ndjson cannot be used together\. Counts are no jobs/,
  ],
  '--group-by reason without TOPIC': [
    ['inspect', '--group-by', 'reason'],
    USAGE,
    /--group-by needs exactly one TOPIC/,
  ],
  '--group-by reason with a state other than dead': [
    ['inspect', 't', '--group-by', 'reason', '--state', 'ready'],
    USAGE,
    /only dead letters/,
  ],
  'an empty prefix': [['pop', 'topic', '--store', 'redis://h', '--prefix', ''], CONFIG, /prefix/],
};

function expectOneLine(outcome: Outcome, code: number, says: RegExp): void {
  expect(outcome.stdout.toString(), 'stdout').to.equal('');
  expect(outcome.stderr, 'one line').to.match(/^delayer: [^\n]+\n$/);
  expect(outcome.stderr).to.match(says);
  expect(outcome.code).to.equal(code);
}

describe('bad input', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));

  beforeEach('create the store', async () => {
    await (await cli.queue()).push({ topic: 'other', body: 'b' });
  });

  for (const [what, [args, code, says]] of Object.entries(BAD))
    it(`bad input is refused in one line: ${what}`, async () => {
      expectOneLine(await cli.run(args), code, says);
    });

  it('arguments that are not valid UTF-8 are refused and not pushed in another form', async () => {
    const outcome = await cli.sh(`delayer push $'\\xff' body; delayer push topic $'\\xff'`);
    expect(outcome.code).to.equal(2);
    expect(outcome.stdout).to.be.empty;
    expect(outcome.stderr).to.match(/^(delayer: [^\n]*not valid UTF-8[^\n]*\n){2}$/);
  });

  it('a directory as stdin is refused and not read as an empty body', async () => {
    expectOneLine(await cli.sh('delayer push topic - </'), USAGE, /stdin is a directory/);
  });

  it('help on a full disk ends with 74 and one line', async () => {
    const outcome = await cli.sh('delayer --help >/dev/full');
    expectOneLine(outcome, 74, /cannot write to stdout/);
  });

  it('a command that takes no jobs says nothing of jobs when it cannot print', async () => {
    await (await cli.queue()).push({ topic: 'topic', body: 'b' });
    for (const command of ['--version', '--help', 'config', 'completion bash', 'forecast topic']) {
      const outcome = await cli.sh(`delayer ${command} >/dev/full`);
      expectOneLine(outcome, 74, /cannot write to stdout/);
      expect(outcome.stderr, command).to.not.match(/job/i);
    }
  });

  it('bad input changes nothing in the queue', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'a', topic: 'topic', body: 'b' });
    await cli.run(['pop', 'topic', '--count', '0']);
    await cli.run(['push', 'topic', 'other', '--id', 'a', '--replace', '--delay', 'soon']);
    await cli.run(['remove', 'a', '--any-state=false']);
    expect((await queue.find('a'))[0]?.body?.toString()).to.equal('b');
  });

  it('an SQLite path that is not a database, a directory or below a file is refused with its name', async () => {
    writeFileSync(join(cli.home, 'text'), 'no database, and long enough to be looked at as one of them');
    for (const [path, code] of [
      ['text', 69],
      ['.', 78],
      ['text/queue.db', 78],
    ] as const) {
      const outcome = await cli.run(['push', 'topic', 'b', '--store', `sqlite:${path}`]);
      expectOneLine(outcome, code, new RegExp(join(cli.home, path === '.' ? '' : 'text')));
    }
  });
});
