import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { endingWith, goneController } from './answer-end-sink.ts';
import { checkHeaders } from './check-headers.ts';
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
import { type GatewayResponse, type GraphQLRequest, isStream } from './request.ts';
import { readBody } from './request-body-source.ts';
import { writeResponse } from './response-sink.ts';
import { RunningRequests } from './running-requests.ts';
import { SSE_FORMAT, type StreamFormat } from './stream-format.ts';
import { writeStream } from './stream-sink.ts';
import type { StreamSlots } from './stream-slots.ts';

type EdgeOptions = Pick<
  ListenerOptions,
  'bodyBytesMax' | 'requestTimeoutMs' | 'compression' | 'batching' | 'subscriptions'
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

  const answer = async (exchange: Exchange): Promise<void> => {
    const { incoming, outgoing, headers } = exchange;
    const accept = headerValue(incoming.headers, 'accept');
    const frame = {
      requestId: deps.newId(),
      mediaType: negotiateMediaType(accept) ?? 'application/json',
    } as const;
    const codings = options.compression ? headerValue(incoming.headers, 'accept-encoding') : undefined;
    const format = options.subscriptions.enabled ? negotiateStream(accept) : null;
    const giveBack = format === null ? null : deps.slots.take();
    const full = format !== null && giveBack === null;
    try {
      const parsing = full ? FULL : exchange.parsing;
      const encoded = await run({ ...exchange, parsing, format, drain: drain.signal }, frame, deps);
      if ('events' in encoded) {
        const { heartbeatMs, eventTimeoutMs } = options.subscriptions;
        const writing = {
          format: encoded.format,
          requestId: frame.requestId,
          headers,
          heartbeatMs,
          eventTimeoutMs,
        };
        return await writeStream(outgoing, encoded.events, writing);
      }
      const written = writeResponse(outgoing, encoded, {
        headers,
        coding: negotiateCoding(codings),
        close: draining,
      });
      if (written !== null) await written;
    } catch (fault) {
      deps.onFault?.(fault, frame.requestId);
      const encoded = encodeResponse(refusalResponse('INTERNAL_SERVER_ERROR', frame.requestId), frame);
      await writeResponse(outgoing, encoded, { headers: NO_HEADERS, coding: null, close: true });
    } finally {
      giveBack?.();
    }
  };
  const track = (exchange: Exchange): Promise<void> => running.track(answer(exchange));
  const routed = (request: FastifyRequest, reply: FastifyReply, parsing: Parsing): Promise<void> => {
    // From here on the answer is written to the socket directly: headers and body in one piece.
    reply.hijack();
    const headers = reply.getHeaders() as OutgoingHttpHeaders;
    return track({ incoming: request.raw, outgoing: reply.raw, remoteAddress: request.ip, headers, parsing });
  };
  return {
    serve: (request, reply) => routed(request, reply, () => parse(request.raw, options, draining)),
    serveDirectly: (incoming, outgoing) =>
      track({
        incoming,
        outgoing,
        remoteAddress: incoming.socket.remoteAddress ?? '',
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
  const format = options.subscriptions.enabled ? negotiateStream(accept) : null;
  const refusal = checkHeaders(method, incoming.headers, format);
  if (refusal !== null) return single(refusal);
  if (method === 'GET') {
    const url = incoming.url ?? '';
    return parseQueryString(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  }
  const bounds = { bytesMax: options.bodyBytesMax, timeoutMs: options.requestTimeoutMs };
  return parseBody(await readBody(incoming, bounds), options.batching);
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly remoteAddress: string;
  /** Fields already decided by CORS. */
  readonly headers: OutgoingHttpHeaders;
  readonly parsing: Parsing;
}

/** What `run` needs to know besides, of a request that may become a stream. */
interface StreamingExchange extends Exchange {
  readonly format: StreamFormat | null;
  /** Fires when streams are to end. */
  readonly drain: AbortSignal;
}

/** An answer that is written as it comes. */
interface StreamedResponse {
  readonly format: StreamFormat;
  readonly events: AsyncIterable<GatewayResponse>;
}

const FULL: Parsing = async () => single(new GatewayError('SUBSCRIPTION_LIMIT_EXCEEDED'));

const NO_HEADERS: OutgoingHttpHeaders = Object.freeze({});

async function run(
  exchange: StreamingExchange,
  frame: ResponseFrame,
  deps: EdgeDeps,
): Promise<EncodedResponse | StreamedResponse> {
  const { incoming, outgoing, remoteAddress, parsing, format } = exchange;
  const gone = goneController(outgoing);
  const common = {
    receivedAtMs: deps.now(),
    method: incoming.method ?? '',
    remoteAddress,
    responseMediaType: frame.mediaType,
    ...credentialFields(incoming.rawHeaders, deps.apiKeyHeader),
    headers: incoming.headers,
    signal: gone.signal,
  };
  const { batched, items } = await parsing().catch(refusalOf);
  const streams = format !== null && !batched;
  const batch = batched ? { size: items.length, used: new Map<string, number>() } : null;
  const requests = items.map((params, index): GraphQLRequest => {
    return {
      ...common,
      id: batched ? `${frame.requestId}.${index}` : frame.requestId,
      params,
      batch,
      streams,
    };
  });
  const answers = await Promise.all(requests.map((one) => deps.handle(one)));
  const [only] = answers;
  if (streams && only !== undefined) {
    const events = isStream(only) ? endingWith(exchange.drain, gone, only.events) : eventsOf(only, format);
    if (events !== null) return { format, events };
  }
  const responses = answers.flatMap((answer) => (isStream(answer) ? [] : [answer]));
  const [first] = responses;
  return batched || first === undefined ? encodeBatch(responses, frame) : encodeResponse(first, frame);
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
