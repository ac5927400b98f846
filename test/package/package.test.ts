import { expect } from 'chai';
import { join } from 'node:path';
import { useProject } from './project.js';

/** Needs only the types of the package: without @types/node there is no `console`. */
const PROGRAM = `
declare const console: { log(...args: unknown[]): void };

export async function pushAndPop(url: string): Promise<void> {
  const queue = await openQueue(url);
  await queue.push({ topic: 'topic', id: '1', body: '{"orderID":1}' });
  const job = await queue.pop('topic');
  const body: Uint8Array | undefined = job?.body;
  console.log(body === undefined ? 'nothing' : new TextDecoder().decode(body));
  const ending = { aborted: true, addEventListener() {}, removeEventListener() {} };
  const { done } = await queue.work('other', async (one, { signal }) => {
    if (!signal.aborted) console.log(one.key);
  }, { signal: ending });
  if (done > 0) console.log(done);
  await queue.close();
  await queue.close();
}
declare class TextDecoder { decode(bytes: Uint8Array): string }
`;

describe('the packed package, in an empty project', () => {
  const project = useProject();
  const url = () => `sqlite:${join(project.path, 'queue.db')}`;

  it('can be imported and required, and both give the same classes', () => {
    project.write(
      'both.mjs',
      `import { createRequire } from 'node:module';
      import * as imported from 'delayer-cli';
      const required = createRequire(import.meta.url)('delayer-cli');
      const names = Object.keys(required).sort();
      if (names.join() !== Object.keys(imported).filter((name) => name !== 'default').sort().join()) throw new Error(names.join());
      for (const name of names) if (imported[name] !== required[name]) throw new Error(name);
      console.log('the same');`,
    );
    expect(project.run('both.mjs')).to.deep.equal({ code: 0, said: 'the same\n' });
  });

  it('works as an ES module, and the process exits by itself', () => {
    project.write(
      'run.mjs',
      `import { openQueue } from 'delayer-cli';
      const queue = await openQueue(${JSON.stringify(url())});
      await queue.push({ topic: 'esm', id: '1', body: 'body' });
      console.log(String.fromCharCode(...(await queue.pop('esm')).body));
      await queue.close();
      await queue.close();`,
    );
    expect(project.run('run.mjs')).to.deep.equal({ code: 0, said: 'body\n' });
  });

  it('works as CommonJS, and reports store_unreachable where there is no Redis', () => {
    project.write(
      'run.cjs',
      `const { openQueue, DelayerError } = require('delayer-cli');
      openQueue('redis://127.0.0.1:1').then((queue) => queue.pop('topic')).catch((error) => {
        console.log(error instanceof DelayerError, error.code);
      });`,
    );
    expect(project.run('run.cjs')).to.deep.equal({ code: 0, said: 'true store_unreachable\n' });
  });

  it('has the command with its help and version', () => {
    expect(project.delayer('push', 'topic', 'body', '--id', '7', '--store', url())).to.deep.equal({
      code: 0,
      said: '7\n',
    });
    expect(project.delayer('drain', '--help').said).to.include('delayer drain');
    expect(project.delayer('--version').said).to.match(/^delayer-cli\//);
  });

  describe('with strict TypeScript and no other types', () => {
    const run = `void pushAndPop(${JSON.stringify('sqlite:typed.db')});\n`;
    const using = `import { openQueue } from 'delayer-cli';
      { await using queue = await openQueue('sqlite:using.db'); await queue.push({ topic: 't', body: 'b' }); }
      export {};\n`;
    const files = {
      'esm.mts': `import { openQueue } from 'delayer-cli';\n${PROGRAM}${run}`,
      'cjs.cts': `import { openQueue } from 'delayer-cli';\n${PROGRAM}${run}`,
      'using.mts': using,
    };

    // One run of the compiler for all files, because it takes seconds to start; its errors name the file.
    before('compile the programs', () => {
      for (const [name, text] of Object.entries(files)) project.write(name, text);
      expect(project.compile(...Object.keys(files))).to.deep.equal({ code: 0, said: '' });
    });

    it('compiles and works as an ES module', () => {
      expect(project.run('esm.mjs')).to.deep.equal({ code: 0, said: '{"orderID":1}\n' });
    });

    it('compiles and works as CommonJS', () => {
      expect(project.run('cjs.cjs')).to.deep.equal({ code: 0, said: '{"orderID":1}\n' });
    });

    it('compiles and works with `await using`', () => {
      expect(project.run('using.mjs')).to.deep.equal({ code: 0, said: '' });
    });
  });
});
