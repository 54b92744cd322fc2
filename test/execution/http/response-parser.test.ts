import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseHeads } from '../../../src/execution/http/response-head.ts';
import {
  CHUNK_LINE_BYTES_MAX,
  HEAD_BYTES_MAX,
  INTERIM_MAX,
  type ParserStatus,
  ResponseParser,
} from '../../../src/execution/http/response-parser.ts';

const BYTES_MAX = 2_000;

interface Parsed {
  readonly status: ParserStatus;
  readonly code: number;
  readonly text: string;
  readonly reusableMs: number | null;
  readonly surplusBytes: number;
}

/** Feeds pieces in a buffer that is written over after each, as that of a connection is. */
function parse(pieces: readonly Buffer[], ended = false): Parsed {
  const parser = new ResponseParser(BYTES_MAX, new ResponseHeads());
  let status: ParserStatus = 'more';
  for (const piece of pieces) {
    if (status !== 'more') break;
    const shared = Buffer.from(piece);
    status = parser.push(shared);
    shared.fill(0x2a);
  }
  if (status === 'more' && ended) status = parser.end();
  return {
    status,
    code: parser.status,
    text: parser.text,
    reusableMs: parser.reusableMs,
    surplusBytes: parser.surplusBytes,
  };
}

const parseText = (text: string, ended = false): Parsed => parse([Buffer.from(text, 'latin1')], ended);

const OK = 'HTTP/1.1 200 OK\r\n';
const sized = (body: string, fields = ''): string =>
  `${OK}${fields}content-length: ${body.length}\r\n\r\n${body}`;
const chunked = (rest: string): string => `${OK}transfer-encoding: chunked\r\n\r\n${rest}`;

/** Cuts bytes where the numbers say. */
function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

/** Bodies in each framing, with what the peer writes for them. */
const answers = fc
  .record({
    body: fc.string({ unit: 'grapheme', maxLength: 300 }),
    status: fc.constantFrom(200, 400, 401, 500, 503),
    framing: fc.constantFrom('sized' as const, 'chunked' as const, 'untilClose' as const),
    sizes: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
    interim: fc.integer({ min: 0, max: INTERIM_MAX }),
    trailer: fc.constantFrom('', 'x-checksum: 1\r\n', 'a: b\r\nc:\r\n'),
  })
  .map(({ body, status, framing, sizes, interim, trailer }) => {
    const bytes = Buffer.from(body.toWellFormed(), 'utf8');
    const start = `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(interim)}HTTP/1.1 ${status} Whatever\r\nx-a: b\r\n`;
    if (framing === 'untilClose') return { status, framing, wire: [`${start}\r\n`, bytes], bytes };
    if (framing === 'sized')
      return { status, framing, wire: [`${start}Content-Length: ${bytes.length}\r\n\r\n`, bytes], bytes };
    const wire: (string | Buffer)[] = [`${start}Transfer-Encoding: chunked\r\n\r\n`];
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const size = Math.min(sizes[turn % sizes.length] ?? 1, bytes.length - at);
      wire.push(
        `${size.toString(16)}${turn % 2 === 0 ? '' : ';ext=1'}\r\n`,
        bytes.subarray(at, at + size),
        '\r\n',
      );
      at += size;
    }
    return { status, framing, wire: [...wire, `0\r\n${trailer}\r\n`], bytes };
  })
  .map(({ wire, ...answer }) => ({
    ...answer,
    wire: Buffer.concat(wire.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))),
  }));

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe('a parser of answers', () => {
  it('reads every framing alike, however the bytes are cut', () => {
    fc.assert(
      fc.property(answers, cuts, ({ wire, bytes, status, framing }, at) => {
        const parsed = parse(cut(wire, at), true);
        expect(parsed).toMatchObject({ status: 'done', code: status, text: bytes.toString('utf8') });
        expect(parsed.reusableMs === null).toBe(framing === 'untilClose');
      }),
    );
  });

  it('reads byte by byte what it reads at once', () => {
    fc.assert(
      fc.property(answers, ({ wire }) => {
        const apart = Array.from(wire, (_, index) => wire.subarray(index, index + 1));
        expect(parse(apart, true)).toEqual(parse([wire], true));
      }),
      { numRuns: 30 },
    );
  });

  it('is never done before the end, and takes no cut-off answer for a whole one', () => {
    fc.assert(
      fc.property(answers, fc.nat(), ({ wire, framing }, place) => {
        const short = wire.subarray(0, place % wire.length);
        expect(parse([short]).status).toBe('more');
        if (framing !== 'untilClose') expect(parse([short], true).status).toBe('fault');
      }),
    );
  });

  it('takes no byte of what comes behind an answer', () => {
    fc.assert(
      fc.property(answers, fc.string({ minLength: 1, maxLength: 20 }), ({ wire, bytes, framing }, more) => {
        fc.pre(framing !== 'untilClose');
        const parsed = parse([Buffer.concat([wire, Buffer.from(more)])]);
        expect(parsed).toMatchObject({
          ...{ status: 'done', text: bytes.toString('utf8') },
          surplusBytes: Buffer.byteLength(more),
        });
      }),
    );
  });

  it('ends with a verdict and no fault of its own on any bytes', () => {
    const noise = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(answers, noise, fc.nat(), cuts, ({ wire }, junk, place, at) => {
        const where = place % (wire.length + 1);
        const spoilt = Buffer.concat([wire.subarray(0, where), junk, wire.subarray(where)]);
        const { status, text } = parse(cut(spoilt, at), true);
        expect(['done', 'fault']).toContain(status);
        expect(Buffer.byteLength(text)).toBeLessThanOrEqual(BYTES_MAX * 3);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['another protocol', 'HTTP/2 200 OK\r\n\r\n'],
    ['an older one than any', 'HTTP/0.9 200 OK\r\n\r\n'],
    ['a version that does not exist', 'HTTP/1.2 200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status below all', 'HTTP/1.1 099 OK\r\n\r\n'],
    ['a status above all', 'HTTP/1.1 600 OK\r\n\r\n'],
    ['two blanks before the status', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['a blank before all', ` ${sized('{}')}`],
    ['an empty line before all', `\r\n${sized('{}')}`],
    ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n'],
    ['a blank before the colon', sized('{}', 'x-a : b\r\n')],
    ['a field without a name', sized('{}', ': b\r\n')],
    ['a field without a colon', sized('{}', 'x-a\r\n')],
    ['a folded line', sized('{}', 'x-a: b\r\n c\r\n')],
    ['a line feed alone', sized('{}', 'x-a: b\nx-c: d\r\n')],
    ['a carriage return in a value', sized('{}', 'x-a: b\rc\r\n')],
    ['a zero byte in a value', sized('{}', 'x-a: b\0c\r\n')],
    ['a byte in a name that none may have', sized('{}', 'x\xe9: b\r\n')],
    ['two lengths that differ', sized('{}', 'content-length: 3\r\n')],
    ['a length before a blank that is none', `${OK}content-length: 2\u00a0\r\n\r\n{}`],
    ['two lengths alike', sized('{}', 'content-length: 2\r\n')],
    ['a list of lengths', `${OK}content-length: 2, 2\r\n\r\n{}`],
    ['a negative length', `${OK}content-length: -2\r\n\r\n{}`],
    ['a signed length', `${OK}content-length: +2\r\n\r\n{}`],
    ['a length in hexadecimal', `${OK}content-length: 0x2\r\n\r\n{}`],
    ['a length that is no integer', `${OK}content-length: 2.0\r\n\r\n{}`],
    ['no length in its field', `${OK}content-length:\r\n\r\n{}`],
    ['a length past all numbers', `${OK}content-length: ${'9'.repeat(16)}\r\n\r\n{}`],
    ['a length and chunks', `${OK}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${OK}transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n0\r\n\r\n`],
    ['chunks twice', `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a coding under the chunks', `${OK}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['another coding than chunks', `${OK}transfer-encoding: gzip\r\n\r\n{}`],
    ['a coding that only begins alike', `${OK}transfer-encoding: chunkedx\r\n\r\n0\r\n\r\n`],
    ['chunks of an older version', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk without a size', chunked('\r\n{}\r\n0\r\n\r\n')],
    ['a chunk of negative size', chunked('-2\r\n{}\r\n0\r\n\r\n')],
    ['a chunk size with a blank before', chunked(' 2\r\n{}\r\n0\r\n\r\n')],
    ['a chunk size in the form of a literal', chunked('0x2\r\n{}\r\n0\r\n\r\n')],
    ['a chunk size past all numbers', chunked(`${'f'.repeat(17)}\r\n`)],
    ['a chunk size with a line feed alone', chunked('2\n{}\r\n0\r\n\r\n')],
    ['a chunk longer than it says', chunked('2\r\n{}}\r\n0\r\n\r\n')],
    ['a control character in an extension', chunked('2;a\x01\r\n{}\r\n0\r\n\r\n')],
    ['a trailer that is no field', chunked('2\r\n{}\r\n0\r\nnone\r\n\r\n')],
  ])('takes %s for a fault', (_what, text) => {
    expect(parseText(text, true)).toMatchObject({ status: 'fault', text: '' });
  });

  it.each([204, 304])('expects no body after status %i', (status) => {
    expect(parseText(`HTTP/1.1 ${status} None\r\ncontent-length: 5\r\n\r\n`)).toMatchObject({
      status: 'done',
      code: status,
      text: '',
    });
  });

  it(`passes over ${INTERIM_MAX} interim answers and no more`, () => {
    const interim = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
    expect(parseText(`${interim.repeat(INTERIM_MAX)}${sized('{}')}`)).toMatchObject({
      code: 200,
      text: '{}',
    });
    expect(parseText(interim.repeat(INTERIM_MAX + 1)).status).toBe('fault');
  });

  it('reads a head up to its bound, whole and in pieces, and no longer one', () => {
    const head = (bytes: number): string => {
      const rest = 'HTTP/1.1 204 None\r\nx: ';
      return `${rest}${'y'.repeat(bytes - rest.length)}\r\n\r\n`;
    };
    expect(parseText(head(HEAD_BYTES_MAX)).status).toBe('done');
    expect(parseText(head(HEAD_BYTES_MAX + 1)).status).toBe('fault');
    const endless = Buffer.from(head(HEAD_BYTES_MAX + 10).slice(0, HEAD_BYTES_MAX + 5));
    expect(parse(cut(endless, [1_000, 9_000])).status).toBe('fault');
  });

  it('bounds the line of a chunk and the trailer', () => {
    const line = (bytes: number): string => chunked(`1;${'e'.repeat(bytes - 2)}\r\n{\r\n0\r\n\r\n`);
    expect(parseText(line(CHUNK_LINE_BYTES_MAX)).status).toBe('done');
    expect(parseText(line(CHUNK_LINE_BYTES_MAX + 1)).status).toBe('fault');
    expect(parseText(chunked(`0\r\n${'a: b\r\n'.repeat(HEAD_BYTES_MAX / 5)}`)).status).toBe('fault');
  });

  it('takes a body up to its bound in every framing, and faults as soon as more is announced or comes', () => {
    const bodies = [BYTES_MAX, BYTES_MAX + 1].map((bytes) => 'x'.repeat(bytes));
    for (const [index, expected] of (['done', 'fault'] as const).entries()) {
      const body = bodies[index] ?? '';
      expect(parseText(sized(body)).status).toBe(expected);
      expect(parseText(chunked(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`)).status).toBe(expected);
      expect(parseText(`${OK}\r\n${body}`, true).status).toBe(expected);
    }
    expect(parseText(`${OK}content-length: ${BYTES_MAX + 1}\r\n\r\n`).status).toBe('fault');
    expect(parseText(chunked(`${(BYTES_MAX + 1).toString(16)}\r\n`)).status).toBe('fault');
  });

  it.each([
    ['by default', '', Number.POSITIVE_INFINITY],
    ['for as long as the peer says', 'keep-alive: timeout=5, max=100\r\n', 5_000],
    ['not where it closes', 'connection: close\r\n', null],
    ['not where it closes among other options', 'Connection: keep-alive\r\nconnection: x, CLOSE\r\n', null],
  ])('lets a connection be used again %s', (_when, fields, reusableMs) => {
    expect(parseText(sized('{}', fields))).toMatchObject({ status: 'done', reusableMs });
  });

  it('never uses a connection of an older version again', () => {
    expect(parseText('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}')).toMatchObject({
      status: 'done',
      text: '{}',
      reusableMs: null,
    });
  });
});

describe('the heads of one connection', () => {
  /** Reads answers one after the other as they come over one connection. */
  function parseAll(texts: readonly string[]) {
    const heads = new ResponseHeads();
    return texts.map((text) => {
      const parser = new ResponseParser(BYTES_MAX, heads);
      const status = parser.push(Buffer.from(text, 'latin1'));
      return { status, code: parser.status, text: parser.text, reusableMs: parser.reusableMs };
    });
  }
  const apart = (texts: readonly string[]) => texts.flatMap((text) => parseAll([text]));

  it.each([
    ['the same', [sized('one'), sized('two')]],
    ['of another length', [sized('one'), sized('four'), sized('one')]],
    [
      'of a length of another number of digits',
      [sized('one'), sized('x'.repeat(1_234)), sized(''), sized('one')],
    ],
    [
      'of a length in other words',
      [sized('one'), sized('one').replace(': 3', ': 03'), sized('one').replace(': 3', ': +3')],
    ],
    [
      'of a length with blanks around',
      [sized('one').replace(': 3', ':  3 '), sized('four').replace(': 4', ':  4 '), sized('four')],
    ],
    [
      'of a length past all numbers',
      [sized('one'), sized('one').replace(': 3', ': 0000000000000003'), sized('one')],
    ],
    ['of which one lost its length', [sized('one'), sized('one').replace(': 3', ': '), sized('one')]],
    [
      'without a body, whatever length they tell',
      [sized('').replace('200 OK', '204 No'), sized('one').replace('200 OK', '204 No')],
    ],
    [
      'of which one tells the length of another field',
      [sized('one', 'x-content-length: 7\r\n'), sized('one', 'x-content-length: 8\r\n')],
    ],
    [
      'of which one is chunked',
      [sized('one'), `${OK}transfer-encoding: chunked\r\n\r\n0\r\n\r\n`, sized('four')],
    ],
    ['of another status', [sized('one'), sized('two').replace('200 OK', '500 No'), sized('one')]],
    ['of which one begins like another', [sized('one'), sized('two', 'a: b\r\n'), sized('one')]],
    ['of which one goes on where another ended', [`${OK}\r\n`, `${OK}content-length: 1\r\n\r\nx`]],
    ['of interim answers', [`HTTP/1.1 100 Continue\r\n\r\n${sized('one')}`, sized('two'), sized('two')]],
    ['of which one says goodbye', [sized('one'), sized('two', 'connection: close\r\n'), sized('one')]],
    ['of which one is none', [sized('one'), `${OK}no field\r\n\r\n`, `${OK}no field\r\n\r\n`, sized('one')]],
    [
      'too long for a body',
      [sized('one'), `${OK}content-length: 2001\r\n\r\n`, `${OK}content-length: 2001\r\n\r\n`],
    ],
  ])('are read as each alone: %s', (_what, texts) => {
    expect(parseAll(texts)).toEqual(apart(texts));
  });

  it('are held to their bound where only a longer length takes one past it', () => {
    const room = HEAD_BYTES_MAX - `${OK}content-length: 1\r\nx: `.length;
    const texts = [1, 10].map(
      (length) => `${OK}content-length: ${length}\r\nx: ${'y'.repeat(room)}\r\n\r\n${'z'.repeat(length)}`,
    );
    expect(parseAll(texts).map(({ status }) => status)).toEqual(['done', 'fault']);
  });

  it('are read as each alone, whatever stands in them', () => {
    const line = fc.constantFrom(
      'a: b\r\n',
      'content-length: 1\r\n',
      'content-length: 02\r\n',
      'Content-Length:2 \r\n',
      'connection: close\r\n',
      '\r\n',
      'x',
      ' y\r\n',
    );
    const text = fc.array(line, { maxLength: 5 }).map((lines) => `${OK}${lines.join('')}\r\nzz`);
    fc.assert(
      fc.property(fc.array(text, { minLength: 2, maxLength: 6 }), (texts) => {
        expect(parseAll([...texts, ...texts])).toEqual(apart([...texts, ...texts]));
      }),
    );
  });
});
