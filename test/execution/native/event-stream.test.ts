import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEventStream, type StreamEvent } from '../../../src/execution/native/event-stream.ts';

async function read(
  bytes: Uint8Array | string,
  { chunkBytes = 1, eventBytesMax = 1_000 } = {},
): Promise<StreamEvent[]> {
  const all = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  async function* chunks() {
    for (let at = 0; at < all.length; at += chunkBytes) yield all.subarray(at, at + chunkBytes);
  }
  const events: StreamEvent[] = [];
  for await (const event of readEventStream(chunks(), eventBytesMax)) events.push(event);
  return events;
}

describe('readEventStream', () => {
  it('reads events whatever ends their lines', async () => {
    const expected = [
      { type: 'next', data: '1' },
      { type: 'message', data: '2\n3' },
    ];
    for (const end of ['\n', '\r', '\r\n']) {
      const text = ['event: next', 'data: 1', '', ': alive', '', 'data: 2', 'data:3', 'id: 7', '', ''].join(
        end,
      );
      for (const chunkBytes of [1, 2, 3, 1_000]) expect(await read(text, { chunkBytes })).toEqual(expected);
    }
  });

  it('tells an event that has no data, as the end of a subscription is', async () => {
    expect(await read('event: complete\n\n')).toEqual([{ type: 'complete', data: '' }]);
  });

  it('drops an event that the end of the stream cut off', async () => {
    expect(await read('data: 1\n\ndata: 2\n')).toEqual([{ type: 'message', data: '1' }]);
  });

  it('keeps characters whole that chunks cut through', async () => {
    expect(await read('data: \u{1f600}é\n\n')).toEqual([{ type: 'message', data: '\u{1f600}é' }]);
  });

  it('takes an event of exactly the bound and refuses one more byte', async () => {
    const event = `data: ${'x'.repeat(93)}`;
    expect(await read(`${event}\n\n`, { eventBytesMax: 100 })).toHaveLength(1);
    await expect(read(`${event}x\n\n`, { eventBytesMax: 100 })).rejects.toMatchObject({
      code: 'DOWNSTREAM_SERVICE_ERROR',
    });
  });

  it('counts bytes, not characters', async () => {
    expect(await read(`data: ${'€'.repeat(31)}\n\n`, { eventBytesMax: 100 })).toHaveLength(1);
    await expect(read(`data: ${'€'.repeat(32)}\n\n`, { eventBytesMax: 100 })).rejects.toMatchObject({
      code: 'DOWNSTREAM_SERVICE_ERROR',
    });
  });

  it.each([
    ['a line that never ends', 'x'.repeat(101)],
    ['many small lines', 'data: 1\n'.repeat(20)],
    ['lines it does not know', 'retry: 1\n'.repeat(20)],
  ])('refuses %s', async (_, text) => {
    await expect(read(text, { eventBytesMax: 100 })).rejects.toMatchObject({
      code: 'DOWNSTREAM_SERVICE_ERROR',
    });
  });

  it('reads any bytes alike however they are cut, and ends', async () => {
    const text = fc
      .array(fc.constantFrom('data:', 'event:', ' ', 'a', '\n', '\r', '\r\n', ':', '\ufeff', 'é', '\0'))
      .map((parts) => new TextEncoder().encode(parts.join('')));
    await fc.assert(
      fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (bytes, chunkBytes) => {
        expect(await read(bytes, { chunkBytes })).toEqual(await read(bytes, { chunkBytes: 10_000 }));
      }),
      { numRuns: 400 },
    );
  });
});
