/** A question as far as it is compared with others. */
export interface NearText {
  /** Of length 1. */
  readonly vector: Float32Array;
  /** What has to be equal, however near the rest is. */
  readonly fixed: string;
}

const NUMBERS = /\d+(?:[.,:]\d+)*/gu;
const NEGATIONS = /\b(?:not?|never|none|without|except|cannot)\b|n['’]t\b/giu;

/** Prepares a question; null where its vector says nothing. Two that differ in a number or a negation are never the same. */
export function nearText(text: string, vector: readonly number[]): NearText | null {
  const length = Math.hypot(...vector);
  if (!(length > 0 && Number.isFinite(length))) return null;
  const fixed = [...(text.match(NUMBERS) ?? []), '|', (text.match(NEGATIONS) ?? []).length].join(' ');
  return { vector: Float32Array.from(vector, (value) => value / length), fixed };
}

/** The cosine of two questions, from -1 to 1; -1 where they cannot be compared. */
export function nearness(one: NearText, other: NearText): number {
  if (one.fixed !== other.fixed || one.vector.length !== other.vector.length) return -1;
  let sum = 0;
  for (let index = 0; index < one.vector.length; index += 1)
    sum += (one.vector[index] ?? 0) * (other.vector[index] ?? 0);
  return sum;
}
