import { expect } from 'chai';
import { readFileSync } from 'node:fs';

/** A heading and what follows it up to the next one. Code and links are sorted, because languages order words differently. */
interface Section {
  /** `##` and so on. */
  readonly level: string;
  readonly blocks: readonly string[];
  readonly code: readonly string[];
  /** Targets, without anchors of the same page; a link to the other language counts as one to README.md. */
  readonly links: readonly string[];
}

const FENCED = /^```[\s\S]*?^```$/gm;

/** Splits a page at its headings; a `#` in a code block is a comment. */
function sectionsOf(page: string): Section[] {
  const blocks: string[] = [];
  const text = readFileSync(page, 'utf8').replace(FENCED, (block) => `\`\`\`${blocks.push(block) - 1}\`\`\``);
  return text.split(/^(?=#+ )/m).map((section) => {
    const all = (pattern: RegExp) => [...section.matchAll(pattern)].map(([, found = '']) => found);
    return {
      level: /^#*/.exec(section)?.[0] ?? '',
      blocks: all(/^```(\d+)```$/gm).map((index) => blocks[Number(index)] ?? ''),
      code: all(/(?<!`)`([^`\n]+)`/g).sort(),
      links: all(/\]\(([^)#][^)]*)\)/g)
        .map((target) => target.replace(/^README\.zh-CN\.md$/, 'README.md'))
        .sort(),
    };
  });
}

describe('README.zh-CN.md', () => {
  it('has the sections, code and links of README.md', () => {
    const original = sectionsOf('README.md');
    expect(original.flatMap(({ blocks }) => blocks)).to.have.length.above(10);
    expect(sectionsOf('README.zh-CN.md')).to.deep.equal(original);
  });
});
