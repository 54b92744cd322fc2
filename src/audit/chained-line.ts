import { hash as digest } from 'node:crypto';

/** Where a chain stands: `seq` is the number that comes next, `hash` stands for everything so far. */
export interface ChainPosition {
  readonly seq: number;
  readonly hash: string;
}

/** One line that is chained, as far as its form can be read. */
export interface ChainedLine {
  /** Everything before the hash, which is what the hash covers. */
  readonly body: string;
  readonly seq: number;
  readonly hash: string;
  /** Lower-case hexadecimal; null on the line of an event. */
  readonly signature: string | null;
}

/** What the first line of the first segment follows. */
export const CHAIN_START: ChainPosition = { seq: 0, hash: '0'.repeat(64) };

// Strict, so that no two spellings of a line pass for the same one.
const FORM = /^(\{.+,"seq":(0|[1-9]\d{0,15})),"hash":"([0-9a-f]{64})"(?:,"signature":"([0-9a-f]{128})")?\}$/;

/** SHA-256 of the hash before, as hexadecimal text, and the body; both in lower-case hexadecimal. */
export function chainHash(previous: string, body: string): string {
  return digest('sha256', previous + body, 'hex');
}

/** Null where the text is no line of a segment. */
export function readChainedLine(line: string): ChainedLine | null {
  const match = FORM.exec(line);
  if (match === null) return null;
  const [, body = '', seq = '', hash = '', signature = null] = match;
  return { body, seq: Number(seq), hash, signature };
}
