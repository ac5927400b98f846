import { expect } from 'chai';
import GithubSlugger from 'github-slugger';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PAGES = ['.', 'docs'].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

/** A page without its code, whose `#` begins no heading and whose brackets are no links. */
const proseOf = (page: string): string => readFileSync(page, 'utf8').replace(/^```[\s\S]*?^```$/gm, '');

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: string): string[] {
  const slugger = new GithubSlugger();
  return [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slugger.slug(heading));
}

/** The targets of a page's links, without those on other hosts. */
const linksOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target));

const isBroken = (page: string, target: string): boolean => {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : join(dirname(page), path);
  return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
};

describe('links between the pages', () => {
  for (const page of PAGES)
    it(`${page} links only to files and headings that exist`, () => {
      expect(linksOf(page).filter((target) => isBroken(page, target))).to.deep.equal([]);
    });

  it('are found', () => {
    expect(PAGES.flatMap(linksOf)).to.have.length.above(80);
  });
});
