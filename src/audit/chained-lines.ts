import { type ChainPosition, hashOf } from './chained-line.ts';
import { ReusedBytes } from './reused-bytes.ts';

const LINE_FEED = 0x0a;
const HASH_CHARS = 64;
const SEQ_CHARS_MAX = ',"seq":9007199254740991'.length;
/** What ends a line: its hash, and what closes the object. */
const END_CHARS = endOf('0'.repeat(HASH_CHARS)).length;

/**
 * Lines as they are written to a segment: events chained all at once, as `chainLine` does to one, but on bytes and in place, and other
 * lines as they are. What was taken holds until the next `clear`.
 */
export class ChainedLines {
  readonly #reused = new ReusedBytes();
  /** What is before the first line is room for the hash that it follows. */
  #end = HASH_CHARS;

  get bytes(): Uint8Array {
    return this.#reused.upTo(this.#end).subarray(HASH_CHARS, this.#end);
  }

  clear(): void {
    this.#end = HASH_CHARS;
  }

  /** A line that is chained already, its line feed included. */
  take(line: string): void {
    const bytes = this.#reused.upTo(this.#end + Buffer.byteLength(line));
    this.#end += bytes.write(line, this.#end);
  }

  /** Appends `seq` and `hash` to JSON objects that stand on a line each, its line feed included; gives the hash of each. */
  chain(lines: Uint8Array, { seq, hash }: ChainPosition): readonly string[] {
    const source = Buffer.from(lines.buffer, lines.byteOffset, lines.length);
    const ends = endsOf(source);
    const bytes = this.#reused.upTo(this.#end + lines.length + ends.length * (SEQ_CHARS_MAX + END_CHARS));
    let at = this.#end;
    /** What is hashed begins with the hash before, which stands for a while where the line before ends. */
    const before = bytes.toString('latin1', at - HASH_CHARS, at);
    const hashes: string[] = [];
    let previous = hash;
    let begin = 0;
    for (const end of ends) {
      bytes.write(previous, at - HASH_CHARS, 'latin1');
      // Without what closes the object, and the line feed.
      const bodyEnd = at + source.copy(bytes, at, begin, end - 2);
      const seqEnd = bodyEnd + bytes.write(`,"seq":${seq + hashes.length}`, bodyEnd, 'latin1');
      const next = hashOf(bytes.subarray(at - HASH_CHARS, seqEnd));
      if (begin > 0) bytes.write(endOf(previous), at - END_CHARS, 'latin1');
      else bytes.write(before, at - HASH_CHARS, 'latin1');
      hashes.push(next);
      previous = next;
      begin = end;
      at = seqEnd + END_CHARS;
    }
    if (begin > 0) bytes.write(endOf(previous), at - END_CHARS, 'latin1');
    this.#end = at;
    return hashes;
  }
}

function endOf(hash: string): string {
  return `,"hash":"${hash}"}\n`;
}

/** Where each line ends, its line feed included. */
function endsOf(lines: Uint8Array): readonly number[] {
  const ends: number[] = [];
  for (let end = lines.indexOf(LINE_FEED); end >= 0; end = lines.indexOf(LINE_FEED, end + 1))
    ends.push(end + 1);
  return ends;
}
