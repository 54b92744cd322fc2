import type { BreakKind } from './chain-break.ts';

/** A group of lines as it stands in a segment, and what the signed line after it says of it. */
export interface GroupEvidence {
  /** Checksums of the lines that are there, and of those that were written. */
  readonly found: readonly number[];
  readonly written: readonly number[];
  /** Numbers of the lines that are there; null where a line says none. */
  readonly seqs: readonly (number | null)[];
  /** Number of the first line that has one, and the one after the last. */
  readonly firstSeq: number;
  readonly endSeq: number;
}

/** What is wrong with a group, and with which of its lines; the one past the last is the signed one. */
export interface LocatedBreak {
  readonly kind: BreakKind;
  readonly index: number;
}

/**
 * The first line of a group that is not as it was written; null where all have their checksums. The checksums and numbers that lines
 * have are hints: whether anything was changed at all is for the hash to say.
 */
export function locateBreak(evidence: GroupEvidence): LocatedBreak | null {
  const { found, written, seqs } = evidence;
  const index = firstDifference(found, written);
  const gap = firstGap(evidence);
  // Its lines are all there; what came before them is not.
  if (index === found.length && index === written.length)
    return gap === 0 ? { kind: 'removed', index: 0 } : null;
  const isAlone =
    found.length === written.length && found.every((sum, at) => at === index || sum === written[at]);
  // Unless it goes on with the numbers and the next does not: then it is of another group, and lines are gone.
  if (isAlone && (seqs[index] === null || gap !== index + 1)) return { kind: 'changed', index };
  if (index === 0 && found.length > 0) {
    const foreign = foreignHead(evidence, gap);
    if (foreign !== null) return foreign;
  }
  if (index === found.length) return { kind: 'removed', index };
  return { kind: kindAt(evidence, index), index };
}

function firstDifference(found: readonly number[], written: readonly number[]): number {
  const shorter = Math.min(found.length, written.length);
  for (let at = 0; at < shorter; at += 1) if (found[at] !== written[at]) return at;
  return shorter;
}

/** The first line that does not have the number that follows; one past the signed line where the numbers go through to it. */
function firstGap({ seqs, firstSeq, endSeq }: GroupEvidence): number {
  let expected = firstSeq;
  for (const [at, seq] of seqs.entries()) {
    if (seq === null) continue;
    if (seq !== expected) return at;
    expected += 1;
  }
  return expected === endSeq ? seqs.length + 1 : seqs.length;
}

/** Lines before those of the group: of one whose signed line is gone, or put in. Null where there are none. */
function foreignHead({ found, written, seqs }: GroupEvidence, gap: number): LocatedBreak | null {
  const known = new Set(written);
  if (gap <= found.length && gap > 0 && !found.slice(0, gap).some((sum) => known.has(sum)))
    return { kind: 'removed', index: gap };
  const more = found.length - written.length;
  if (gap <= found.length || more <= 0 || !written.every((sum, at) => sum === found[more + at])) return null;
  const isNumbered = seqs.slice(0, more).some((seq) => seq !== null);
  return isNumbered ? { kind: 'removed', index: more } : { kind: 'inserted', index: 0 };
}

function kindAt({ found, written, seqs, firstSeq, endSeq }: GroupEvidence, index: number): BreakKind {
  const sum = found[index] ?? 0;
  const wanted = written[index];
  if (written.includes(sum, index))
    return wanted !== undefined && found.includes(wanted, index) ? 'reordered' : 'removed';
  if (written.includes(sum)) return 'inserted';
  if (wanted !== undefined && found[index + 1] !== wanted) return 'changed';
  const seq = seqs[index] ?? null;
  return seq !== null && (seq < firstSeq || seq >= endSeq) ? 'reordered' : 'inserted';
}
