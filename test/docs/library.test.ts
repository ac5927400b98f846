import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { useProject } from '../package/project.js';
import { forEachStore } from '../support/cli.js';

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const PAGE = textOf('docs/library.md');
/** The example of the README, which is compiled and not run. */
const [, README_EXAMPLE = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(textOf('README.md')) ?? [];

interface Example {
  readonly language: string;
  readonly code: string;
  /** What the page says that it prints. */
  readonly printed: string;
}

/** The examples of the page, in order. The block without a language that follows one is what it prints. */
const EXAMPLES: readonly Example[] = [
  ...PAGE.matchAll(/^```([tj]s)\n([\s\S]*?)^```$(?:\n\n^```\n([\s\S]*?)^```$)?/gm),
].map(([, language = '', code = '', printed = '']) => ({ language, code, printed }));

/** The first example opens the queue that the others use. */
const [OPENS, ...OTHERS] = EXAMPLES.filter(({ language }) => language === 'ts');
const COMMON = EXAMPLES.filter(({ language }) => language === 'js');

const IMPORT = /^import .*\n/gm;
const URL_OF_PAGE = "'redis://localhost'";
/** Separates what two examples print. */
const MARK = '\u0000';

/** The examples as one program, in which each has a scope of its own. Arguments are a store URL and an empty folder. */
function program(): string {
  const all = [OPENS, ...OTHERS].map((example) => example?.code ?? '');
  const [opens = '', ...others] = all.map((code) =>
    code
      .replace(IMPORT, '')
      .replace(URL_OF_PAGE, 'url')
      .replace(/^process\.once\('SIGTERM'.*\n/m, '$&void endWhenDone();\n'),
  );
  const imports = new Set(all.flatMap((code) => code.match(IMPORT) ?? []));
  return `${importsOf([...imports])}
const [, , url = '', folder = ''] = process.argv;
process.chdir(folder);

/** Sends SIGTERM when no job of the topic is due soon. */
async function endWhenDone() {
  const soon = { dueBefore: new Date(Date.now() + 60_000), states: ['due', 'delayed', 'ready', 'leased'] } as const;
  while ((await queue.list('close_order', soon)).jobs.length > 0) await new Promise((done) => setTimeout(done, 20));
  process.kill(process.pid, 'SIGTERM');
}

${opens}
${others.map((code) => `process.stdout.write('${MARK}');\n{\n${code}}\n`).join('')}
${COMMON.map((_, i) => `process.stdout.write('${MARK}');\nawait import('./common${i}.cjs' as string);\n`).join('')}`;
}

/** Of several imports from one module, one with the names of all. */
function importsOf(imports: readonly string[]): string {
  const names = new Map<string, Set<string>>();
  for (const line of imports) {
    const [, list = '', from = ''] = /^import (?:type )?\{ (.*) \} from (.*);$/m.exec(line) ?? [];
    names.set(from, new Set([...(names.get(from) ?? []), ...list.split(', ')]));
  }
  return [...names].map(([from, list]) => `import { ${[...list].join(', ')} } from ${from};\n`).join('');
}

describe('docs/library.md', () => {
  const project = useProject(['@types/node', 'undici-types']);

  // One run of the compiler for all, because it takes seconds to start.
  before('compile the examples, and that of the README, with the types of the package', () => {
    project.write('page.mts', program());
    project.write(
      'readme.mts',
      `declare function closeOrder(order: unknown): Promise<void>;\n${README_EXAMPLE}`,
    );
    for (const [i, { code }] of COMMON.entries())
      project.write(`common${i}.cjs`, code.replace(URL_OF_PAGE, 'process.argv[2]'));
    expect(README_EXAMPLE).to.include('openQueue');
    // The types of Node are not checked themselves, which would take as long as all the rest.
    const options = ['--types', 'node', '--skipLibCheck', 'true'];
    expect(project.compile(...options, 'page.mts', 'readme.mts')).to.deep.equal({ code: 0, said: '' });
  });

  forEachStore((cli) => {
    it('the examples print what the page shows', () => {
      const { code, said } = project.run('page.mjs', cli.env.DELAYER_STORE ?? '', cli.home);
      const printed = said.split(MARK);
      const shown = [OPENS, ...OTHERS, ...COMMON].map((example) => example?.printed);
      expect(printed).to.deep.equal(shown);
      expect(code).to.equal(0);
    });
  });

  it('names every method of a queue', () => {
    const types = project.read('node_modules/delayer-cli/dist/types/core/queue.d.ts');
    const methods = [...types.matchAll(/^ {4}(?:get )?(\w+)\(/gm)].map(([, name = '']) => name);
    expect(methods).to.include.members(['push', 'label', 'scan']);
    expect(methods.filter((name) => name !== 'constructor' && !PAGE.includes(`\`${name}`))).to.deep.equal([]);
  });
});
