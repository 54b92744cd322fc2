import { defaultAuditKeyPath, readAuditKey } from './audit-key-store.ts';
import { createAuditVerifier } from './audit-signature.ts';
import type { ChainPosition } from './chained-line.ts';
import { checkSegment, listSegments } from './segment-read-store.ts';

/** What a look at the newest segments of a log came to. */
export interface NewestSegments {
  readonly breaks: number;
  /** Numbers of the oldest and the newest that were looked at; null where there is none. */
  readonly segments: { readonly first: number; readonly last: number } | null;
}

/** Reason: reading all of a log again and again would take more the longer a gateway runs. */
const SEGMENTS_MAX = 4;

/**
 * Verifies the newest segments of a log that may be written at the same time. Throws: what the system says of files or key.
 * Invariant: what is not yet whole is no break.
 */
export async function checkNewestSegments(
  directory: string,
  keyPath: string | null,
): Promise<NewestSegments> {
  const verifier = createAuditVerifier(await readAuditKey(keyPath ?? defaultAuditKeyPath(directory)));
  const paths = (await listSegments(directory)).slice(-SEGMENTS_MAX);
  let position: ChainPosition | null = null;
  let breaks = 0;
  const numbers: number[] = [];
  for (const [index, path] of paths.entries()) {
    const { check, tornBytes } = await checkSegment(path, verifier, position);
    if ((tornBytes > 0 || !check.sealed) && index < paths.length - 1) check.truncated();
    breaks += check.breaks.length;
    position = check.state?.position ?? null;
    if (check.header !== null) numbers.push(check.header.segment);
  }
  const [first] = numbers;
  const last = numbers.at(-1);
  return { breaks, segments: first === undefined || last === undefined ? null : { first, last } };
}
