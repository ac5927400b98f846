import { expect } from 'chai';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expectQuiet, forEachStore, idsIn, linesOf } from '../support/cli.js';

describe(`the built program on Node ${process.versions.node}`, () => {
  forEachStore((cli, itOnce) => {
    it('pushes, inspects, pops and drains', async () => {
      for (const id of ['1', '2', '3']) {
        expect(
          linesOf(expectQuiet(await cli.run(['push', 'topic', `body ${id}`, '--id', id]))),
        ).to.deep.equal([id]);
      }
      expectQuiet(await cli.run(['push', 'topic', 'later', '--delay', '1h']));
      const { stdout } = expectQuiet(await cli.run(['inspect', '--json']));
      expect(JSON.parse(stdout.toString())).to.have.nested.property('topics[0].delayed', 1);
      expect(idsIn(linesOf(expectQuiet(await cli.run(['pop', 'topic']))))).to.deep.equal(['1']);
      expect(idsIn(linesOf(expectQuiet(await cli.run(['drain', 'topic']))))).to.deep.equal(['2', '3']);
      expect((await cli.run(['pop', 'topic'])).code).to.equal(1);
    });

    itOnce('is compiled once, and then run from the cache folder', async () => {
      const cache = join(cli.home, 'cache');
      const inspect = () => cli.run(['inspect'], { env: { XDG_CACHE_HOME: cache } });
      await (await cli.queue()).push({ topic: 'topic', body: 'b' });
      const compiled = () =>
        readdirSync(cache, { recursive: true, encoding: 'utf8' })
          .map((path) => ({ path, stat: statSync(join(cache, path)) }))
          .filter(({ stat }) => stat.isFile())
          .map(({ path, stat }) => `${path} ${stat.ino} ${stat.mtimeMs}`);
      expectQuiet(await inspect());
      const before = compiled();
      expect(before).not.to.be.empty;
      for (const file of before) expect(file).to.include(`-inspect-${process.version}-${process.arch}-`);
      expectQuiet(await inspect());
      expect(compiled()).to.deep.equal(before);
    });

    itOnce('runs without a cache folder', async () => {
      const env = { XDG_CACHE_HOME: '/proc/none' };
      expectQuiet(await cli.run(['push', 'topic', 'body', '--id', '1'], { env }));
    });

    itOnce('shows lines of the source with --debug', async () => {
      const { code, stderr } = await cli.run([
        'push',
        'topic',
        'body',
        '--delay',
        '1h',
        '--ttl',
        'x',
        '--debug',
      ]);
      expect(code).not.to.equal(0);
      expect(stderr).to.match(/src\/cli\/\S+\.ts:\d+/);
    });
  });
});
