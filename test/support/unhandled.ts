/** Returns the unhandled rejections while `work` runs, which would end a process but do not fail a mocha test. */
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
