import { z } from 'zod';
import type { AuditSigner, AuditVerifier } from './audit-signature.ts';
import type { ChainBreak } from './chain-break.ts';
import { CHAIN_START, chainHash } from './chained-line.ts';

/** What the newest segment of a log was, when last something was certain: no line of the log itself can tell that its end is gone. */
export interface EndMark {
  /** Its number; -1 before anything is certain. */
  readonly segment: number;
  /** What follows has at least this number. */
  readonly seq: number;
  /** Of the segment's last line where it was sealed, else of its first. */
  readonly hash: string;
  readonly sealed: boolean;
}

/** A mark as it was found; `text` is what cannot be believed, null where there is none. */
export type FoundMark = { readonly mark: EndMark } | { readonly text: string | null };

export const NO_END: EndMark = { segment: -1, ...CHAIN_START, sealed: false };

/** One segment as a check found it. */
export interface SegmentEnd {
  readonly file: string;
  readonly segment: number;
  /** Hashes of its first line, and of its last signed one. */
  readonly first: string | null;
  readonly last: string | null;
  readonly sealed: boolean;
  readonly lines: number;
  /** Whether its log keeps a mark. */
  readonly marked: boolean;
}

/** Name of the file beside the segments. */
export const END_MARK_FILE = 'audit.end.json';

/** No line of a segment is hashed like that, so that neither passes for the other. */
const CONTEXT = 'end of the log:';
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const markSchema = z.strictObject({
  segment: z.int().min(NO_END.segment),
  seq: z.int().nonnegative(),
  hash,
  sealed: z.boolean(),
  signature: z.string().regex(/^[0-9a-f]{128}$/),
});

export function endMarkText(mark: EndMark, signer: AuditSigner): string {
  return `${JSON.stringify({ ...told(mark), signature: signer.sign(digestOf(mark)) })}\n`;
}

/** A mark that the key signed, and nothing else. */
export function readEndMark(text: string | null, verifier: AuditVerifier): FoundMark {
  const read = text === null ? null : parse(text);
  if (read === null || !verifier.verify(digestOf(read), read.signature)) return { text };
  return { mark: told(read) };
}

/** How the end of a log differs from what its mark says; null where it does not. */
export function endBreak(
  found: FoundMark,
  ends: readonly SegmentEnd[],
): (ChainBreak & { readonly file: string }) | null {
  const newest = ends.reduce<SegmentEnd | null>(
    (latest, each) => (latest === null || each.segment > latest.segment ? each : latest),
    null,
  );
  if (!('mark' in found)) {
    if (found.text !== null) return { kind: 'changed', file: END_MARK_FILE, line: 1, seq: null };
    return newest?.marked === true ? { kind: 'removed', file: END_MARK_FILE, line: 1, seq: null } : null;
  }
  const { segment, seq, hash: wanted, sealed } = found.mark;
  const same = ends.find((each) => each.segment === segment);
  if (same === undefined) {
    if ((newest?.segment ?? NO_END.segment) >= segment) return null;
    return {
      kind: 'missing segment',
      file: newest?.file ?? END_MARK_FILE,
      line: (newest?.lines ?? 0) + 1,
      seq,
    };
  }
  if (!sealed && same.first !== wanted) return { kind: 'changed', file: same.file, line: 1, seq };
  if (!sealed || (same.sealed && same.last === wanted)) return null;
  return { kind: same.sealed ? 'changed' : 'truncated', file: same.file, line: same.lines + 1, seq };
}

function told({ segment, seq, hash: of, sealed }: EndMark): EndMark {
  return { segment, seq, hash: of, sealed };
}

function digestOf(mark: EndMark): string {
  return chainHash(CONTEXT, JSON.stringify(told(mark)));
}

function parse(text: string): z.infer<typeof markSchema> | null {
  try {
    return markSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
