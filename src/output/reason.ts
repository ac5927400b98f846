/** The first line of a reason that says something: it may be the end of what a program wrote on stderr. */
export function firstLine(reason: string): string {
  return /^.*\S.*$/m.exec(reason)?.[0].trim() ?? '';
}
