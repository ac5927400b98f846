import { expect } from 'chai';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const FOLDERS = ['src', 'test', 'bin', 'scripts', 'bench', 'docs'];
const FILES = FOLDERS.flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
);

const text = readFileSync('docs/design.md', 'utf8');

/** `lua/{ack,nack}.lua` names two files. */
function expand(path: string): string[] {
  const [, before = '', list, after = ''] = /^(.*?)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  return list === undefined ? [path] : list.split(',').flatMap((one) => expand(`${before}${one}${after}`));
}

/** The files and folders whose path ends with this one; `*` stands for a part of a name, and a slash at the end is ignored. */
function found(path: string): string[] {
  const pattern = path
    .replace(/\/$/, '')
    .replace(/[.+]/g, '\\$&')
    .replace(/NAME|NNN_name|\*/g, '[^/]+');
  const whole = new RegExp(`(^|/)${pattern}$`);
  return [...FILES, '.dependency-cruiser.cjs', 'CHANGELOG.md'].filter((file) => whole.test(file));
}

describe('docs/design.md', () => {
  it('names only files and folders that exist', () => {
    const names = text.match(/(?:[\w.*-]+\/)*[\w{},.*-]*[\w}*]\.(?:ts|lua|sql|cjs|mjs|json|md)\b/g) ?? [];
    const folders = [...text.matchAll(/(?<![\w/.`-])((?:[\w-]+\/)+)(?![\w*{.])/g)].map(
      ([, folder = '']) => folder,
    );
    expect(names.length).to.be.above(200);
    expect(folders.length).to.be.above(10);
    const missing = [...names, ...folders].flatMap(expand).filter((name) => found(name).length === 0);
    expect(missing.filter((name) => !existsSync(name))).to.deep.equal([]);
  });

  it('names only identifiers that occur in the files beside them', () => {
    const pairs = [...text.matchAll(/([\w/-]+\.(?:ts|lua)) ((?:`\w+`(?:, )?)+)/g)];
    expect(pairs.length).to.be.at.least(15);
    const wrong = pairs.flatMap(([, file = '', list = '']) =>
      [...list.matchAll(/`(\w+)`/g)].flatMap(([, name = '']) => {
        const hasIt = found(file).some((path) =>
          new RegExp(`\\b${name}\\b`).test(readFileSync(path, 'utf8')),
        );
        return hasIt ? [] : [`${file} ${name}`];
      }),
    );
    expect(wrong).to.deep.equal([]);
  });
});
