import { describe, expect, it } from 'vitest';
import { type DirectFrame, DirectHeads } from '../../src/listener/direct/direct-answer.ts';

const FRAME: DirectFrame = {
  ...{ reason: 'OK', requestId: 'id', mediaType: 'application/json', length: 2 },
  ...{ coding: null, varies: true, keepSeconds: 5 },
};
const OK = { status: 200, headers: {} };
const NOON_MS = Date.UTC(2026, 0, 2, 12);

const linesOf = (head: string): readonly string[] => head.split('\r\n');

describe('the heads of answers', () => {
  it('end with one empty line and tell the length once', () => {
    const head = new DirectHeads().print(OK, FRAME, NOON_MS);
    expect(head.startsWith('HTTP/1.1 200 OK\r\n')).toBe(true);
    expect(head.indexOf('\r\n\r\n')).toBe(head.length - 4);
    expect(linesOf(head).filter((line) => line.startsWith('content-length'))).toEqual(['content-length: 2']);
    expect(linesOf(head)).toContain('date: Fri, 02 Jan 2026 12:00:00 GMT');
  });

  it('say the same whatever was said before', () => {
    const heads = new DirectHeads();
    const frames: readonly DirectFrame[] = [
      FRAME,
      { ...FRAME, requestId: 'other', length: 345 },
      { ...FRAME, mediaType: 'application/graphql-response+json' },
      { ...FRAME, varies: false },
      { ...FRAME, coding: 'br' },
      { ...FRAME, keepSeconds: null },
      { ...FRAME, keepSeconds: 72 },
    ];
    const answers = [
      OK,
      { status: 429, headers: { 'retry-after': '3' } },
      { status: 200, headers: { a: 'b' } },
    ];
    const asked = frames.flatMap((frame) => answers.map((answer) => ({ frame, answer })));
    for (const nowMs of [NOON_MS, NOON_MS + 999, NOON_MS + 1_000, NOON_MS - 1]) {
      for (const { frame, answer } of [...asked, ...asked.toReversed()]) {
        expect(heads.print(answer, frame, nowMs)).toBe(new DirectHeads().print(answer, frame, nowMs));
      }
    }
  });

  it.each(['a\r\nb: c', 'a\nb', 'a\0'])('refuse a value that would end its line (%j)', (value) => {
    expect(() => new DirectHeads().print({ status: 200, headers: { a: value } }, FRAME, NOON_MS)).toThrow(
      TypeError,
    );
  });

  it('do not let the pipeline say what the edge says', () => {
    const headers = { 'content-length': '0', connection: 'upgrade', 'x-request-id': 'mine', date: 'never' };
    expect(new DirectHeads().print({ status: 200, headers }, FRAME, NOON_MS)).toBe(
      new DirectHeads().print(OK, FRAME, NOON_MS),
    );
  });
});
