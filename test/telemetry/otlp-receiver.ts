import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import otlp from '@opentelemetry/otlp-transformer/build/src/generated/root.js';

/** One export as OpenTelemetry's own protocol buffers read it. */
export interface Export {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A receiver of OTLP over HTTP that takes only what OpenTelemetry's own message types take whole. */
export interface OtlpReceiver {
  readonly url: string;
  readonly exports: readonly Export[];
  /** What was refused, and why. */
  readonly faults: readonly string[];
  /** Answers instead of taking anything, until null. */
  answer: { readonly status: number; readonly body: string } | null;
  close(): Promise<void>;
}

type Message = {
  fromObject(json: object): object;
  verify(message: object): string | null;
  toObject(message: object, options: object): Record<string, unknown>;
};
type Generated = {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: Readonly<Record<string, { readonly v1: Record<string, Message> }>>;
    };
  };
};
const { trace, metrics, logs } = (otlp as unknown as Generated).opentelemetry.proto.collector;
const MESSAGES = new Map<string, Message | undefined>([
  ['/v1/traces', trace?.v1.ExportTraceServiceRequest],
  ['/v1/metrics', metrics?.v1.ExportMetricsServiceRequest],
  ['/v1/logs', logs?.v1.ExportLogsServiceRequest],
]);

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const exports: Export[] = [];
  const faults: string[] = [];
  const receiver = { exports, faults, answer: null as OtlpReceiver['answer'] };
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const path = incoming.url ?? '';
    const answer = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    if (receiver.answer !== null) return answer(receiver.answer.status, receiver.answer.body);
    const message = MESSAGES.get(path);
    const text = Buffer.concat(chunks).toString();
    const fault =
      message === undefined || incoming.method !== 'POST'
        ? 'no such path'
        : incoming.headers['content-type'] !== 'application/json'
          ? 'no JSON'
          : faultOf(message, JSON.parse(text));
    if (fault !== null) {
      faults.push(fault);
      return answer(400, '{}');
    }
    exports.push({ path, headers: incoming.headers, body: JSON.parse(text) });
    return answer(200, '{"partialSuccess":{}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(receiver, {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** Whatever the message does not know, or knows by another type, is not the same once it was read. */
function faultOf(message: Message, json: object): string | null {
  const given = withBinaryIds(json) as object;
  const read = message.fromObject(given);
  const wrong = message.verify(read);
  if (wrong !== null) return wrong;
  const back = message.toObject(read, { longs: String, bytes: String, enums: Number, arrays: false });
  return isDeepStrictEqual(plain(back), plain(given))
    ? null
    : `${JSON.stringify(plain(back))} is not ${JSON.stringify(given)}`;
}

/** Without what is empty, which messages do not keep. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) =>
      Array.isArray(each) && each.length === 0 ? [] : [[key, plain(each)]],
    ),
  );
}

/** OTLP's JSON has ids in hexadecimal, protocol buffers' own in base64. Throws: where one is no id. */
function withBinaryIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBinaryIds);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      if (key !== 'traceId' && key !== 'spanId' && key !== 'parentSpanId') return [key, withBinaryIds(each)];
      if (typeof each !== 'string' || !(key === 'traceId' ? /^[0-9a-f]{32}$/u : /^[0-9a-f]{16}$/u).test(each))
        throw new Error(`${key} is no id`);
      return [key, Buffer.from(each, 'hex').toString('base64')];
    }),
  );
}
