/** Which folder may know which: the directions of docs/design.md. */
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: { path: '^src', pathNot: allowed },
});

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '^src/(index|main)\\.ts$' },
      to: {},
    },
    {
      name: 'nothing-imports-a-command',
      severity: 'error',
      from: { pathNot: '^src/(commands/index|main)\\.ts$' },
      to: { path: '^src/commands' },
    },
    {
      name: 'only-main-knows-the-commands',
      severity: 'error',
      from: { pathNot: '^src/main\\.ts$' },
      to: { path: '^src/commands/index' },
    },
    only('core-knows-itself', '^src/core', '^src/core'),
    only('output-knows-core', '^src/output', '^src/(output|core)'),
    only('runtime-knows-core', '^src/runtime', '^src/(runtime|core)'),
    only('redis-knows-core', '^src/storage/redis', '^src/(storage/redis|core)'),
    only('sqlite-knows-core', '^src/storage/sqlite', '^src/(storage/sqlite|core)'),
    only('open-queue-knows-the-stores', '^src/open-queue', '^src/(storage|core)'),
    only('the-library-is-no-command-line', '^src/index', '^src/(open-queue|core|runtime)'),
    {
      name: 'oclif-stays-in-the-command-line',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/(commands|cli|main)' },
      to: { path: '(^|node_modules/)@oclif/' },
    },
    {
      name: 'ioredis-stays-in-its-store',
      severity: 'error',
      from: { pathNot: '^src/storage/redis' },
      to: { path: '(^|node_modules/)ioredis' },
    },
    {
      name: 'sqlite-stays-in-its-driver',
      severity: 'error',
      from: { pathNot: '^src/storage/sqlite/driver' },
      to: { path: '(^|node_modules/)@photostructure/|^node:sqlite$' },
    },
    {
      name: 'tables-stay-in-output',
      severity: 'error',
      from: { pathNot: '^src/output' },
      to: { path: '(^|node_modules/)(chalk|cli-table3)' },
    },
    {
      name: 'stores-are-loaded-when-opened',
      severity: 'error',
      from: { path: '^src/(open-queue|index|main|cli|commands)' },
      to: { path: '^src/storage', dynamic: false },
    },
    {
      name: 'dependencies-are-declared',
      severity: 'error',
      from: { path: '^src' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
