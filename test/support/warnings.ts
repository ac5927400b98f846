/** Collects the warnings of this process while `act` runs, which Node would print on stderr. */
export async function warningsOf(act: () => Promise<void>): Promise<string[]> {
  const messages: string[] = [];
  const printing = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', ({ name, message }: Error) => messages.push(`${name}: ${message}`));
  try {
    await act();
    // Node emits a warning in the next tick.
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('warning');
    for (const listener of printing) process.on('warning', listener);
  }
  return messages;
}
