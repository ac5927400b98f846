import { readFileSync } from 'node:fs';
import { must } from '../support/jobs.js';

/** A code block of a page, unchanged. */
export interface Block {
  /** `sh`, `python`, … */
  readonly language: string;
  readonly code: string;
}

/** The code blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const text = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', code = '']) => ({
    language,
    code,
  }));
}

/** The only block of this language that contains these words. */
export function blockWith(page: string, language: string, words: string): string {
  const found = blocksOf(page).filter((block) => block.language === language && block.code.includes(words));
  if (found.length !== 1)
    throw new Error(`${page} has ${found.length} blocks of ${language} with ${JSON.stringify(words)}`);
  return must(found[0]).code;
}
