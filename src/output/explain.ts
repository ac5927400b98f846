import { formatDuration } from '../core/duration.js';
import type { JobRecord } from '../core/job.js';

/**
 * Tells of one job, in sentences: where it is and since when, why it has not been delivered, and when
 * it will be or why it never will.
 */
export function tellStory(job: JobRecord, now: Date): string[] {
  const away = (at: Date) => formatDuration(Math.abs(at.getTime() - now.getTime()));
  const story: string[] = [];
  if (job.obstacle !== undefined) {
    return [`${job.obstacle}.`, 'Jobs of this topic are delivered when that key is renamed or deleted.'];
  }
  switch (job.state) {
    case 'delayed':
      if (job.dueAt) story.push(`It is not due yet: it will be ready in ${away(job.dueAt)}.`);
      break;
    case 'due':
      if (job.dueAt) story.push(`It has been due for ${away(job.dueAt)} and was not promoted yet.`);
      story.push('A daemon, or the next pop, bpop or drain of delayer, makes it ready.');
      break;
    case 'ready':
      story.push(
        job.dueAt ? `It has been ready for ${away(job.dueAt)}.` : 'It is ready; another daemon promoted it.',
      );
      story.push(
        job.readyAhead === undefined
          ? 'Many jobs of its topic come before it.'
          : job.readyAhead === 0
            ? 'It is the next of its topic; nobody has popped it yet.'
            : `${job.readyAhead} ready ${job.readyAhead === 1 ? 'entry comes' : 'entries come'} before it.`,
      );
      break;
    case 'leased':
      story.push('A consumer has it in hand.');
      if (job.leaseUntil) story.push(`It comes back if it is not confirmed within ${away(job.leaseUntil)}.`);
      break;
    case 'dead':
      story.push(
        job.body === undefined
          ? 'Its body is gone: it expired, or was evicted. It will never be delivered.'
          : 'Its ready lifetime is over. It will never be delivered.',
      );
      return story;
  }
  if (job.expiresAt) story.push(`It dies if nobody takes it within ${away(job.expiresAt)}.`);
  return story;
}
