import { hash as digest } from 'node:crypto';

/** Where a chain stands: the next line has `seq` and hashes what comes before it by `hash`. */
export interface ChainPosition {
  readonly seq: number;
  readonly hash: string;
}

/** One line of a segment, as far as its form can be read. */
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

/** Appends `seq` and `hash` to a JSON object on one line, without its line feed. */
export function chainLine(json: string, { seq, hash }: ChainPosition): { line: string; hash: string } {
  const body = `${json.slice(0, -1)},"seq":${seq}`;
  const next = chainHash(hash, body);
  return { line: `${body},"hash":"${next}"}`, hash: next };
}

/** SHA-256 of the hash before, as hexadecimal text, and the body. */
export function chainHash(previous: string, body: string): string {
  return hashOf(previous + body);
}

/** SHA-256 in lower-case hexadecimal. */
export function hashOf(data: string | Uint8Array): string {
  return digest('sha256', data, 'hex');
}

/** Null where the text is no line of a segment. */
export function readChainedLine(line: string): ChainedLine | null {
  const match = FORM.exec(line);
  if (match === null) return null;
  const [, body = '', seq = '', hash = '', signature = null] = match;
  return { body, seq: Number(seq), hash, signature };
}
