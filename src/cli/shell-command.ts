/** The flags that name the store, repeated in each command. */
export interface Site {
  /** The store's name without its password. */
  readonly label: string;
  readonly flags: { readonly store?: string | undefined; readonly prefix?: string | undefined };
}

const PLAIN = /^[\w@%+=:,./-]+$/;

/** Any text as one word for sh. */
export function quoteForShell(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A command of delayer, as one types it into sh, for the same store. */
export function delayerCommand({ label, flags }: Site, words: string): string {
  const store = flags.store === undefined ? '' : ` --store ${quoteForShell(label)}`;
  const prefix = flags.prefix === undefined ? '' : ` --prefix ${quoteForShell(flags.prefix)}`;
  return `delayer ${words}${store}${prefix}`;
}
