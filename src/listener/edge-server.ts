import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { checkHeaders } from './check-headers.ts';
import { negotiateCoding } from './content-coding.ts';
import {
  type EncodedResponse,
  encodeBatch,
  encodeResponse,
  type ResponseFrame,
  refusalResponse,
} from './encode-response.ts';
import { authorizationValues, headerValue } from './header-fields.ts';
import type { ListenerDeps, ListenerOptions } from './listener.ts';
import { negotiateMediaType } from './negotiate.ts';
import { type ParsedRequest, parseBody, parseQueryString, single } from './parse-request.ts';
import type { GraphQLRequest } from './request.ts';
import { readBody } from './request-body-source.ts';
import { writeResponse } from './response-sink.ts';

type EdgeOptions = Pick<ListenerOptions, 'bodyBytesMax' | 'requestTimeoutMs' | 'compression' | 'batching'>;
type EdgeDeps = Pick<ListenerDeps, 'handle' | 'newId' | 'now' | 'onFault'>;

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
  const running = new Set<Promise<void>>();
  let draining = false;

  const answer = async (exchange: Exchange): Promise<void> => {
    const { incoming, outgoing, headers } = exchange;
    const accept = headerValue(incoming.headers, 'accept');
    const frame = {
      requestId: deps.newId(),
      mediaType: negotiateMediaType(accept) ?? 'application/json',
    } as const;
    const codings = options.compression ? headerValue(incoming.headers, 'accept-encoding') : undefined;
    try {
      const encoded = await run(exchange, frame, deps);
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
    }
  };
  const track = (exchange: Exchange): Promise<void> => {
    const work = answer(exchange).finally(() => running.delete(work));
    running.add(work);
    return work;
  };
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
    },
    async settled(timeoutMs) {
      const bound = new AbortController();
      const timeout = setTimeout(timeoutMs, undefined, { signal: bound.signal }).catch(() => undefined);
      await Promise.race([Promise.all(running), timeout]);
      bound.abort();
    },
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
  const refusal = checkHeaders(method, incoming.headers);
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

const NO_HEADERS: OutgoingHttpHeaders = Object.freeze({});

async function run(exchange: Exchange, frame: ResponseFrame, deps: EdgeDeps): Promise<EncodedResponse> {
  const { incoming, outgoing, remoteAddress, parsing } = exchange;
  const common = {
    receivedAtMs: deps.now(),
    method: incoming.method ?? '',
    remoteAddress,
    responseMediaType: frame.mediaType,
    authorization: authorizationValues(incoming.rawHeaders),
    headers: incoming.headers,
    signal: goneSignal(outgoing),
  };
  const { batched, items } = await parsing().catch(refusalOf);
  const batch = batched ? { size: items.length, used: new Map<string, number>() } : null;
  const requests = items.map((params, index): GraphQLRequest => {
    return { ...common, id: batched ? `${frame.requestId}.${index}` : frame.requestId, params, batch };
  });
  const responses = await Promise.all(requests.map((one) => deps.handle(one)));
  const [first] = responses;
  return batched || first === undefined ? encodeBatch(responses, frame) : encodeResponse(first, frame);
}

function refusalOf(error: unknown): ParsedRequest {
  if (error instanceof GatewayError) return single(error);
  throw error;
}

/** Fires when the connection ends before the whole answer was written. */
function goneSignal(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) controller.abort(new GatewayError('REQUEST_ABORTED'));
  });
  return controller.signal;
}
