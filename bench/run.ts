import { parseArgs } from 'node:util';
import { asJson, asMarkdown, asText, type Result } from './report.js';
import type { Bench } from './support.js';
import { WORKLOADS } from './workloads/index.js';

const USAGE = `npm run bench -- [NAME…] [--small] [--rounds N] [--beside RELEASE] [--json | --markdown]

Runs the named workloads, or all but the long ones:
${WORKLOADS.map(({ name, about, long }) => `  ${name.padEnd(14)} ${about}${long === true ? ' (long)' : ''}`).join('\n')}

--beside compares sqlite-cpu and redis-cpu with another release: RELEASE is its folder, with dependencies installed.
`;

const ROUNDS = 5;

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    small: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    beside: { type: 'string' },
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const unknown = names.filter((name) => !WORKLOADS.some((workload) => workload.name === name));
const rounds = Number(options.rounds ?? (options.small ? 1 : ROUNDS));
if (options.help || unknown.length > 0 || !(rounds >= 1)) {
  process.stderr.write(USAGE);
  process.exit(options.help ? 0 : 2);
}

const NEVER_SETTLED = 13; // Node's exit code, without a message, when a promise can no longer settle.
process.once('exit', (code) => {
  if (code === NEVER_SETTLED)
    process.stderr.write('a workload waits for a promise that can no longer settle\n');
});

// The default action of a signal would leave servers and folders behind.
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(code));
}

const terminal = process.stderr.isTTY;
const chosen = WORKLOADS.filter(({ name, long }) =>
  names.length === 0 ? long !== true : names.includes(name),
);
const results: Result[] = [];
for (const workload of chosen) {
  const bench: Bench = {
    small: options.small,
    rounds,
    besideRelease: options.beside,
    progress: (message) => {
      if (terminal) process.stderr.write(`\r\x1b[K${workload.name}: ${message}`);
    },
  };
  const begun = performance.now();
  const figures = await workload.run(bench);
  results.push({ workload, figures, seconds: (performance.now() - begun) / 1000 });
  if (terminal) process.stderr.write('\r\x1b[K');
}
process.stdout.write(
  options.json ? asJson(results) : options.markdown ? asMarkdown(results) : asText(results),
);
