// Writes the modules that are built from other files, which are not committed:
//   src/storage/redis/scripts.generated.ts and script-sources.generated.ts
//                                               from src/storage/redis/lua/*.lua
//   src/storage/sqlite/migrations.generated.ts  from src/storage/sqlite/migrations/*.sql
//   src/cli/completion/scripts.generated.ts     from src/cli/completion/scripts/delayer.*
// `npm ci` (as its `prepare`), the build and every run of mocha do so. Takes the root of a package, else its own.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { compose, readLua } from './lua/compose.mjs';

const MIGRATIONS_FOLDER = join('src', 'storage', 'sqlite', 'migrations');
const COMPLETION_FOLDER = join('src', 'cli', 'completion', 'scripts');

/** Text as a template literal, whose lines stay lines. */
const quote = (text) => `\`${text.replace(/[\\`]|\$(?=\{)/g, '\\$&')}\``;

/** As an array in the source, in lines that are not too long. */
const listOf = (items) => `[${items.join(', ').replace(/(.{60,80}, )/g, '$1\n    ')}]`;

/**
 * The scripts, and their texts apart: Redis is asked for a script by its digest, and holds it but for the first time.
 */
function scriptModules(root) {
  const { scripts, libraries } = readLua(root);
  /** Each text once, and its number: scripts share most of what they hold. */
  const numbers = new Map();
  const numberOf = (text) => numbers.get(text) ?? numbers.set(text, numbers.size).size - 1;
  const composed = scripts.map((script) => {
    const { keys, texts } = compose(script, libraries);
    const sha = createHash('sha1').update(texts.join('')).digest('hex');
    const name = script.name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
    return { name, sha, keys, parts: texts.map(numberOf) };
  });
  const about = composed.map(
    ({ name, sha, keys }) =>
      `  ${name}: {\n    sha: '${sha}',\n    keys: ${listOf(keys.map((key) => `'${key}'`))},\n  },\n`,
  );
  const parts = composed.map(({ sha, parts }) => `  '${sha}': ${listOf(parts)},\n`);
  const scriptsText = `// Built from lua/*.lua by scripts/generate.mjs; change those.
import type { Keys } from './keys.js';

export interface Script {
  readonly sha: string;
  /** Its KEYS. */
  readonly keys: readonly KeyName[];
}

/** What of Keys is a key, or the stem of keys. */
export type KeyName = { [Name in keyof Keys]: Keys[Name] extends string ? Name : never }[keyof Keys];

export const SCRIPTS = {
${about.join('')}} as const satisfies Record<string, Script>;
`;
  const sources = `// Built from lua/*.lua by scripts/generate.mjs; change those.
import type { Script } from './scripts.generated.js';

/** By digest, which texts a script is made of. */
const PARTS: Readonly<Record<string, readonly number[]>> = {
${parts.join('')}};

const TEXTS: readonly string[] = [
${[...numbers.keys()].map((text) => `${quote(text)},\n`).join('')}];

/** What Redis runs under the digest of a script. */
export const sourceOf = ({ sha }: Script): string => (PARTS[sha] ?? []).map((part) => TEXTS[part]).join('');
`;
  return { 'scripts.generated.ts': scriptsText, 'script-sources.generated.ts': sources };
}

/** @throws Error when the files are not numbered 001, 002 and so on: what was applied is known by its number */
function migrationsModule(root) {
  const names = readdirSync(join(root, MIGRATIONS_FOLDER))
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const entries = names.map((file, index) => {
    const [, number, name] = /^(\d{3})_([a-z0-9_]+)\.sql$/.exec(file) ?? [];
    if (Number(number) !== index + 1) {
      const wanted = String(index + 1).padStart(3, '0');
      throw new Error(`${join(MIGRATIONS_FOLDER, file)}: the next migration is ${wanted}_<name>.sql`);
    }
    const sql = readFileSync(join(root, MIGRATIONS_FOLDER, file), 'utf8');
    return `  {\n    version: ${index + 1},\n    name: '${name}',\n    sql: ${quote(sql)},\n  },\n`;
  });
  return `// Built from migrations/*.sql by scripts/generate.mjs; change those.
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

export const MIGRATIONS: readonly Migration[] = [
${entries.join('')}];
`;
}

/** What is the same in each version of delayer in the scripts for shells, which the files' extensions name. */
function completionModule(root) {
  const entries = readdirSync(join(root, COMPLETION_FOLDER))
    .sort()
    .map(
      (file) =>
        `  ${extname(file).slice(1)}: ${quote(readFileSync(join(root, COMPLETION_FOLDER, file), 'utf8'))},\n`,
    );
  return `// Built from scripts/delayer.* by scripts/generate.mjs; change those.
export const SCRIPTS = {
${entries.join('')}};
`;
}

/** Leaves a file alone that is as it should be: editors and watchers look at its time. */
function writeWhenChanged(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  // Another process may read it at the same moment, and must not see half of it.
  const own = `${path}.${process.pid}`;
  writeFileSync(own, text);
  renameSync(own, path);
}

export function generate(root) {
  for (const [name, text] of Object.entries(scriptModules(root)))
    writeWhenChanged(join(root, 'src', 'storage', 'redis', name), text);
  if (existsSync(join(root, MIGRATIONS_FOLDER))) {
    const path = join(root, 'src', 'storage', 'sqlite', 'migrations.generated.ts');
    writeWhenChanged(path, migrationsModule(root));
  }
  if (existsSync(join(root, COMPLETION_FOLDER))) {
    const path = join(root, dirname(COMPLETION_FOLDER), 'scripts.generated.ts');
    writeWhenChanged(path, completionModule(root));
  }
}

const OWN_ROOT = fileURLToPath(new URL('..', import.meta.url));
const isMain = import.meta.url === pathToFileURL(process.argv[1] ?? '').href;
generate((isMain ? process.argv[2] : undefined) ?? OWN_ROOT);
