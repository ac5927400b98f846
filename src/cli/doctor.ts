import { examine, isMendable, treat } from '../bulk/doctor.js';
import type { FaultKind, Finding } from '../core/faults.js';
import type { Queue } from '../core/queue.js';
import { type Diagnosis, diagnosisToJson, findingToJson, titleOf } from '../output/doctor.js';
import { toJsonLine } from '../output/json.js';
import { writeNewFile } from '../output/new-file.js';
import { writeStdout } from '../output/stdout.js';
import { confirm } from './confirm.js';
import { commandsFor } from './doctor-remedies.js';
import type { Site } from './shell-command.js';
import { RemovedJobs } from './remove-verb.js';
import { printInfo, printNote, ProgressLine } from './stderr.js';
import { loadTable, tableTitle, tableWidth } from './tables.js';

export interface DoctorOptions {
  readonly topics: readonly Buffer[] | undefined;
  readonly json: boolean;
  readonly fix: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly site: Site;
  readonly signal: AbortSignal;
}

/** Looks, mends where that is asked for, and prints. @returns the exit code: 1 when an error is left */
export async function runDoctor(queue: Queue, options: DoctorOptions): Promise<number> {
  const { topics, fix, dryRun } = options;
  let findings = await look(queue, topics);
  let mended = new Map<FaultKind, number>();
  if (fix && findings.some(isMendable)) {
    if (dryRun) tellPlan(findings);
    else if (options.yes || (await confirm(`fix ${planOf(findings)}?`, options.signal))) {
      mended = await mend(queue, findings, options);
      // What is left is printed, with what could not be mended.
      findings = await look(queue, topics);
    } else printNote('nothing was fixed');
  } else if (fix) printNote('there is nothing that --fix can fix');
  await show(queue, findings, mended, options);
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}

async function look(queue: Queue, topics: readonly Buffer[] | undefined): Promise<Finding[]> {
  return withProgress('checked', (onProgress) => examine(queue, { topics, onProgress }));
}

async function withProgress<T>(
  words: string,
  work: (onProgress: (lookedAt: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = new ProgressLine();
  try {
    return await work((lookedAt) => progress.draw(() => `${words}: ${lookedAt.toLocaleString('en')}`));
  } finally {
    progress.clear();
  }
}

async function mend(
  queue: Queue,
  findings: readonly Finding[],
  { topics, signal }: DoctorOptions,
): Promise<Map<FaultKind, number>> {
  const removed = new RemovedJobs('doctor', { 'no-archive': false });
  let isComplete = false;
  try {
    const archive = () => removed.open(queue);
    const mended = await withProgress('fixing, checked', (onProgress) =>
      treat(queue, { findings, topics, archive, signal, onProgress }),
    );
    isComplete = !signal.aborted;
    for (const finding of findings) {
      const count = mended.get(finding.kind) ?? 0;
      if (count > 0) printInfo(`fixed: ${titleOf({ ...finding, count })}`);
    }
    return mended;
  } finally {
    removed.end(isComplete);
  }
}

/** What `--fix` is about to do, in a few words. */
function planOf(findings: readonly Finding[]): string {
  const mendable = findings.filter(isMendable);
  return mendable.length === 1 && mendable[0] ? `“${titleOf(mendable[0])}”` : `${mendable.length} findings`;
}

function tellPlan(findings: readonly Finding[]): void {
  for (const finding of findings.filter(isMendable)) printNote(`would be fixed: ${titleOf(finding)}`);
}

const diagnose = (
  site: Site,
  findings: readonly Finding[],
  mended: ReadonlyMap<FaultKind, number>,
): Diagnosis[] =>
  findings.map((finding) => ({
    finding,
    commands: commandsFor(site, finding),
    isMendable: isMendable(finding),
    mended: mended.get(finding.kind),
  }));

async function show(
  queue: Queue,
  findings: readonly Finding[],
  mended: ReadonlyMap<FaultKind, number>,
  { json, site }: DoctorOptions,
): Promise<void> {
  const diagnoses = diagnose(site, findings, mended);
  if (json) {
    const counts = Object.fromEntries(mended);
    await writeStdout(`${toJsonLine({ ...diagnosisToJson(queue.label, diagnoses), mended: counts })}\n`);
  } else {
    const { diagnosisText } = await loadTable(() => import('../output/doctor.js'));
    await writeStdout(`${tableTitle(queue)}${diagnosisText(diagnoses, tableWidth())}`);
  }
}

export interface GatherOptions {
  readonly file: string;
  readonly version: string;
  /** Ids, topics and keys as well. */
  readonly withNames: boolean;
  readonly site: Site;
}

/**
 * Writes down what somebody elsewhere needs for a diagnosis.
 * @returns the exit code: 1 when something is wrong
 */
export async function gather(
  queue: Queue,
  { file, version, withNames, site }: GatherOptions,
): Promise<number> {
  const findings = await look(queue, undefined);
  const [stats, store, now] = [
    await queue.stats({ exact: false }),
    await queue.describe(),
    await queue.now(),
  ];
  const { totals, topics, overdueSince, endedLeases, daemons } = stats;
  const counts = {
    totals,
    topicCount: topics.length,
    overdueSince,
    endedLeases,
    daemonCount: daemons?.length,
  };
  const names = withNames ? { topics: topics.map(({ topic }) => topic.toString()) } : {};
  const document = {
    delayer: version,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    at: new Date().toISOString(),
    storeTime: now.toISOString(),
    label: queue.label,
    store,
    counts: { ...counts, ...names },
    findings: diagnose(site, findings, new Map()).map((one) => findingToJson(one, withNames)),
  };
  await writeNewFile(file, `${JSON.stringify(document, null, 2)}\n`);
  printInfo(`the report is in ${file}`);
  return findings.some(({ severity }) => severity === 'error') ? 1 : 0;
}
