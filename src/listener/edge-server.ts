import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { endingWith, goneController } from './answer-end-sink.ts';
import { answerAll, isBatch } from './answer-operations.ts';
import { checkHeaders } from './check-headers.ts';
import { clientAddress } from './client-address.ts';
import { negotiateCoding } from './content-coding.ts';
import {
  type EncodedResponse,
  encodeBatch,
  encodeResponse,
  type ResponseFrame,
  refusalResponse,
} from './encode-response.ts';
import { credentialFields, headerValue } from './header-fields.ts';
import type { ListenerDeps, ListenerOptions } from './listener.ts';
import { negotiateMediaType, negotiateStream } from './negotiate.ts';
import { type ParsedRequest, parseBody, parseQueryString, single } from './parse-request.ts';
import { type GatewayResponse, isStream } from './request.ts';
import { readBody } from './request-body-source.ts';
import { writeResponse } from './response-sink.ts';
import { RunningRequests } from './running-requests.ts';
import { DEFERRED_FORMAT, SSE_FORMAT, type StreamFormat } from './stream-format.ts';
import { writeStream } from './stream-sink.ts';
import type { StreamSlots } from './stream-slots.ts';

type EdgeOptions = Pick<
  ListenerOptions,
  | 'bodyBytesMax'
  | 'requestTimeoutMs'
  | 'answerTimeoutMs'
  | 'compression'
  | 'batching'
  | 'subscriptions'
  | 'defers'
>;
type EdgeDeps = Pick<ListenerDeps, 'handle' | 'newId' | 'now' | 'onFault'> & {
  readonly slots: StreamSlots;
  readonly apiKeyHeader: string | undefined;
};

/** Turns HTTP requests into GraphQL requests and back. Every request ends in `handle`, refused ones too. */
export interface Edge {
  serve(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  /** As `serve`, for a request that needs no routing: the framework costs as much as the rest of the edge. */
  serveDirectly(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void>;
  refuse(request: FastifyRequest, reply: FastifyReply, error: GatewayError): Promise<void>;
  /** Refuses from now on, and ends each connection with its next answer. */
  drain(): void;
  /** Resolves when nothing runs any more, or after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void>;
}

/** Creates the edge of one listener. */
export function createEdge(options: EdgeOptions, deps: EdgeDeps): Edge {
  const running = new RunningRequests();
  const drain = new AbortController();
  let draining = false;

  const { answerTimeoutMs: timeoutMs } = options;
  const { heartbeatMs, eventTimeoutMs } = options.subscriptions;

  const answer = async (exchange: Exchange): Promise<void> => {
    const { incoming, outgoing, headers } = exchange;
    const accept = headerValue(incoming.headers, 'accept');
    const frame = {
      requestId: deps.newId(),
      mediaType: negotiateMediaType(accept) ?? 'application/json',
    } as const;
    const codings = options.compression ? headerValue(incoming.headers, 'accept-encoding') : undefined;
    const format = formatOf(accept, options);
    const giveBack = mayStay(format) ? deps.slots.take() : null;
    const full = mayStay(format) && giveBack === null;
    running.begin();
    try {
      const arrival = { receivedAtMs: deps.now(), gone: goneController(outgoing) };
      const asked = full ? FULL : await exchange.parsing().catch(refusalOf);
      const encoded = await run({ exchange, asked, arrival, frame, format, drain: drain.signal }, deps);
      if ('events' in encoded) {
        const writing = {
          ...{ format: encoded.format, requestId: frame.requestId, headers },
          ...{ heartbeatMs, eventTimeoutMs, endTimeoutMs: timeoutMs },
        };
        return await writeStream(outgoing, encoded.events, writing);
      }
      const written = writeResponse(outgoing, encoded, {
        headers,
        coding: negotiateCoding(codings),
        close: draining,
        timeoutMs,
      });
      if (written !== null) await written;
    } catch (fault) {
      deps.onFault?.(fault, frame.requestId);
      const encoded = encodeResponse(refusalResponse('INTERNAL_SERVER_ERROR', frame.requestId), frame);
      await writeResponse(outgoing, encoded, {
        ...{ headers: NO_HEADERS, coding: null, close: true, timeoutMs },
      });
    } finally {
      giveBack?.();
      running.end();
    }
  };
  const routed = (request: FastifyRequest, reply: FastifyReply, parsing: Parsing): Promise<void> => {
    // From here on the answer is written to the socket directly: headers and body in one piece.
    reply.hijack();
    const headers = reply.getHeaders() as OutgoingHttpHeaders;
    return answer({
      incoming: request.raw,
      outgoing: reply.raw,
      remoteAddress: clientAddress(request.ip),
      headers,
      parsing,
    });
  };
  return {
    serve: (request, reply) => routed(request, reply, () => parse(request.raw, options, draining)),
    serveDirectly: (incoming, outgoing) =>
      answer({
        incoming,
        outgoing,
        remoteAddress: clientAddress(incoming.socket.remoteAddress ?? ''),
        headers: NO_HEADERS,
        parsing: () => parse(incoming, options, draining),
      }),
    refuse: (request, reply, error) => routed(request, reply, async () => single(error)),
    drain() {
      draining = true;
      drain.abort();
    },
    settled: (timeoutMs) => running.settled(timeoutMs),
  };
}

type Parsing = () => Promise<ParsedRequest>;

async function parse(
  incoming: IncomingMessage,
  options: EdgeOptions,
  draining: boolean,
): Promise<ParsedRequest> {
  if (draining) return single(new GatewayError('SHUTTING_DOWN'));
  const method = incoming.method === 'GET' ? 'GET' : 'POST';
  const accept = headerValue(incoming.headers, 'accept');
  const format = formatOf(accept, options);
  const refusal = checkHeaders(method, incoming.headers, format);
  if (refusal !== null) return single(refusal);
  if (method === 'GET') {
    const url = incoming.url ?? '';
    return parseQueryString(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  }
  const bounds = { bytesMax: options.bodyBytesMax, timeoutMs: options.requestTimeoutMs };
  return parseBody(await readBody(incoming, bounds), options.batching);
}

function formatOf(accept: string | undefined, { subscriptions, defers }: EdgeOptions): StreamFormat | null {
  return negotiateStream(accept, { streams: subscriptions.enabled, defers });
}

/** Whether an answer needs a slot. One in parts ends by itself, as single ones do, and many clients take parts whatever they ask. */
function mayStay(format: StreamFormat | null): boolean {
  return format !== null && format !== DEFERRED_FORMAT;
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly remoteAddress: string;
  /** Fields already decided by CORS. */
  readonly headers: OutgoingHttpHeaders;
  readonly parsing: Parsing;
}

/** An exchange whose request has been read. */
interface ReadExchange {
  readonly exchange: Exchange;
  readonly asked: ParsedRequest;
  readonly arrival: {
    /** Units: milliseconds since the epoch. */
    readonly receivedAtMs: number;
    /** Watches the client from the first byte on. */
    readonly gone: AbortController;
  };
  readonly frame: ResponseFrame;
  /** In which it may become a stream; null where it may not. */
  readonly format: StreamFormat | null;
  /** Fires when streams are to end. */
  readonly drain: AbortSignal;
}

/** An answer that is written as it comes. */
interface StreamedResponse {
  readonly format: StreamFormat;
  readonly events: AsyncIterable<GatewayResponse>;
}

const FULL: ParsedRequest = single(new GatewayError('SUBSCRIPTION_LIMIT_EXCEEDED'));

const NO_HEADERS: OutgoingHttpHeaders = Object.freeze({});

async function run(read: ReadExchange, deps: EdgeDeps): Promise<EncodedResponse | StreamedResponse> {
  const { frame, format, arrival, exchange } = read;
  const { incoming, remoteAddress } = exchange;
  const answer = await answerAll(
    {
      id: frame.requestId,
      receivedAtMs: arrival.receivedAtMs,
      method: incoming.method ?? '',
      remoteAddress,
      responseMediaType: frame.mediaType,
      credentials: credentialFields(incoming.rawHeaders, deps.apiKeyHeader),
      headers: incoming.headers,
      streams: format !== null && format !== DEFERRED_FORMAT,
      defers: format === DEFERRED_FORMAT,
      signal: arrival.gone.signal,
      parsed: read.asked,
    },
    deps.handle,
  );
  if (isBatch(answer)) return encodeBatch(answer, frame);
  if (format !== null) {
    const events = isStream(answer)
      ? answer.kind === 'deferred'
        ? answer.events
        : endingWith(read.drain, arrival.gone, answer.events)
      : eventsOf(answer, format);
    if (events !== null) return { format, events };
  }
  return isStream(answer) ? encodeBatch([], frame) : encodeResponse(answer, frame);
}

function refusalOf(error: unknown): ParsedRequest {
  if (error instanceof GatewayError) return single(error);
  throw error;
}

/** A single answer as the one event of a stream, for a client that wants all as events; null where it goes as it is. */
function eventsOf(answer: GatewayResponse, format: StreamFormat): AsyncIterable<GatewayResponse> | null {
  // The status of a refusal says more than an event could, to proxies and to clients that would connect again.
  if (format !== SSE_FORMAT || answer.status !== 200) return null;
  return (async function* () {
    yield answer;
  })();
}
