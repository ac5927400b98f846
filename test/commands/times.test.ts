import { expect } from 'chai';
import { documentOf, expectQuiet, useCli } from '../support/cli.js';

/** Values of TZ, and noon of a summer's day there as libc has it, or undefined where a time is refused. */
const NOON: readonly (readonly [zone: string | undefined, dueAt: string | undefined])[] = [
  ['Europe/Berlin', '2099-07-01T10:00:00.000Z'],
  [':Europe/Berlin', '2099-07-01T10:00:00.000Z'],
  ['/usr/share/zoneinfo/Europe/Berlin', '2099-07-01T10:00:00.000Z'],
  [':/usr/share/zoneinfo/America/New_York', '2099-07-01T16:00:00.000Z'],
  ['UTC', '2099-07-01T12:00:00.000Z'],
  ['UTC0', '2099-07-01T12:00:00.000Z'],
  ['', '2099-07-01T12:00:00.000Z'],
  ['CET-1CEST,M3.5.0,M10.5.0/3', undefined],
  ['<+03>-3', undefined],
  ['europe/berlin', undefined],
  ['Europe/Nowhere', undefined],
  ['PST', undefined],
  ['/etc/passwd', undefined],
  [':/nonexistent', undefined],
];

describe('a time without an offset', () => {
  const cli = useCli((home) => ({ DELAYER_STORE: `sqlite:${home}/queue.db` }));
  const push = (at: string, TZ: string) =>
    cli.run(['push', 'topic', 'b', '--json', '--at', at], { env: { TZ } });

  for (const [zone = '', dueAt] of NOON) {
    it(`a time without an offset is ${dueAt === undefined ? 'refused' : 'read correctly'} under TZ=${zone}`, async () => {
      const outcome = await push('2099-07-01T12:00', zone);
      if (dueAt !== undefined) {
        expect(documentOf(expectQuiet(outcome))).to.include({ dueAt });
        return;
      }
      expect(outcome.code).to.equal(2);
      expect(outcome.stderr).to.match(
        /^\{[^\n]*--at has no offset, and the time zone of TZ=[^\n]* offset [^\n]*\n$/,
      );
      const precise = await push('2099-07-01T12:00+02:00', zone);
      expect(documentOf(expectQuiet(precise))).to.include({ dueAt: '2099-07-01T10:00:00.000Z' });
    });
  }

  it('a time without an offset is read in the zone of the system when TZ is not set or names /etc/localtime', async () => {
    const script = `
      unset TZ
      want=$(date -ud "$(date -d '2099-07-01 12:00' --iso-8601=seconds)" +%Y-%m-%dT%H:%M:%S.000Z)
      for given in unset :/etc/localtime /etc/localtime; do
        [ "$given" = unset ] || export TZ=$given
        delayer push topic b --json --at 2099-07-01T12:00 | grep -F "\\"dueAt\\":\\"$want\\"" >/dev/null || echo "$given"
      done`;
    expect(expectQuiet(await cli.sh(script)).stdout.toString()).to.equal('');
  });

  it('a time without an offset in a line of a batch is refused when the zone cannot be determined', async () => {
    const stdin = '{"topic":"topic","body":"b","at":"2099-07-01T12:00"}\n{"topic":"topic","body":"b"}\n';
    const outcome = await cli.run(['push', '--batch'], { stdin, env: { TZ: 'CET-1CEST' } });
    expect(outcome.code).to.equal(2);
    expect(outcome.stderr).to.match(
      /^delayer: line 1: at has no offset[^\n]*\ndelayer: 1 pushed, 1 bad line\n$/,
    );
  });

  it('a time in words is read in the local zone, and refused when it needs a zone that cannot be determined', async () => {
    const day = (zone: string, later: number) =>
      new Intl.DateTimeFormat('sv', { timeZone: zone }).format(Date.now() + later * 86_400_000);
    const dueIn = async (words: string, TZ: string) =>
      new Date(documentOf<{ dueAt: string }>(expectQuiet(await push(words, TZ))).dueAt);
    const [before, due, after] = [
      day('Asia/Kolkata', 1),
      await dueIn('tomorrow 9:00', 'Asia/Kolkata'),
      day('Asia/Kolkata', 1),
    ];
    expect([`${before}T03:30:00.000Z`, `${after}T03:30:00.000Z`]).to.include(due.toISOString());
    expect((await dueIn('in two hours', 'CET-1CEST')).getTime()).to.be.above(Date.now() + 3_600_000);
    const refused = await push('tomorrow 9:00', 'CET-1CEST');
    expect(refused.code).to.equal(2);
    expect(refused.stderr).to.include('--at has no offset, and the time zone of TZ=CET-1CEST');
  });

  it('a day with "last" before it is in the past, so it selects nothing that is due later', async () => {
    const queue = await cli.queue();
    await queue.push({ id: 'later', topic: 'topic', body: 'b', delayMs: 3_600_000 });
    for (const words of ['last friday', 'past monday', 'last sunday 9:00']) {
      const { code } = await cli.run(['remove', '--due-before', words, '--yes'], { env: { TZ: 'UTC' } });
      expect(code, words).to.equal(1);
    }
    expect(await queue.find('later')).to.have.lengthOf(1);
  });

  it('words that are not a time, or more than a time, and dates in figures are refused', async () => {
    for (const text of ['soon', 'tomorrow or so', '03/04/2099', '2099-02-30', 'monday to friday', '']) {
      const outcome = await push(text, 'UTC');
      expect(outcome.code, text).to.equal(2);
      expect(outcome.stderr, text).to.include('invalid time for --at');
    }
  });

  it('a terminal shows the parsed time in local time and as a distance from now', async () => {
    // Without hours in one hour of the day.
    const env = { TZ: 'Asia/Kolkata' };
    const shown = await cli.terminal('delayer push topic b --at 2099-07-01T12:00Z', { env });
    expect(shown).to.match(/delayer: due 2099-07-01 17:30:00 \+05:30 \(in \d+d(\d+h)?\)\r\n/);
    const past = await cli.terminal('delayer push topic b --at 2001-07-01T12:00', { env });
    expect(past).to.match(/delayer: due 2001-07-01 12:00:00 \+05:30 \(\d+d(\d+h)? ago: at once\)\r\n/);
    const flags = '--due-after 2001-07-01T12:00 --due-before 2099-07-01T12:00Z';
    const selected = await cli.terminal(`delayer remove --topic topic ${flags} --dry-run`, { env });
    expect(selected).to.match(/delayer: due after 2001-07-01 12:00:00 \+05:30 \(\d+d(\d+h)? ago\)\r\n/);
    expect(selected).to.match(/delayer: due before 2099-07-01 17:30:00 \+05:30 \(in \d+d(\d+h)?\)\r\n/);
    const paused = await cli.terminal('delayer pause topic --for 1h', { env });
    expect(paused).to.match(
      /delayer: paused until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+05:30 \(in (1h|59m59s)\)\r\n/,
    );
  });
});
