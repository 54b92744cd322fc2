import { announce } from '../gateways/announce.ts';
import { requestBody, tagOf } from '../graph/workloads.ts';
import { HttpConnection } from './http-connection.ts';
import type { LoadOrder, LoadReply, LoadResult } from './load-order.ts';
import { type ProcessUsage, usageOf } from './process-usage.ts';

/** Latencies kept of one window; what comes later is counted all the same. */
const LATENCIES_MAX = 2_000_000;
/** Chunk framing differs from answer to answer where the server streams. */
const FRAMING_BYTES = 64;
const FIRST_TAG = tagOf(0);

let tagsUsed = 1;

/** Keeps every connection busy with one request at a time and looks at the window in the middle. */
class Load {
  readonly #order: LoadOrder;
  readonly #head: string;
  readonly #bodyStart: string;
  readonly #bodyEnd: string;
  readonly #latenciesMs = new Float64Array(LATENCIES_MAX);
  #counting = false;
  #stopped = false;
  #requests = 0;
  #faults = 0;
  #bodyBytes: number | null = null;

  constructor(order: LoadOrder) {
    this.#order = order;
    const { host, pathname } = new URL(order.url);
    const body = requestBody({ name: 'small', about: '', query: order.query }, FIRST_TAG);
    const lines = Object.entries({
      host,
      'content-type': 'application/json',
      accept: 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...order.headers,
    }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.#head = `POST ${pathname} HTTP/1.1\r\n${lines.join('')}\r\n`;
    const [start = '', end = ''] = body.split(FIRST_TAG);
    this.#bodyStart = start;
    this.#bodyEnd = end;
  }

  async run(): Promise<LoadResult> {
    const { url, connections, warmUpMs, durationMs, pid } = this.#order;
    const { hostname, port } = new URL(url);
    const open: HttpConnection[] = [];
    const failed = Promise.withResolvers<never>();
    const onFault = (fault: Error): void => failed.reject(fault);
    const pause = (ms: number) => Promise.race([failed.promise, new Promise((done) => setTimeout(done, ms))]);
    try {
      for (let index = 0; index < connections; index += 1) {
        const opening = HttpConnection.open({ host: hostname, port: Number(port) }, onFault);
        open.push(await Promise.race([opening, failed.promise]));
      }
      for (const connection of open) this.#next(connection);
      await pause(warmUpMs);
      const before = usageOf(pid);
      const startedMs = performance.now();
      this.#counting = true;
      await pause(durationMs);
      this.#counting = false;
      const seconds = (performance.now() - startedMs) / 1000;
      return this.#result(before, usageOf(pid), seconds);
    } finally {
      this.#stopped = true;
      for (const connection of open) connection.close();
    }
  }

  #next(connection: HttpConnection): void {
    const tag = this.#order.distinct ? tagOf(tagsUsed++) : FIRST_TAG;
    const sentMs = performance.now();
    connection.send(`${this.#head}${this.#bodyStart}${tag}${this.#bodyEnd}`, (status, bodyBytes) => {
      this.#bodyBytes ??= bodyBytes;
      if (this.#counting) {
        if (this.#requests < LATENCIES_MAX) this.#latenciesMs[this.#requests] = performance.now() - sentMs;
        this.#requests += 1;
        const off = Math.abs(bodyBytes - this.#bodyBytes);
        if (status !== 200 || off > FRAMING_BYTES) this.#faults += 1;
      }
      if (!this.#stopped) this.#next(connection);
    });
  }

  #result(before: ProcessUsage, after: ProcessUsage, seconds: number): LoadResult {
    const requests = this.#requests;
    const latencies = this.#latenciesMs.subarray(0, Math.min(requests, LATENCIES_MAX)).sort();
    const quantile = (q: number): number => latencies[Math.floor(q * (latencies.length - 1))] ?? 0;
    const cpuUs = after.cpuUs - before.cpuUs;
    return {
      requests,
      faults: this.#faults,
      seconds,
      cpuUsPerRequest: requests === 0 ? Number.NaN : cpuUs / requests,
      cpuShare: cpuUs / 1_000_000 / seconds,
      requestsPerSecond: requests / seconds,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      residentBytes: after.residentBytes,
    };
  }
}

process.on('message', (order: LoadOrder) => {
  new Load(order)
    .run()
    .catch((fault: Error): LoadReply => ({ failed: fault.message }))
    .then((reply: LoadReply) => process.send?.(reply));
});
announce({ ready: true });
