import { expect } from 'chai';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { pathToFileURL } from 'node:url';
import { ROOT } from './package-root.js';

interface LazyRequires {
  requireWhenUsed(path: string, source: string): string;
}

describe('requireWhenUsed', () => {
  let lazy: LazyRequires;
  before(async () => {
    const url = pathToFileURL(join(ROOT, 'scripts/bundle/lazy-requires.mjs')).href;
    lazy = (await import(url)) as LazyRequires;
  });

  /** Runs a module; returns its exports and the modules that it required. */
  function run(source: string): { exports: Record<string, unknown>; asked: string[] } {
    const asked: string[] = [];
    const exports = {};
    const load = (name: string) => {
      asked.push(name);
      return {
        default: class {
          readonly made = true;
        },
        one: () => 1,
        name,
      };
    };
    const wrapped = `(function (exports, require) {${lazy.requireWhenUsed('a.js', source)}\n})`;
    (runInThisContext(wrapped) as (...given: unknown[]) => void)(exports, load);
    return { exports, asked };
  }

  it('loads a module once at its first use, and an unused one never', () => {
    const { exports, asked } = run(`"use strict";
      const a_1 = require("a");
      const b_1 = require("b");
      exports.two = () => (0, a_1.one)() + a_1.one();
      exports.b = () => b_1;`);
    expect(asked).to.deep.equal([]);
    expect((exports.two as () => number)()).to.equal(2);
    expect(asked).to.deep.equal(['a']);
  });

  it('works with new, extends, typeof, arguments and object literals', () => {
    const { exports } = run(
      `const a_1 = require("a");
      class B extends a_1.default {}
      exports.made = new a_1.default();
      exports.isMade = new B() instanceof a_1.default;
      exports.type = typeof a_1.one;
      exports.same = Object.keys(a_1);
      const { a_1: picked } = { a_1: 1 };
      exports.in = { a_1: a_1.name, picked };`,
    );
    expect(exports).to.deep.include({ isMade: true, type: 'function', same: ['default', 'one', 'name'] });
    expect(exports.in).to.deep.equal({ a_1: 'a', picked: 1 });
  });

  it('keeps each line at its number', () => {
    const source = '"use strict";\nconst a_1 = require("a");\n\nthrow new Error(a_1.name);\n';
    const lines = lazy.requireWhenUsed('a.js', source).split('\n');
    expect(lines[3]).to.equal('throw new Error((a_1()).name);');
  });

  it('fails the build if it would change what a module does', () => {
    const shadowed = 'const a_1 = require("a");\nfunction f(a_1) { return a_1; }\n';
    expect(() => lazy.requireWhenUsed('a.js', shadowed)).to.throw('a.js:2: a_1 is not only used there');
    for (const use of ['exports.x = { a_1 };', 'a_1 = 1;', 'a_1 ??= 1;']) {
      expect(() => lazy.requireWhenUsed('a.js', `let a_1 = require("a");\n${use}\n`), use).to.throw('a.js:2');
    }
  });
});
