import { assertFunction } from './check.js';
import type { DelayerEvent, OnEvent } from './events.js';
import { textOfThrown } from './thrown.js';

/**
 * A listener as a user of the library gives it, made safe to call in the middle of the work: it never throws.
 * @throws DelayerError `usage` when it is given and is not a function
 */
export function toListener(given: OnEvent | undefined): OnEvent | undefined {
  if (given === undefined) return undefined;
  assertFunction(given, 'onEvent');
  return (event) => void tell(given, event);
}

async function tell(listener: (event: DelayerEvent) => unknown, event: DelayerEvent): Promise<void> {
  try {
    await listener(event);
  } catch (thrown) {
    const message = `onEvent failed at the event ${event.type}: ${textOfThrown(thrown)}`;
    process.emitWarning(message, { type: 'DelayerWarning', detail: stackOf(thrown) });
  }
}

function stackOf(thrown: unknown): string | undefined {
  try {
    return thrown instanceof Error ? thrown.stack : undefined;
  } catch {
    return undefined;
  }
}
