/** Takes how long one resolver took. Units: nanoseconds. */
export type OnResolver = (typeName: string, fieldName: string, tookNs: number) => void;

/** Header by which a subgraph is asked for its trace. Source: Apollo's federated tracing, version 1. */
export const TRACE_REQUEST: readonly [name: string, value: string] = [
  'apollo-federation-include-trace',
  'ftv1',
];

/** Longest trace that is read. Reason: sixty bytes for each of some ten thousand resolvers. Units: characters of base64. */
const CHARS_MAX = 1_048_576;
/** Resolvers and list items of one trace. */
const NODES_MAX = 50_000;
/** Deepest nesting: each field and each list around it is a level. */
const DEPTH_MAX = 128;
/** Longest name of a type or a field that is read. */
const NAME_BYTES_MAX = 256;
/** Bytes of a number of 64 bits. */
const VARINT_BYTES_MAX = 10;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u;

/** Numbers of the fields that are read. Source: `reports.proto` of @apollo/usage-reporting-protobuf, version 4. */
const ROOT = 14;
const RESPONSE_NAME = 1;
const START = 8;
const END = 9;
const CHILD = 12;
const PARENT_TYPE = 13;
const ORIGINAL_NAME = 14;

/** Wire types. Source: Protocol Buffers, encoding. Groups (3 and 4) are in no message of ours. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** Thrown and caught in this file. */
class Malformed extends Error {}

/** What one resolver's node says of itself. */
interface Node {
  responseName: string;
  originalName: string;
  parentType: string;
  startNs: number;
  endNs: number;
}

/** Resolvers of one trace, in its order. */
type Found = readonly [typeName: string, fieldName: string, tookNs: number];

/**
 * Reads the trace that a subgraph put into `extensions.ftv1`, and tells each resolver in it; false where it is no trace, of which
 * then nothing is told.
 * Source: a subgraph may be hostile: time and memory are bounded by the text, and nothing that it names is believed to exist.
 */
export function readInlineTrace(trace: unknown, onResolver: OnResolver): boolean {
  if (typeof trace !== 'string' || trace.length > CHARS_MAX || !BASE64.test(trace)) return false;
  try {
    for (const [typeName, fieldName, tookNs] of new TraceReader(Buffer.from(trace, 'base64')).resolvers())
      onResolver(typeName, fieldName, tookNs);
    return true;
  } catch (error) {
    if (error instanceof Malformed) return false;
    throw error;
  }
}

class TraceReader {
  readonly #bytes: Buffer;
  readonly #found: Found[] = [];
  #at = 0;
  #nodes = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  resolvers(): readonly Found[] {
    while (this.#at < this.#bytes.length) {
      const { number, wire } = this.#tag(this.#bytes.length);
      if (number === ROOT && wire === BYTES) this.#node(this.#length(this.#bytes.length), 0);
      else this.#skip(wire, this.#bytes.length);
    }
    return this.#found;
  }

  /** Reads one node up to its end. What it says of itself may stand after its children. */
  #node(end: number, depth: number): void {
    this.#nodes += 1;
    if (this.#nodes > NODES_MAX || depth > DEPTH_MAX) throw new Malformed();
    const node: Node = { responseName: '', originalName: '', parentType: '', startNs: 0, endNs: 0 };
    while (this.#at < end) {
      const { number, wire } = this.#tag(end);
      if (wire === BYTES && number === CHILD) this.#node(this.#length(end), depth + 1);
      else if (wire === BYTES && number === RESPONSE_NAME) node.responseName = this.#name(end);
      else if (wire === BYTES && number === ORIGINAL_NAME) node.originalName = this.#name(end);
      else if (wire === BYTES && number === PARENT_TYPE) node.parentType = this.#name(end);
      else if (wire === VARINT && number === START) node.startNs = this.#varint(end);
      else if (wire === VARINT && number === END) node.endNs = this.#varint(end);
      else this.#skip(wire, end);
    }
    this.#take(node);
  }

  /** Items of lists have no name, and a resolver that did not end has no end. */
  #take({ responseName, originalName, parentType, startNs, endNs }: Node): void {
    const name = originalName === '' ? responseName : originalName;
    if (name === '' || parentType === '' || endNs === 0) return;
    if (endNs < startNs) throw new Malformed();
    this.#found.push([parentType, name, endNs - startNs]);
  }

  #tag(end: number): { readonly number: number; readonly wire: number } {
    const tag = this.#varint(end);
    if (tag >= 2 ** 32) throw new Malformed();
    return { number: Math.floor(tag / 8), wire: tag % 8 };
  }

  /** The end of what follows, which lies in what it is part of. */
  #length(end: number): number {
    const length = this.#varint(end);
    if (length > end - this.#at) throw new Malformed();
    return this.#at + length;
  }

  #name(end: number): string {
    const nameEnd = this.#length(end);
    if (nameEnd - this.#at > NAME_BYTES_MAX) throw new Malformed();
    // Names of GraphQL are ASCII: any other byte makes a name that no schema has.
    const name = this.#bytes.toString('latin1', this.#at, nameEnd);
    this.#at = nameEnd;
    return name;
  }

  /** Numbers that no double holds are no times and no lengths. */
  #varint(end: number): number {
    let value = 0;
    for (let index = 0; index < VARINT_BYTES_MAX && this.#at < end; index += 1) {
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      value += (byte % 128) * 128 ** index;
      if (byte < 128) return this.#safe(value);
    }
    throw new Malformed();
  }

  #safe(value: number): number {
    if (!Number.isSafeInteger(value)) throw new Malformed();
    return value;
  }

  #skip(wire: number, end: number): void {
    if (wire === VARINT) {
      this.#skipVarint(end);
      return;
    }
    const sizes: Readonly<Record<number, number>> = { [FIXED64]: 8, [FIXED32]: 4 };
    const to = wire === BYTES ? this.#length(end) : this.#at + (sizes[wire] ?? Number.POSITIVE_INFINITY);
    if (to > end) throw new Malformed();
    this.#at = to;
  }

  /** A negative number has more bits than a double, and is skipped all the same. */
  #skipVarint(end: number): void {
    for (let index = 0; index < VARINT_BYTES_MAX && this.#at < end; index += 1) {
      const byte = this.#bytes[this.#at] ?? 0;
      this.#at += 1;
      if (byte < 128) return;
    }
    throw new Malformed();
  }
}
