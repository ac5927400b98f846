import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bashParts } from './bash.js';
import { fishParts } from './fish.js';
import { type CompletionModel, type Manifest, toModel } from './model.js';
import { SCRIPTS } from './scripts.generated.js';
import { zshParts } from './zsh.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

const PARTS: Readonly<Record<Shell, (model: CompletionModel) => Record<string, string>>> = {
  bash: bashParts,
  zsh: zshParts,
  fish: fishParts,
};

/**
 * The script by which a shell completes command lines of delayer.
 * @param root the folder of oclif.manifest.json
 * @param shared the names of the flags of all commands
 */
export function completionScript(shell: Shell, root: string, shared: readonly string[]): string {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as Manifest;
  const parts = PARTS[shell](toModel(manifest, shared));
  return SCRIPTS[shell].replace(/@(\w+)@/g, (place, name: string) => parts[name] ?? place);
}
