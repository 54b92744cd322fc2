import type { BatchRule } from './parse-request.ts';
import type { Handle } from './request.ts';

export type SandboxKind = 'graphiql' | 'apollo' | 'off';

/** Where the edge listens and the bounds of what it takes in. */
export interface ListenerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Lets further processes listen on the same port. */
  readonly sharesPort?: boolean;
  /** Path of the GraphQL endpoint: literal, no pattern. */
  readonly path: string;
  /** Largest body, decoded. */
  readonly bodyBytesMax: number;
  /** Largest request line and header fields together. */
  readonly headerBytesMax: number;
  /** Time a client has to send its whole request. */
  readonly requestTimeoutMs: number;
  /** Time a client has to take a whole answer. */
  readonly answerTimeoutMs: number;
  /** Time running requests have to finish once the listener closes. */
  readonly shutdownTimeoutMs: number;
  readonly compression: boolean;
  /** Takes the client's address from the last entry of `X-Forwarded-For`: the one the proxy in front wrote. */
  readonly trustProxy: boolean;
  readonly cors: { readonly origins: readonly string[]; readonly credentials: boolean };
  readonly batching: BatchRule;
  readonly sandbox: SandboxKind;
  readonly subscriptions: StreamOptions;
  /** Whether any operation may be answered in parts. */
  readonly defers: boolean;
  /** Path under which OpenAI's clients are answered: literal, no pattern; null where they are not. */
  readonly openAiPath: string | null;
  /** Header that may hold an API key, in lower case; absent where none does. */
  readonly apiKeyHeader?: string | undefined;
  /** Bounds of HTTP/2 connections, which need TLS; null where only HTTP/1.1 is spoken. */
  readonly http2: Http2Bounds | null;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** Bounds of one HTTP/2 connection. */
export interface Http2Bounds {
  /** Requests at once. */
  readonly streamsMax: number;
  /** Requests that a client may take back in a burst; beyond it the connection ends. */
  readonly resetsMax: number;
}

/** Bounds of what stays open: streaming answers and WebSockets. */
export interface StreamOptions {
  readonly enabled: boolean;
  /** Operations at once on one WebSocket. */
  readonly maxPerConnection: number;
  /** WebSockets and streaming answers at once. */
  readonly maxConnections: number;
  /** Time a WebSocket may be without an operation. */
  readonly idleTimeoutMs: number;
  readonly heartbeatMs: number;
  /** Time a client has to take one event. */
  readonly eventTimeoutMs: number;
  readonly initTimeoutMs: number;
  readonly maxLifetimeMs: number;
}

/** What the edge needs from the rest of the gateway. */
export interface ListenerDeps {
  readonly handle: Handle;
  /** Public keys of the gateway's assertions, as a JWK set. */
  jwks(): object;
  readiness(): Readiness;
  newId(): string;
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** Told of a fault that the client saw as a bare 500: a `handle` that rejected, an answer that cannot be written. */
  onFault?(fault: unknown, requestId: string): void;
}

export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, boolean>>;
}

/** The HTTP edge. `close` stops accepting, lets what runs finish within the bound, then cuts it; it may be repeated. */
export interface Listener {
  /** Resolves to the URL of the endpoint. */
  listen(): Promise<string>;
  close(): Promise<void>;
}
