import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { collectGarbage } from '../collect-garbage.ts';
import { startTwoEngines } from './kit/two-engines.ts';

/** `npm run soak -- memory` asks for more. */
const REQUESTS = Number(process.env['SOAK_REQUESTS'] ?? 5_000);
const AT_ONCE = 50;
/** What a request may leave behind, on average. */
const GROWTH_BYTES_EACH_MAX = 630;

function heapUsed(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

describe('memory', () => {
  it(
    `returns to near where it was after ${REQUESTS} requests, some of which leave or fail`,
    async () => {
      let count = 0;
      const server = createServer((request, response) => {
        request.resume();
        count += 1;
        const body = count % 50 === 0 ? '{"data":{"raw"' : `{"data":{"raw":"${'x'.repeat(2_000)}"}}`;
        request.once('end', () => response.end(body));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const sdl =
        'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9") type Query { raw(n: Int): String }';
      const engines = await startTwoEngines([{ name: 'only', url, sdl }]);
      const text = 'query ($n: Int) { raw(n: $n) }';
      // One signal outlives all requests, as that of a kept connection does.
      const { signal } = new AbortController();
      const run = async (total: number): Promise<void> => {
        for (let done = 0; done < total; done += AT_ONCE) {
          await Promise.all(
            Array.from({ length: AT_ONCE }, async (_, index) => {
              const leaving = index === 0 ? AbortSignal.abort() : signal;
              await engines.ask('native', { text, variables: { n: done + (index % 25) }, signal: leaving });
            }),
          );
        }
      };
      await run(1_000);
      const before = heapUsed();
      await run(REQUESTS);
      const grown = heapUsed() - before;
      await engines.close();
      server.closeAllConnections();
      server.close();
      expect(grown).toBeLessThan(REQUESTS * GROWTH_BYTES_EACH_MAX);
    },
    120_000 + REQUESTS * 2,
  );
});
