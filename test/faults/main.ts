// Runs the tests of this folder in their long form, or with --small as `npm test` does, prints what they have measured,
// and exits with 1 if a goal was missed.
import Mocha from 'mocha';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const SUFFIX = '.test.ts';
const NAMES = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .flatMap((file) => (file.endsWith(SUFFIX) ? [file.slice(0, -SUFFIX.length)] : []))
  .sort();
const USAGE = `usage: npm run test:faults -- [--only ${NAMES.join('|')}]… [--grep WORDS] [--soak MINUTES] [--small]`;

interface Options {
  readonly names: readonly string[];
  readonly isSmall: boolean;
  /** Runs only tests whose names match. */
  readonly grep: string | undefined;
  readonly soakMinutes: string | undefined;
}

/** @returns undefined if the arguments are wrong */
function readOptions(args: string[]): Options | undefined {
  try {
    const text = { type: 'string' } as const;
    const options = {
      only: { ...text, multiple: true },
      grep: text,
      soak: text,
      small: { type: 'boolean' },
    } as const;
    const { only = NAMES, small = false, grep, soak } = parseArgs({ args, options }).values;
    const isWrong = only.some((name) => !NAMES.includes(name)) || !(soak === undefined || Number(soak) > 0);
    return isWrong ? undefined : { names: only, isSmall: small, grep, soakMinutes: soak };
  } catch {
    return undefined;
  }
}

/** @returns the number of failed tests */
async function run({ names, isSmall, grep, soakMinutes }: Options): Promise<number> {
  // measure.ts, which the tests import, reads these.
  if (soakMinutes !== undefined) process.env.DELAYER_SOAK_MINUTES = soakMinutes;
  process.env.DELAYER_FAULTS = isSmall ? 'short' : 'long';
  const mocha = new Mocha({
    timeout: 0,
    reporter: 'spec',
    forbidOnly: true,
    ...(grep !== undefined && { grep }),
  });
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
  // A long run that is interrupted prints what it has measured so far.
  process.once('SIGINT', () => {
    void printTable().then(() => process.exit(1));
  });
  const failed = await run(options);
  await printTable();
  process.exitCode = failed > 0 ? 1 : 0;
}
