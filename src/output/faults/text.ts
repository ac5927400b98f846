/** What is wrong, for one and for many, and what it means. `#` is how many there are, `%` what was found. */
export interface FaultText {
  readonly one: string;
  /** As `one`, where a store can have it once alone. */
  readonly many?: string;
  readonly means: string;
}
