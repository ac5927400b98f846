import type { JobRecord } from '../../src/core/job.js';
import { explain } from '../../src/output/explain.js';

/** Returns what a sentence claims, in the words of truths.ts, or undefined if the model does not know it. */
type Claim = (...parts: string[]) => string | undefined;

const SENTENCES: readonly (readonly [RegExp, Claim])[] = [
  [/^It is not due yet: it will be ready in (.+)\.$/, (wait) => `due in ${wait}`],
  [
    /^It is due in (.+), and its body expires before that, in (.+)\.$/,
    (wait) => `due in ${wait}; expires first`,
  ],
  [/^It is due now\.$/, () => 'due in 0ms'],
  [/^It has been due for (.+) and was not promoted yet\.$/, (since) => `due for ${since}`],
  // No daemon announces itself in the histories.
  [
    /^(?:A daemon|No daemon of delayer was seen lately: an original one), or .* (makes it ready|brings it back)(?:, or makes it a dead letter if no retry is left)?\.$/,
    (does) => `somebody ${does}`,
  ],
  [/^It is ready, and has been due for (.+)\.$/, (since) => `ready, due for ${since}`],
  [/^It is ready\. Another client's daemon promoted it, so when it was due is not known\.$/, () => 'ready'],
  [/^It is the next of its topic; nobody has taken it yet\.$/, () => '0 before it'],
  [/^(\d+) ready jobs? of its topic comes? before it\.$/, (count) => `${count} before it`],
  [
    /^Its topic is paused (until .+): until then no consumer of delayer gets it\.$/,
    (until) => `paused ${until}`,
  ],
  [/^It never expires\.$/, () => 'never expires'],
  [/^It expires if nobody takes it within (.+)\.$/, (left) => `expires in ${left}`],
  [
    /^(?:A consumer|The consumer \S+) took it (.+) ago and holds it \(reservation (.+)\)\.$/,
    (since, name) => `held by ${name} for ${since}`,
  ],
  [
    /^If it is not acknowledged within (.+), it returns to the queue, or is a dead letter if no retry is left\.$/,
    (left) => `back in ${left}`,
  ],
  [
    /^(?:A consumer|The consumer \S+) had it \(reservation (.+)\), whose lease ended (.+) ago without an acknowledgement\.$/,
    (name, since) => `lost by ${name} for ${since}`,
  ],
  [
    /^The move (\S+) holds it, and writes it to the file of an export\.$/,
    (mover) => `on its way by ${mover}`,
  ],
  [/The hold ends (.+); then the job has its former state\.$/, (end) => `held until ${end}`],
  [/^It is back from a consumer and waits;/, () => 'waits'],
  [/^The other job of its id that was in the queue is gone\.$/, () => 'its id is free'],
  [/^Another job of its id is in the queue/, () => 'its id is taken'],
  [
    /^It failed permanently (.+) ago, after (\d+) attempts?, and is kept as a dead letter\.$/,
    (since, attempts) => `dead for ${since} of ${attempts}`,
  ],
  [/^No reason was given\.$/, () => 'no reason'],
  [/^Reason: (.*)$/, (reason) => `reason ${reason}`],
  [/^It is kept until it is requeued/, () => 'kept'],
  [/^It is deleted in (.+) if it is not requeued\.$/, (left) => `deleted in ${left}`],
  [/^Its retention time has ended; the next step of maintenance deletes it\.$/, () => 'to be deleted'],
  [/^Its ready lifetime ended (.+) ago, before anyone took it\.$/, (since) => `expired for ${since}`],
  [/^It will never be delivered\.$/, () => 'never delivered'],
  [/^It is not delivered unless it is requeued, and is soon cleared away\.$/, () => 'requeue only'],
  [/^An older entry of its id is in the ready list of "(.+)":/, (topic) => `old entry in ${topic}`],
  [/^It is in its ready list (\d+) times, .* It is delivered once\.$/, (count) => `${count} entries`],
  [/^It cannot move: the key .* of Redis holds a string where a list belongs\.$/, () => 'its list is none'],
  [
    /^Attempt (\d+)(?: of (\d+))? failed (.+) ago(?:: (.*))?\.$/,
    (attempt, most, since, reason) => `attempt ${attempt} of ${most} failed for ${since}: ${reason}`,
  ],
  [
    /^Attempt (\d+)(?: of (\d+))? ended (.+) ago with its lease: its consumer was killed, cut off or too slow\.$/,
    (attempt, most, since) => `attempt ${attempt} of ${most} lost for ${since}`,
  ],
  [/^It is tried again at (.+)\.$/, (at) => `again at ${at}`],
  [/^No retry was left: it was pushed with (\d+)\.$/, (retries) => `no retry left of ${retries}`],
  [
    /^Its last consumer was killed, cut off or too slow: nobody ended the lease\.$/,
    () => 'its last lease ended',
  ],
  [/^It can move when that key is renamed or deleted\.$/, () => undefined],
];

/** Returns what the explanation of a job claims; unknown sentences are returned unchanged. */
export function claimsOf(job: JobRecord, now: number, jobs: readonly JobRecord[]): string {
  return explain(job, new Date(now), jobs)
    .flatMap((sentence) => {
      for (const [form, claim] of SENTENCES) {
        const match = form.exec(sentence);
        if (match) return claim(...match.slice(1)) ?? [];
      }
      return sentence;
    })
    .filter((claim) => !isFarEntry(claim, job))
    .join('; ');
}

/** Whether a claim is about an old entry in the list of another topic, which explanations need not mention. */
const isFarEntry = (claim: string, { topic }: JobRecord): boolean =>
  claim.startsWith('old entry in ') && claim !== `old entry in ${topic?.toString()}`;
