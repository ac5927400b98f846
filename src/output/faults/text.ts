/**
 * What is wrong, in singular and plural, and what it means. `#` stands for the number, `%` for what was found.
 */
export interface FaultText {
  readonly one: string;
  /** In place of `one`, when a store can have it only once. */
  readonly many?: string;
  readonly means: string;
}
