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
      from: { pathNot: '^src/commands/index\\.ts$' },
      to: { path: '^src/commands/(?!index\\.ts$)' },
    },
    {
      name: 'commands-are-loaded-when-run',
      severity: 'error',
      from: { path: '^src/commands/index\\.ts$' },
      to: { path: '^src', dynamic: false },
    },
    {
      name: 'only-main-knows-the-commands',
      severity: 'error',
      from: { pathNot: '^src/main\\.ts$' },
      to: { path: '^src/commands/index\\.ts$' },
    },
    only('core-knows-itself', '^src/core', '^src/core'),
    only('output-knows-core', '^src/output', '^src/(output|core)'),
    only('worker-knows-core', '^src/worker', '^src/(worker|core)'),
    only('daemon-knows-core', '^src/daemon', '^src/(daemon|core)'),
    only('http-knows-core', '^src/http', '^src/(http|core)'),
    only('top-knows-output', '^src/top', '^src/(top|output|core)'),
    only('bulk-knows-core', '^src/bulk', '^src/(bulk|core)'),
    only('redis-knows-core', '^src/storage/redis', '^src/(storage/(redis|chunk|cursor)|core)'),
    only('sqlite-knows-core', '^src/storage/sqlite', '^src/(storage/(sqlite|chunk|cursor)|core)'),
    only('storage-knows-core', '^src/storage', '^src/(storage|core)'),
    only('the-library-is-no-command-line', '^src/(index|library)', '^src/(library|storage/open|worker|core)'),
    only('cli-knows-no-command', '^src/cli', '^src/(cli|output|bulk|http|storage/(open|file-lock)|core)'),
    only('main-knows-cli', '^src/main', '^src/(cli|commands/index)'),
    {
      name: 'a-command-opens-no-store',
      severity: 'error',
      from: { path: '^src/commands' },
      to: { path: '^src/(storage|core/store(\\.ts|/))', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'the-contract-is-not-published',
      severity: 'error',
      from: { path: '^src/index\\.ts$' },
      to: { path: '^src/core/store(\\.ts|/)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'oclif-stays-in-the-command-line',
      severity: 'error',
      from: { path: '^src', pathNot: '^src/(commands|cli)' },
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
      name: 'prom-client-stays-in-the-metrics',
      severity: 'error',
      from: { pathNot: '^src/http/metrics' },
      to: { path: '(^|node_modules/)prom-client' },
    },
    {
      name: 'metrics-are-loaded-when-asked-for',
      severity: 'error',
      from: { path: '^src' },
      to: { path: '^src/http/(metrics|server)', dynamic: false, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'tables-stay-in-output',
      severity: 'error',
      from: { pathNot: '^src/output' },
      to: { path: '(^|node_modules/)(chalk|get-east-asian-width)' },
    },
    {
      name: 'stores-are-loaded-when-opened',
      severity: 'error',
      from: { path: '^src/storage/open\\.ts$' },
      to: { path: '^src/storage/(redis|sqlite)/', dynamic: false },
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
