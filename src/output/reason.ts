/** The first line of a reason that is not blank: the reason may be the end of a program's stderr. */
export function firstLine(reason: string): string {
  return /^.*\S.*$/m.exec(reason)?.[0].trim() ?? '';
}
