// The faults in their long form, or with --small as `npm test` has them: runs the tests of this folder and those
// below, prints what they have measured, and exits with 1 when a goal was missed.
import Mocha from 'mocha';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const SUFFIX = '.test.ts';
const NAMES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .flatMap((file) => (file.endsWith(SUFFIX) ? [file.slice(0, -SUFFIX.length)] : []))
  .sort();
const USAGE = `usage: npm run test:faults -- [--only ${NAMES.join('|')}]… [--small]`;

interface Options {
  readonly names: readonly string[];
  readonly isSmall: boolean;
}

/** @returns nothing, when they cannot be understood */
function readOptions(args: string[]): Options | undefined {
  try {
    const options = { only: { type: 'string', multiple: true }, small: { type: 'boolean' } } as const;
    const { only = NAMES, small = false } = parseArgs({ args, options }).values;
    return only.every((name) => NAMES.includes(name)) ? { names: only, isSmall: small } : undefined;
  } catch {
    return undefined;
  }
}

/** @returns how many tests failed */
async function run({ names, isSmall }: Options): Promise<number> {
  // Read by measure.ts, which the tests import.
  process.env.DELAYER_FAULTS = isSmall ? 'short' : 'long';
  const mocha = new Mocha({ timeout: 0, reporter: 'spec', forbidOnly: true });
  for (const name of names) mocha.addFile(`${FOLDER}${name}${SUFFIX}`);
  await mocha.loadFilesAsync();
  return new Promise((resolve) => mocha.run(resolve));
}

async function printTable(): Promise<void> {
  const { measurements } = await import('./measure.js');
  console.log('| fault | store | measured | goal | seen | |\n|---|---|---|---|---|---|');
  for (const { fault, store, counts, gates, seconds } of measurements) {
    const parts = Object.entries(counts).map(([name, count]) => `${count.toLocaleString('en')} ${name}`);
    const measured = [...parts, `${Math.round(seconds)} s`].join(', ');
    for (const [i, { goal, seen, isMet }] of gates.entries()) {
      const head = i === 0 ? `| ${fault} | ${store} | ${measured} |` : '| | | |';
      console.log(`${head} ${goal} | ${seen.toLocaleString('en')} | ${isMet ? 'met' : 'NOT MET'} |`);
    }
    if (gates.length === 0) console.log(`| ${fault} | ${store} | ${measured} | | | did not end |`);
  }
}

const options = readOptions(process.argv.slice(2));
if (options === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  // A long run that is interrupted tells what it has measured so far.
  process.once('SIGINT', () => {
    void printTable().then(() => process.exit(1));
  });
  const failed = await run(options);
  await printTable();
  process.exitCode = failed > 0 ? 1 : 0;
}
