import type { AuditVerifier } from './audit-signature.ts';
import { chainHash, readChainedLine } from './chained-line.ts';
import { readMarker } from './marker.ts';

/** Whether the first line of a segment, of any version, was written with the key: it says itself what it follows. */
export function isSignedHead(line: string, verifier: AuditVerifier): boolean {
  const read = readChainedLine(line);
  const marker = readMarker(line);
  if (read === null || read.signature === null || marker?.marker !== 'segment') return false;
  return chainHash(marker.previous, read.body) === read.hash && verifier.verify(read.hash, read.signature);
}
