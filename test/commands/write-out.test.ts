import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { writeAll } from '../../src/commands/write-out.ts';

it('asks for nothing further once nobody reads, and lets what makes the texts end', async () => {
  const out = new PassThrough();
  let asked = 0;
  let isEnded = false;
  async function* texts() {
    try {
      for (; asked < 100; ) {
        asked += 1;
        if (asked === 3) out.destroy();
        yield `${asked}\n`;
      }
    } finally {
      isEnded = true;
    }
  }
  await writeAll(out, texts());
  expect([asked, isEnded]).toEqual([3, true]);
});

it('writes all to who reads on, however slowly', async () => {
  const out = new PassThrough({ highWaterMark: 1 });
  async function* texts() {
    yield* ['a', 'b', 'c'];
  }
  const written = writeAll(out, texts()).then(() => out.end());
  let text = '';
  for await (const chunk of out) text += chunk;
  await written;
  expect(text).toBe('abc');
});
