import { shown } from './check.js';

/** What was thrown, as text: the message of an error, or the text itself. It never throws, whatever the value does. */
export function textOfThrown(thrown: unknown): string {
  try {
    const said: unknown = thrown instanceof Error ? thrown.message : thrown;
    return typeof said === 'string' ? said : shown(said);
  } catch {
    return 'what was thrown cannot be read';
  }
}
