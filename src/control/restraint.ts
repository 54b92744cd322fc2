/** What a caller is held to, for a time, by incidents. */
export interface Restraint {
  /** Nothing runs. */
  readonly isSuspended: boolean;
  /** Only an authentication after this one counts; null where any does. Units: milliseconds since the epoch. */
  readonly authenticatedSinceMs: number | null;
  /** One of these must be in `amr`, or `acr` be one of them, where an authentication is asked for. */
  readonly factors: readonly string[];
}
