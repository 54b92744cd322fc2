import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { OtlpEventSink } from '../../../src/audit/shipping/otlp-event-sink.ts';
import { lineWriter } from '../../../src/audit/shipping/shipped-line.ts';
import { StreamEventSink } from '../../../src/audit/shipping/stream-event-sink.ts';
import { WebhookEventSink } from '../../../src/audit/shipping/webhook-event-sink.ts';
import { OtlpClient } from '../../../src/telemetry/otlp-client.ts';
import { resourceOf } from '../../../src/telemetry/otlp-value.ts';
import { signatureOf } from '../../../src/webhook-signature.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../telemetry/otlp-receiver.ts';
import { eventOf } from '../fixtures.ts';
import { NOON_MS, shippedOf } from './log-kit.ts';

const SECRET = 's'.repeat(32);
const PRODUCT = { version: '1.2.3' };
const BATCH = [shippedOf(eventOf('r-1'), 4), shippedOf(eventOf('r-2'), 6)];
const NEVER = new AbortController().signal;

describe('a webhook', () => {
  let server: Server;
  let origin: string;
  let calls: { readonly headers: IncomingHttpHeaders; readonly body: string }[];
  let status: number;

  beforeAll(async () => {
    server = createServer(async (incoming, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      calls.push({ headers: incoming.headers, body: Buffer.concat(chunks).toString() });
      if (status === 0) return;
      response
        .writeHead(status, status === 302 ? { location: `${origin}/elsewhere` } : {})
        .end('a secret answer');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    calls = [];
    status = 200;
  });

  const sinkOf = (format: 'ndjson' | 'ocsf', timeoutMs = 5000) =>
    new WebhookEventSink({
      ...{ url: `${origin}/hook`, secret: SECRET, headers: { authorization: 'Bearer t' }, timeoutMs },
      writeLine: lineWriter(format, PRODUCT),
      now: () => NOON_MS,
    });

  it('gets the lines of the log, named and signed', async () => {
    await sinkOf('ndjson').deliver(BATCH, NEVER);
    const [{ headers, body } = { headers: {}, body: '' }] = calls;
    const lines = body.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).event.requestId)).toEqual(['r-1', 'r-2']);
    expect(lines[0]).toContain(BATCH[0]?.line);
    expect(JSON.parse(lines[0] ?? '').run).toBe(BATCH[0]?.run);
    expect(headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      authorization: 'Bearer t',
      'x-portcullis-delivery': `${BATCH[0]?.run}:4-6`,
      'x-portcullis-signature': `t=${NOON_MS / 1000},v1=${signatureOf(SECRET, NOON_MS / 1000, body)}`,
    });
  });

  it('gets OCSF events that are told apart, where it wants those', async () => {
    await sinkOf('ocsf').deliver(BATCH, NEVER);
    const events = (calls[0]?.body ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ class_uid: kind, metadata }) => [kind, metadata.uid, metadata.sequence])).toEqual([
      [6003, `${BATCH[0]?.run}:4`, 4],
      [6003, `${BATCH[0]?.run}:6`, 6],
    ]);
    expect(events[0].metadata.correlation_uid).toBe('r-1');
  });

  it.each([
    ['an error', 500],
    ['a refusal', 400],
    ['a redirect, which is not followed', 302],
    ['silence', 0],
  ])('that answers by %s has not taken it, and its answer is not told', async (_, answer) => {
    status = answer;
    const fault = await sinkOf('ndjson', 200)
      .deliver(BATCH, NEVER)
      .catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'DOWNSTREAM_SERVICE_ERROR' });
    expect(JSON.stringify(fault)).not.toContain('secret');
    expect(calls).toHaveLength(1);
  });

  it('is broken off by a shutdown', async () => {
    status = 0;
    const stop = new AbortController();
    const delivering = sinkOf('ndjson', 60_000).deliver(BATCH, stop.signal);
    stop.abort();
    await expect(delivering).rejects.toMatchObject({ code: 'DOWNSTREAM_SERVICE_ERROR' });
  });
});

describe('an OTLP receiver', () => {
  let receiver: OtlpReceiver;
  let rejected: number[];

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
  });
  afterAll(() => receiver.close());
  beforeEach(() => {
    rejected = [];
    receiver.answer = null;
  });

  const sinkOf = (timeoutMs = 5000) =>
    new OtlpEventSink({
      client: new OtlpClient({ url: `${receiver.url}/`, headers: { 'x-token': 't' }, timeoutMs }),
      resource: resourceOf({ name: 'portcullis', version: '1.2.3', instanceId: 'i' }),
      ...{ version: '1.2.3', now: () => NOON_MS, onRejected: (count) => rejected.push(count) },
    });

  it('takes log records with the line, its time, its place in the log and who asked', async () => {
    await sinkOf().deliver(BATCH, NEVER);
    expect(receiver.faults).toEqual([]);
    const last = receiver.exports.at(-1);
    expect(last?.headers['x-token']).toBe('t');
    const text = JSON.stringify(last?.body);
    const [record] = JSON.parse(text).resourceLogs[0].scopeLogs[0].logRecords;
    expect(record).toMatchObject({
      timeUnixNano: `${Date.parse(BATCH[0]?.event.time ?? '')}000000`,
      severityNumber: 9,
      body: { stringValue: BATCH[0]?.line },
    });
    expect(record.attributes).toContainEqual({ key: 'portcullis.seq', value: { intValue: '4' } });
    expect(record.attributes).toContainEqual({ key: 'portcullis.tenant', value: { stringValue: 'acme' } });
    expect(record.attributes.some(({ key }: { key: string }) => key === 'portcullis.code')).toBe(false);
  });

  it('is told of a refusal as a warning, and of a leak as the worst there is', async () => {
    const refused = { ...eventOf('r'), code: 'FORBIDDEN' as const };
    const leaked = { ...eventOf('l'), severity: 'critical' as const };
    await sinkOf().deliver([shippedOf(refused, 1), shippedOf(leaked, 2)], NEVER);
    const text = JSON.stringify(receiver.exports.at(-1)?.body);
    const records = JSON.parse(text).resourceLogs[0].scopeLogs[0].logRecords;
    expect(records.map(({ severityText }: { severityText: string }) => severityText)).toEqual([
      'WARN',
      'FATAL',
    ]);
    expect(receiver.faults).toEqual([]);
  });

  it.each([400, 429, 503])('that answers %s has not taken it', async (status) => {
    receiver.answer = { status, body: 'a secret' };
    await expect(sinkOf().deliver(BATCH, NEVER)).rejects.toMatchObject({ code: 'DOWNSTREAM_SERVICE_ERROR' });
  });

  it.each([
    ['{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"no"}}', [2]],
    ['{"partialSuccess":{"rejectedLogRecords":1}}', [1]],
    ['{"partialSuccess":{}}', []],
    ['{}', []],
    ['null', []],
    ['no json', []],
    ['x'.repeat(100_000), []],
  ])('that refuses some for good is not asked again: %j', async (body, told) => {
    receiver.answer = { status: 200, body };
    await sinkOf().deliver(BATCH, NEVER);
    expect(rejected).toEqual(told);
  });
});

describe('a stream', () => {
  it('has an event taken once whoever reads has taken it', async () => {
    const written: string[] = [];
    const pending: (() => void)[] = [];
    const slow = new Writable({
      write: (chunk, _encoding, done) => {
        written.push(String(chunk));
        pending.push(done);
      },
    });
    let settled = false;
    const delivering = new StreamEventSink(slow, lineWriter('ndjson', PRODUCT))
      .deliver(BATCH, NEVER)
      .then(() => (settled = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect([written.join('').split('\n').length, settled]).toEqual([3, false]);
    for (const done of pending) done();
    await delivering;
    expect(settled).toBe(true);
  });

  it('that breaks, or a shutdown, takes nothing', async () => {
    const broken = new Writable({ write: (_chunk, _encoding, done) => done(new Error('gone')) });
    broken.on('error', () => undefined);
    const line = lineWriter('ndjson', PRODUCT);
    await expect(new StreamEventSink(broken, line).deliver(BATCH, NEVER)).rejects.toThrow('gone');
    const stuck = new Writable({ write: () => undefined });
    const stop = new AbortController();
    const delivering = new StreamEventSink(stuck, line).deliver(BATCH, stop.signal);
    stop.abort(new Error('stopped'));
    await expect(delivering).rejects.toThrow('stopped');
  });
});
