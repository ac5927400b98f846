import { expect } from 'chai';
import { jobLine, JobTooLargeError } from '../../src/output/job-line.js';
import { takenToJson } from '../../src/output/json.js';

const job = (body: Buffer) => ({
  ...{ id: Buffer.from('big'), topic: Buffer.from('topic'), body, state: 'ready' as const, attempts: 1 },
  ...{ dueAt: undefined, expiresAt: undefined },
});

describe('the line of a job', () => {
  it('a job whose JSON is longer than a string can be is refused by name', () => {
    const tooLarge = job(Buffer.alloc(90_000_000, 1));
    expect(() => jobLine(tooLarge, takenToJson)).to.throw(
      JobTooLargeError,
      'the job "big" is too large for a line of JSON; print its body alone',
    );
  });

  it('a long body of plain text is not', () => {
    const line = jobLine(job(Buffer.alloc(90_000_000, 'a')), takenToJson);
    expect(line).to.have.length.within(90_000_000, 90_001_000);
  });
});
