import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runScript, usePackageRoot } from './package-root.js';

const SCRIPTS = 'src/storage/redis/scripts.generated.ts';
const SOURCES = 'src/storage/redis/script-sources.generated.ts';
const MIGRATIONS = 'src/storage/sqlite/migrations.generated.ts';

interface Generated {
  readonly SCRIPTS: Record<string, { readonly sha: string; readonly keys: readonly string[] }>;
  readonly sourceOf: (script: { readonly sha: string }) => string;
}

describe('generated modules', () => {
  const root = usePackageRoot();
  const generate = () => runScript('generate.mjs', root.path);
  const load = async (path: string) =>
    (await import(pathToFileURL(join(root.path, path)).href)) as Record<string, unknown>;
  const scriptOf = async (name: string) => {
    const generated = { ...(await load(SCRIPTS)), ...(await load(SOURCES)) };
    const { SCRIPTS: scripts, sourceOf } = generated as unknown as Generated;
    const script = scripts[name];
    if (!script) throw new Error(`there is no script ${name}`);
    return { sha: script.sha, keys: script.keys, source: sourceOf(script) };
  };

  it('have each script with the libraries that it includes, and its SHA-1', async () => {
    root.write('src/storage/redis/lua/lib/one.lua', '-- Says one.\nlocal ONE = 1\n');
    root.write('src/storage/redis/lua/say_it.lua', "-- include: one\nreturn { '`${ONE}\\\\', ONE }\n");
    expect(generate()).to.deep.equal({ code: 0, said: '' });
    const source = "local ONE = 1\nreturn { '`${ONE}\\\\', ONE }\n";
    const sha = createHash('sha1').update(source).digest('hex');
    expect(await scriptOf('sayIt')).to.deep.equal({ sha, keys: [], source });
  });

  it('have only those parts of a library that the script uses, directly or not', async () => {
    const library = `-- Halves.
local TWO, SIX = 2, 6

local function half(n)
  return n / TWO
end

local function third(n)
  return n / 3
end

local function quarter(n)
  return half(half(n))
end
`;
    root.write('src/storage/redis/lua/lib/parts.lua', library);
    root.write('src/storage/redis/lua/cut.lua', '-- include: parts\nreturn quarter(SIX)\n');
    expect(generate()).to.deep.equal({ code: 0, said: '' });
    expect((await scriptOf('cut')).source).to.equal(
      `local TWO, SIX = 2, 6
local function half(n)
return n / TWO
end
local function quarter(n)
return half(half(n))
end
return quarter(SIX)
`,
    );
  });

  it('have a later include, and what only it uses, behind an earlier return of the script', async () => {
    root.write(
      'src/storage/redis/lua/lib/early.lua',
      'local ONE = 1\n\nlocal TWO = 2\n\nlocal function three()\n  return ONE + TWO\nend\n',
    );
    root.write('src/storage/redis/lua/lib/late.lua', 'local function six()\n  return 2 * three()\nend\n');
    root.write(
      'src/storage/redis/lua/leave.lua',
      `-- Leaves early.
-- include: early
if ARGV[1] then return TWO end

-- What follows is for the others.
-- include: late
return six()
`,
    );
    expect(generate()).to.deep.equal({ code: 0, said: '' });
    expect((await scriptOf('leave')).source).to.equal(
      `local TWO = 2
if ARGV[1] then return TWO end
local ONE = 1
local function three()
return ONE + TWO
end
local function six()
return 2 * three()
end
return six()
`,
    );
  });

  it('number the keys that a script uses', async () => {
    root.write(
      'src/storage/redis/lua/lib/some_keys.lua',
      'local POOL = KEYS.pool\nlocal READY = KEYS.readyStem\nlocal DEAD = KEYS.dead\n',
    );
    root.write('src/storage/redis/lua/use_keys.lua', '-- include: some_keys\nreturn { DEAD, POOL }\n');
    expect(generate()).to.deep.equal({ code: 0, said: '' });
    const { keys, source } = await scriptOf('useKeys');
    expect(keys).to.deep.equal(['pool', 'dead']);
    expect(source).to.equal('local POOL = KEYS[1]\nlocal DEAD = KEYS[2]\nreturn { DEAD, POOL }\n');
  });

  it('have lines of at most 140 characters', () => {
    generate();
    expect(
      Math.max(
        ...root
          .read(SCRIPTS)
          .split('\n')
          .map(({ length }) => length),
      ),
    ).to.be.at.most(140);
  });

  it('are not written again if nothing changed', () => {
    generate();
    const before = statSync(join(root.path, SCRIPTS)).mtimeMs;
    generate();
    expect(statSync(join(root.path, SCRIPTS)).mtimeMs).to.equal(before);
  });

  it('have the migrations of SQLite in order', async () => {
    root.write('src/storage/sqlite/migrations/002_leases.sql', "INSERT INTO t VALUES ('`${x}\\');\n");
    root.write('src/storage/sqlite/migrations/001_jobs.sql', 'CREATE TABLE t (a);\n');
    expect(generate()).to.deep.equal({ code: 0, said: '' });
    const { MIGRATIONS: migrations } = await load(MIGRATIONS);
    expect(migrations).to.deep.equal([
      { version: 1, name: 'jobs', sql: 'CREATE TABLE t (a);\n' },
      { version: 2, name: 'leases', sql: "INSERT INTO t VALUES ('`${x}\\');\n" },
    ]);
  });

  it('are not made without migrations, and fail if migrations have a gap', () => {
    generate();
    expect(existsSync(join(root.path, MIGRATIONS))).to.be.false;
    root.write('src/storage/sqlite/migrations/001_jobs.sql', '');
    root.write('src/storage/sqlite/migrations/003_leases.sql', '');
    const { code, said } = generate();
    expect(code).to.equal(1);
    expect(said).to.include('003_leases.sql: the next migration is 002_<name>.sql');
  });
});
