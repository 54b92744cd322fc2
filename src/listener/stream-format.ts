import type { GraphQLResponseBody } from './request.ts';

/** How a stream of answers is written in the body of one HTTP answer. */
export interface StreamFormat {
  readonly name: 'sse' | 'multipart' | 'deferred';
  readonly contentType: string;
  /** Goes out at once, so that the client knows that the stream is open. */
  readonly start: string;
  /** Says nothing but that the stream lives; empty where the format has nothing to say that with. */
  readonly heartbeat: string;
  readonly end: string;
  event(body: GraphQLResponseBody): string;
}

/** Source: GraphQL over Server-Sent Events, distinct connections mode. JSON has no line feed, so one data line does. */
export const SSE_FORMAT: StreamFormat = Object.freeze({
  name: 'sse',
  contentType: 'text/event-stream; charset=utf-8',
  start: ':\n\n',
  heartbeat: ':\n\n',
  end: 'event: complete\ndata:\n\n',
  event: (body: GraphQLResponseBody) => `event: next\ndata: ${JSON.stringify(body)}\n\n`,
});

/** Each part is closed by the next boundary at once: clients wait for it before they read the part. */
const part = (json: string): string => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`;

/** Source: Apollo's multipart subscription protocol 1.0; what ends the stream stands beside an empty payload. */
export const MULTIPART_FORMAT: StreamFormat = Object.freeze({
  name: 'multipart',
  contentType: 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0',
  start: '\r\n--graphql',
  heartbeat: part('{}'),
  end: '--\r\n',
  event: (body: GraphQLResponseBody) =>
    part(JSON.stringify(body.data === undefined ? { payload: null, ...body } : { payload: body })),
});

/** Source: incremental delivery over HTTP, as of deferSpec=20220824; the last part says that nothing comes after it. */
export const DEFERRED_FORMAT: StreamFormat = Object.freeze({
  name: 'deferred',
  contentType: 'multipart/mixed;boundary="graphql";deferSpec=20220824',
  start: '\r\n--graphql',
  heartbeat: '',
  end: '--\r\n',
  event: (body: GraphQLResponseBody) => part(JSON.stringify({ hasNext: false, ...body })),
});
