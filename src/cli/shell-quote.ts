const PLAIN = /^[\w@%+=:,./-]+$/;

/** Any text as one word for sh. */
export function quoteForShell(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
