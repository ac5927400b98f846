/** What is rejected and heard by nobody while `work` goes on: it would end a process, and mocha lets it pass. */
export async function unhandledDuring(work: () => Promise<unknown>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const note = (reason: unknown) => reasons.push(reason);
  process.on('unhandledRejection', note);
  try {
    await work();
    await new Promise(setImmediate);
  } finally {
    process.off('unhandledRejection', note);
  }
  return reasons;
}
