import { describe, expect, it } from 'vitest';
import { readInlineTrace } from '../../src/execution/inline-trace.ts';

type Bytes = readonly number[];

/** Protocol Buffers, as far as traces need them. */
const varint = (value: number): Bytes =>
  value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
const number = (field: number, value: number): Bytes => [...varint(field * 8), ...varint(value)];
const bytes = (field: number, value: Bytes): Bytes => [
  ...varint(field * 8 + 2),
  ...varint(value.length),
  ...value,
];
const text = (field: number, value: string): Bytes => bytes(field, [...Buffer.from(value)]);

interface Resolver {
  readonly name: string;
  readonly alias?: string;
  readonly parent?: string;
  readonly start?: number;
  readonly end?: number;
  readonly children?: Bytes;
}

/** A resolver's node; what it says of itself stands before and after its children. */
function resolver({ name, alias, parent = 'Query', start = 10, end = 2010, children = [] }: Resolver): Bytes {
  const named = alias === undefined ? text(1, name) : [...text(1, alias), ...text(14, name)];
  return bytes(12, [...named, ...number(8, start), ...children, ...number(9, end), ...text(13, parent)]);
}

const item = (index: number, children: Bytes): Bytes => bytes(12, [...number(2, index), ...children]);
const trace = (children: Bytes): Bytes => [
  ...bytes(4, [...number(1, 5)]),
  ...bytes(14, children),
  ...number(11, 9),
];
const encoded = (content: Bytes): string => Buffer.from(content).toString('base64');

/** What is told of a trace; null where it is none. */
function read(given: unknown): readonly string[] | null {
  const told: string[] = [];
  const isTrace = readInlineTrace(given, (...found) => void told.push(found.join(' ')));
  if (!isTrace) expect(told).toEqual([]);
  return isTrace ? told : null;
}

const readBytes = (content: Bytes) => read(encoded(content));

describe('a trace', () => {
  it('tells each resolver by its parent type and its name, under whatever alias, with its time', () => {
    const price = resolver({ name: 'price', parent: 'Item', start: 0, end: 7 });
    const items = resolver({ name: 'items', alias: 'a', children: [...item(0, price), ...item(1, price)] });
    expect(readBytes(trace([...items, ...resolver({ name: 'me', end: 10 })]))).toEqual([
      'Item price 7',
      'Item price 7',
      'Query items 2000',
      'Query me 0',
    ]);
  });

  it('tells nothing of a resolver that did not end, or has no type or no name', () => {
    const nodes = [{ end: 0 }, { parent: '' }, { name: '' }].map((part) => resolver({ name: 'a', ...part }));
    expect(readBytes(trace(nodes.flat()))).toEqual([]);
  });

  it('may be empty, and hold what is not known', () => {
    expect(read('')).toEqual([]);
    const unknown = [...number(77, 5), ...text(78, 'x'), ...varint(79 * 8 + 5), 1, 2, 3, 4];
    const fixed = [...varint(80 * 8 + 1), 1, 2, 3, 4, 5, 6, 7, 8];
    const negative = [...varint(81 * 8), ...Array<number>(9).fill(255), 1];
    const inside = bytes(12, [
      ...unknown,
      ...fixed,
      ...negative,
      ...text(1, 'a'),
      ...number(9, 1),
      ...text(13, 'T'),
    ]);
    expect(readBytes([...unknown, ...fixed, ...negative, ...trace(inside)])).toEqual(['T a 1']);
  });
});

describe('what is no trace is refused whole', () => {
  const good = resolver({ name: 'a' });

  it.each([
    ['no text', 7],
    ['null', null],
    ['another alphabet', encoded(trace(good)).replace(/.$/u, '-')],
    ['text that was cut', encoded(trace(good)).slice(0, -1)],
    ['a line feed', `${encoded(trace(good))}\n`],
    ['more text than is read', 'A'.repeat(1_048_580)],
  ])('%s', (_, given) => {
    expect(read(given)).toBeNull();
  });

  it.each<[string, Bytes]>([
    ['a length beyond its end', [...trace(good).slice(0, -2), ...bytes(14, good).slice(0, -1)]],
    ['a child that is longer than its parent', bytes(14, [...varint(12 * 8 + 2), 100, 1, 2])],
    ['a number without end', [...varint(11 * 8), 255, 255]],
    ['a number of eleven bytes', [...varint(11 * 8), ...Array<number>(10).fill(255), 1]],
    ['a length of 64 bits', [...varint(14 * 8 + 2), ...Array<number>(9).fill(255), 1]],
    ['a time of 64 bits', trace(bytes(12, [...varint(9 * 8), ...Array<number>(9).fill(255), 1]))],
    ['a group', [...varint(14 * 8 + 3), ...varint(14 * 8 + 4)]],
    ['an unknown wire type', [...varint(14 * 8 + 7)]],
    ['a tag of more than 32 bits', [...varint(2 ** 33 + 14 * 8)]],
    ['a fixed number that is cut', [...varint(3 * 8 + 1), 1, 2]],
    ['an end before its start', trace(resolver({ name: 'a', start: 10, end: 9 }))],
    ['a name without bound', trace(resolver({ name: 'a'.repeat(257) }))],
  ])('%s', (_, content) => {
    expect(readBytes([...trace(good), ...content])).toBeNull();
  });

  it('nodes within nodes beyond the bound, and not at it', () => {
    const nested = (levels: number): Bytes => (levels === 0 ? [] : item(0, nested(levels - 1)));
    expect(readBytes(trace(nested(128)))).toEqual([]);
    expect(readBytes(trace(nested(129)))).toBeNull();
    // Far more than the stack of a reader that follows them.
    let deep: Bytes = [];
    for (let level = 0; level < 3000; level += 1) deep = item(0, deep);
    expect(readBytes(trace(deep))).toBeNull();
  });

  it('more nodes than are read', () => {
    const empty = Buffer.from(bytes(12, []));
    const of = (count: number) =>
      Buffer.from(bytes(14, [...Buffer.concat(Array<Buffer>(count).fill(empty))])).toString('base64');
    expect(read(of(49_999))).toEqual([]);
    expect(read(of(50_000))).toBeNull();
  });

  it('any text at all, without more than an answer', () => {
    let state = 7;
    for (let round = 0; round < 300; round += 1) {
      const noise = Array.from({ length: 60 }, () => {
        state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
        return (state >> 8) % 256;
      });
      const bent = [...trace(good)];
      bent[noise[0] === undefined ? 0 : noise[0] % bent.length] = noise[1] ?? 0;
      for (const content of [noise, bent]) {
        const told = readBytes(content);
        expect(told === null || Array.isArray(told)).toBe(true);
      }
    }
  });
});
