// Runs a short form of the suite on the Node versions that delayer supports besides the oldest one: the contract
// of both stores, and the built program on each. Their binaries come from the registry when they are first
// wanted, and are kept below node_modules, which git ignores.
// Takes versions, else all of them; needs what `npm run build` makes.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const VERSIONS = ['22', '24', '26'];
const SHORT_FORM = ['test/contract', 'test/build/smoke.test.ts'];

const root = fileURLToPath(new URL('..', import.meta.url));

/** The npm package of this platform's binary; Node's own names for platforms differ in one. */
const packageName = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: 'inherit' });
  if (error) throw error;
  return status === 0;
}

/** The path of a binary, which is fetched when it is absent. */
function binaryOf(version) {
  const folder = join(root, 'node_modules', '.cache', 'delayer', `node-${version}`);
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const binary = join(folder, 'node_modules', packageName, 'bin', name);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  // Without one npm would install into the package above.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
  console.log(`Fetching ${packageName}@${version} …`);
  if (!run('npm', ['install', ...options, `${packageName}@${version}`], folder) || !existsSync(binary)) {
    throw new Error(`${packageName}@${version} could not be installed`);
  }
  return binary;
}

/** Runs the short form; what it prints is shown at its end, for others run beside it. */
async function passes(version, binary) {
  const mocha = join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const child = spawn(binary, [mocha, '--reporter', 'dot', ...SHORT_FORM], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => said.push(chunk));
  const [code] = await once(child, 'close');
  console.log(`\nNode ${version}\n${Buffer.concat(said).toString()}`);
  return code === 0;
}

const asked = process.argv.slice(2);
// One after the other, for npm fetches them.
const waiting = (asked.length > 0 ? asked : VERSIONS).map((version) => [version, binaryOf(version)]);
const failed = [];

async function work() {
  for (let next; (next = waiting.shift());) if (!(await passes(...next))) failed.push(next[0]);
}

await Promise.all(Array.from({ length: availableParallelism() }, work));
if (failed.length > 0) {
  console.error(`Failed on Node ${failed.join(', ')}`);
  process.exitCode = 1;
}
