import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';
import { goneController } from './answer-end-sink.ts';
import { checkHeaders } from './check-headers.ts';
import { clientAddress } from './client-address.ts';
import { SECURITY_HEADERS } from './encode-response.ts';
import { credentialFields } from './header-fields.ts';
import type { ExchangeSetting, OpenAiWire } from './openai-exchange.ts';
import { readBody } from './request-body-source.ts';
import { writeResponse } from './response-sink.ts';
import { SSE_FORMAT } from './stream-format.ts';
import { writeStream } from './stream-sink.ts';

/** The wire of a request that came by the framework. */
export function frameworkWire(
  { raw: incoming, ip, params }: FastifyRequest,
  outgoing: ServerResponse,
  { options, drain }: ExchangeSetting,
): OpenAiWire {
  const gone = goneController(outgoing);
  const { '*': rest = '' } = params as { readonly '*'?: string };
  return {
    ...{ method: incoming.method ?? '', remoteAddress: clientAddress(ip), headers: incoming.headers, rest },
    credentials: credentialFields(incoming.rawHeaders, options.apiKeyHeader),
    signal: gone.signal,
    streaming: { gone, write: (events, writing) => writeStream(outgoing, events, writing) },
    async body() {
      const refusal = checkHeaders('POST', incoming.headers, SSE_FORMAT);
      if (refusal !== null) throw refusal;
      return readBody(incoming, { bytesMax: options.bodyBytesMax, timeoutMs: options.requestTimeoutMs });
    },
    write({ status, body, headers }, requestId) {
      const own = { 'content-type': 'application/json; charset=utf-8', 'x-request-id': requestId };
      void writeResponse(
        outgoing,
        { status, body, headers: { ...headers, ...SECURITY_HEADERS, ...own } },
        {
          ...{ headers: {}, coding: null, close: drain.aborted },
          timeoutMs: options.answerTimeoutMs,
        },
      );
    },
  };
}
