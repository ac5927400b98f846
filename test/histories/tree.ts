import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Defect, edited } from './defect.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Copies what a run of the histories needs into a temporary folder. Returns the folder, which the caller deletes. */
export function copyOfTree(): string {
  const dir = mkdtempSync(join(tmpdir(), 'delayer-histories-'));
  for (const part of ['src', 'test', 'scripts', 'package.json', 'tsconfig.json'])
    cpSync(join(ROOT, part), join(dir, part), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  return dir;
}

/**
 * Makes edits in a copy of the tree; scripts/generate.mjs has to run after it.
 * @returns a function that takes them back
 * @throws Error if one does not fit the sources
 */
export function edit(dir: string, edits: Pick<Defect, 'name' | 'edits'>): () => void {
  const read = (file: string) => readFileSync(join(dir, file), 'utf8');
  const files = edited(edits, read);
  const before = [...files.keys()].map((file) => [file, read(file)] as const);
  const write = (texts: Iterable<readonly [string, string]>) => {
    for (const [file, text] of texts) writeFileSync(join(dir, file), text);
  };
  write(files);
  return () => {
    write(before);
  };
}
