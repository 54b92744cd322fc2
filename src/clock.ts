/** Where time comes from; tests bring their own. */
export interface Clock {
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** Units: microseconds, monotonic. */
  nowUs(): number;
}
