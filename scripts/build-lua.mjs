// Builds src/storage/redis/lua/*.lua into one typed module, each script with its SHA-1.
// With --check it writes nothing and fails when the module is stale.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const FOLDER = new URL('../src/storage/redis/lua/', import.meta.url);
const MODULE = new URL('../src/storage/redis/scripts.generated.ts', import.meta.url);

const read = (name) => readFileSync(new URL(name, FOLDER), 'utf8');

/** What Redis has to hold: the code, without whole-line comments and indentation. */
const strip = (source) =>
  source
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('--'))
    .join('\n');

function compose(name) {
  const source = read(name);
  const includes = /^-- include: (.+)$/m.exec(source)?.[1]?.split(', ') ?? [];
  return [...includes.map((include) => strip(read(`lib/${include}.lua`))), strip(source)].join('\n') + '\n';
}

const names = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.lua'))
  .sort();
const entries = names.map((name) => {
  const source = compose(name);
  const sha = createHash('sha1').update(source).digest('hex');
  const key = name.replace('.lua', '').replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return `  ${key}: {\n    sha: '${sha}',\n    source: ${JSON.stringify(source)},\n  },\n`;
});
const text = `// Built from lua/*.lua by scripts/build-lua.mjs; change those.
export interface Script {
  readonly sha: string;
  readonly source: string;
}

export const SCRIPTS = {
${entries.join('')}} as const satisfies Record<string, Script>;
`;

if (process.argv.includes('--check')) {
  let current = '';
  try {
    current = readFileSync(MODULE, 'utf8');
  } catch {
    // Absent is stale.
  }
  if (current !== text) {
    console.error('src/storage/redis/scripts.generated.ts is stale: run npm run build:lua');
    process.exit(1);
  }
} else {
  writeFileSync(MODULE, text);
}
