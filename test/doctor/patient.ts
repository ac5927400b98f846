import { expect } from 'chai';
import { execFileSync } from 'node:child_process';
import { examine, treat } from '../../src/bulk/doctor.js';
import { commandsFor } from '../../src/cli/doctor-remedies.js';
import type { Site } from '../../src/cli/shell-command.js';
import type { FaultKind, Finding } from '../../src/core/faults.js';
import type { JobRecord } from '../../src/core/job.js';
import type { Queue } from '../../src/core/queue.js';
import { titleOf } from '../../src/output/doctor.js';

/** A fault that a test plants. */
export interface Plant {
  readonly name: string;
  readonly plant: () => unknown;
  /** The faults that doctor has to find; it must find no others. */
  readonly kinds: readonly FaultKind[];
  /** Mends the fault where doctor names no commands, or commands for people or that do not end. */
  readonly mend?: () => unknown;
  /** Jobs that must still be in the queue after mending, in any state but expired. */
  readonly kept?: readonly string[];
}

/** Runs a command that a finding names, given as the words that sh makes of it and as a whole. */
export type RunCommand = (words: readonly string[], command: string) => Promise<void>;

export const kindsOf = (findings: readonly Finding[]): FaultKind[] => findings.map(({ kind }) => kind).sort();

export const wordsOf = (command: string): string[] =>
  execFileSync('sh', ['-c', `printf '%s\\0' ${command}`])
    .toString()
    .split('\0')
    .slice(0, -1);

/** Plants a fault, examines the store, runs the commands that the findings name, and examines the store again. */
export async function heal(queue: Queue, site: Site, fault: Plant, run: RunCommand): Promise<void> {
  expect(kindsOf(await examine(queue, {})), 'before').to.deep.equal([]);
  await fault.plant();
  const findings = await examine(queue, {});
  expect(kindsOf(findings), 'found').to.deep.equal([...fault.kinds].sort());
  for (const finding of findings) expect(titleOf(finding)).to.not.match(/[#%](?! of)/);
  if (fault.mend) await fault.mend();
  else await mendAsNamed(queue, site, findings, run);
  const left = await examine(queue, {});
  expect(kindsOf(left), `left: ${JSON.stringify(left)}`).to.deep.equal([]);
  for (const id of fault.kept ?? []) expect((await queue.find(id)).filter(isAlive), id).to.have.length(1);
}

const isAlive = ({ state, flaw }: JobRecord): boolean => state !== 'expired' && flaw === undefined;

async function mendAsNamed(
  queue: Queue,
  site: Site,
  findings: readonly Finding[],
  run: RunCommand,
): Promise<void> {
  const commands = findings.flatMap((finding) => {
    const named = commandsFor(site, finding);
    expect(named, `what mends ${finding.kind}`).to.not.be.empty;
    return named;
  });
  const isFix = (command: string) => command.startsWith('delayer doctor --fix');
  for (const command of commands.filter((one) => !isFix(one))) {
    await run(command.includes(' | ') ? [] : wordsOf(command), command);
  }
  if (commands.some(isFix)) await fixAll(queue);
}

/** Does what `delayer doctor --fix --yes` does, in this process. @returns the jobs that it kept before it removed them */
export async function fixAll(queue: Queue): Promise<readonly JobRecord[]> {
  const kept: JobRecord[] = [];
  const archive = {
    keep: (jobs: readonly JobRecord[]) => Promise.resolve(void kept.push(...jobs)),
    confirm: () => Promise.resolve(),
  };
  await treat(queue, { findings: await examine(queue, {}), archive: () => archive });
  // No job that can be delivered is removed.
  for (const { state } of kept) expect(state).to.equal('expired');
  return kept;
}
