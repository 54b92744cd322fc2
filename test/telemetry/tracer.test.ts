import { beforeEach, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import type { FetchSpan } from '../../src/execution/fetch-tracing.ts';
import { Departure } from '../../src/execution/native/departure.ts';
import { SharedFetches } from '../../src/execution/native/shared-fetches.ts';
import { TracedCalls, withoutTrace } from '../../src/execution/native/traced-calls.ts';
import type { SubgraphAnswer } from '../../src/execution/subgraph-answer.ts';
import type { RequestTrace, Span } from '../../src/telemetry/request-trace.ts';
import { parseTraceparent } from '../../src/telemetry/trace-context.ts';
import { Tracer, type TracerOptions } from '../../src/telemetry/tracer.ts';
import { eventOf } from '../audit/fixtures.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const SAMPLED = { traceparent: `00-${TRACE}-${SPAN}-01` };
const UNSAMPLED = { traceparent: `00-${TRACE}-${SPAN}-00` };

let ended: RequestTrace[];
let nowUs: number;
let ids: number;

beforeEach(() => {
  ended = [];
  nowUs = 5_000_000;
  ids = 0;
});

function tracer(traces: Partial<TracerOptions['traces']> | null = {}, random = 0.5): Tracer {
  return new Tracer({
    clock: { now: () => 1_000_000, nowUs: () => nowUs },
    traces:
      traces === null
        ? null
        : { ratio: 1, followsParent: false, push: (trace) => ended.push(trace), ...traces },
    random: () => random,
    randomHex: (bytes) => (++ids).toString(16).padStart(bytes * 2, '0'),
  });
}

const took = (stage: 'compile' | 'execute', fault?: unknown) => {
  const startedUs = nowUs;
  nowUs += 1000;
  return { stage, startedUs, endedUs: nowUs, fault };
};
const spans = (): readonly Span[] => ended[0]?.spans ?? [];
const named = (name: string) => spans().find((span) => span.name === name);

describe('a trace', () => {
  it('has a span for the request, its stages and its calls, each below the one that it belongs to', async () => {
    const tracing = tracer();
    await tracing.run({ id: 'r', headers: {} }, async () => {
      tracing.took(took('compile'));
      const call = tracing.begin('shop');
      await Promise.resolve();
      call?.end(200, null);
      tracing.took(took('execute'));
      tracing.observe(eventOf('r'));
    });
    const root = named('query');
    expect(spans().map(({ name, kind }) => [name, kind])).toEqual([
      ['compile', 1],
      ['fetch shop', 3],
      ['execute', 1],
      ['query', 2],
    ]);
    expect([root?.parentSpanId, named('compile')?.parentSpanId]).toEqual([null, root?.spanId]);
    expect(named('fetch shop')?.parentSpanId).toBe(named('execute')?.spanId);
    expect(root?.attributes).toMatchObject({ 'portcullis.request.id': 'r', 'portcullis.decision': 'permit' });
  });

  it('goes on with the one of its caller, by ids alone', async () => {
    const tracing = tracer();
    await tracing.run({ id: 'r', headers: SAMPLED }, async () => {
      const sent = parseTraceparent(tracing.begin('shop')?.traceparent);
      expect(sent).toMatchObject({ traceId: TRACE, isSampled: true });
      expect(sent?.spanId).not.toBe(SPAN);
      expect(tracing.traceId).toBe(TRACE);
    });
    expect(ended[0]?.context.traceId).toBe(TRACE);
    expect(spans().at(-1)?.parentSpanId).toBe(SPAN);
  });

  it.each([
    ['the share that is asked for', { ratio: 0.5 }, 0.4, {}, true],
    ['no more than that', { ratio: 0.5 }, 0.5, {}, false],
    ['not because a client wants it', { ratio: 0 }, 0, SAMPLED, false],
    ['also where a client does not want it', { ratio: 1 }, 0.9, UNSAMPLED, true],
    ['as a caller says who is trusted to', { ratio: 0, followsParent: true }, 0, SAMPLED, true],
    ['not where such a caller says so', { ratio: 1, followsParent: true }, 0, UNSAMPLED, false],
    ['by its share where such a caller says nothing', { ratio: 0.5, followsParent: true }, 0.4, {}, true],
  ])('is taken of %s', async (_, options, random, headers, isTaken) => {
    const tracing = tracer(options, random);
    let traceparent: string | undefined;
    await tracing.run({ id: 'r', headers }, async () => {
      tracing.took(took('compile'));
      traceparent = tracing.begin('shop')?.traceparent;
    });
    expect(ended).toHaveLength(isTaken ? 1 : 0);
    expect(parseTraceparent(traceparent)?.isSampled).toBe(isTaken);
  });

  it.each([
    ['from a caller who is trusted', { followsParent: true }, { ...SAMPLED, tracestate: 'a=1' }, 'a=1'],
    ['from any other', {}, { ...SAMPLED, tracestate: 'a=1' }, null],
    ['without a trace', { followsParent: true }, { tracestate: 'a=1' }, null],
    ['in another form', { followsParent: true }, { ...SAMPLED, tracestate: 'a=1,a=2' }, null],
  ])('passes on what is told to systems behind it: %s', async (_, options, headers, told) => {
    const tracing = tracer(options);
    await tracing.run({ id: 'r', headers }, async () => {
      const call = tracing.begin('shop');
      expect(call?.tracestate).toBe(told);
      let sent: Readonly<Record<string, string>> = {};
      await new TracedCalls({ begin: () => call }).send(
        { subgraph: 'shop', key: 'k', headers: {} },
        async (given) => {
          sent = given;
          return { kind: 'answer', status: 200, body: {} };
        },
      );
      expect(sent['tracestate'] ?? null).toBe(told);
    });
  });

  it('tells what failed by its code, never by its message', async () => {
    const tracing = tracer();
    const refused = new GatewayError('COST_ESTIMATED_TOO_EXPENSIVE');
    await tracing.run({ id: 'r', headers: {} }, async () => {
      tracing.took(took('compile', refused));
      tracing.took(took('execute', new Error('a secret')));
      tracing.begin('shop')?.end(0, 'SUBGRAPH_TIMEOUT');
    });
    expect(named('compile')).toMatchObject({ isFault: true, attributes: { 'error.type': refused.code } });
    expect(named('execute')?.attributes).toEqual({ 'error.type': 'INTERNAL_SERVER_ERROR' });
    expect(named('fetch shop')?.attributes).toMatchObject({ 'error.type': 'SUBGRAPH_TIMEOUT' });
    expect(JSON.stringify(spans())).not.toContain('secret');
  });

  it('is over also where the request fails, and keeps requests apart that run at once', async () => {
    const tracing = tracer();
    const gate = Promise.withResolvers<void>();
    const one = tracing.run({ id: 'one', headers: {} }, async () => {
      await gate.promise;
      tracing.took(took('compile'));
      throw new Error('broken');
    });
    await tracing.run({ id: 'two', headers: {} }, async () => undefined);
    gate.resolve();
    await expect(one).rejects.toThrow('broken');
    expect(ended.map(({ requestId, spans: told }) => [requestId, told.length])).toEqual([
      ['two', 1],
      ['one', 2],
    ]);
  });

  it('holds nothing more once it is over, so that what waits is what was counted', async () => {
    const tracing = tracer();
    const left = await tracing.run({ id: 'r', headers: {} }, async () => tracing.begin('shop'));
    const before = spans().length;
    left?.end(200, null);
    expect(spans()).toHaveLength(before);
  });

  it('does not grow without a bound', async () => {
    const tracing = tracer();
    await tracing.run({ id: 'r', headers: {} }, async () => {
      for (let at = 0; at < 1000; at += 1) tracing.begin('shop')?.end(200, null);
    });
    expect(spans()).toHaveLength(257);
    expect(spans().at(-1)?.attributes['portcullis.spans.left']).toBe(744);
  });

  it('tells nothing outside of a request, or where only times are asked for', async () => {
    const tracing = tracer(null);
    expect(tracer().begin('shop')).toBeNull();
    tracing.took(took('compile'));
    await tracing.run({ id: 'r', headers: SAMPLED }, async (trace) => {
      tracing.took(took('compile'));
      expect(tracing.begin('shop')).toBeNull();
      expect([trace.stages, trace.spans, tracing.traceId]).toEqual([
        [{ name: 'compile', tookUs: 1000 }],
        [],
        null,
      ]);
    });
    expect(ended).toEqual([]);
  });
});

describe('calls that are shared', () => {
  const ANSWER: SubgraphAnswer = { kind: 'answer', status: 200, body: {} };

  it('are one call, told of the first trace; the others link to it', async () => {
    const tracing = tracer();
    const calls = new TracedCalls(tracing);
    const fetches = new SharedFetches<SubgraphAnswer>();
    const sent: (string | undefined)[] = [];
    let answer: (result: SubgraphAnswer) => void = () => undefined;
    const ask = (id: string) =>
      tracing.run({ id, headers: {} }, () =>
        calls.send({ subgraph: 'shop', key: 'same', headers: { accept: 'x' } }, (headers, onStart) =>
          fetches.join('same', {
            start: (done) => {
              onStart();
              sent.push(headers['traceparent']);
              answer = done;
              return () => undefined;
            },
            departure: Departure.of(new AbortController().signal),
            read: (result) => result ?? ANSWER,
          }),
        ),
      );
    const all = [ask('one'), ask('two'), ask('three')];
    await Promise.resolve();
    answer(ANSWER);
    expect(await Promise.all(all)).toEqual([ANSWER, ANSWER, ANSWER]);
    expect(sent).toHaveLength(1);
    const leader = parseTraceparent(sent[0]);
    const links = (id: string) =>
      ended.find(({ requestId }) => requestId === id)?.spans.find(({ kind }) => kind === 3)?.links;
    expect(ended.find(({ requestId }) => requestId === 'one')?.context.traceId).toBe(leader?.traceId);
    expect([links('one'), links('two'), links('three')]).toEqual([[], [leader], [leader]]);
    const later = ask('four');
    answer(ANSWER);
    await later;
    expect(links('four')).toEqual([]);
    expect(sent).toHaveLength(2);
  });

  it('are the same whatever trace a client names in a header that is forwarded', () => {
    const settings = { name: 'shop', forwardHeaders: ['traceparent', 'accept-language', 'tracestate'] };
    expect(withoutTrace(settings)).toEqual({ name: 'shop', forwardHeaders: ['accept-language'] });
  });

  it('go out as they are where nothing is traced', async () => {
    const untraced: { begin(): FetchSpan | null } = { begin: () => null };
    const headers = { accept: 'x' };
    let seen: unknown;
    await new TracedCalls(untraced).send({ subgraph: 'shop', key: 'k', headers }, async (given) => {
      seen = given;
      return ANSWER;
    });
    expect(seen).toBe(headers);
  });
});
