import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors.ts';
import { endingWith } from './answer-end-sink.ts';
import { type EncodedResponse, refusalResponse } from './encode-response.ts';
import { type CredentialFields, type HeaderFields, headerValue } from './header-fields.ts';
import type { ListenerDeps, ListenerOptions } from './listener.ts';
import { chatEventError, chunkFormat } from './openai/chat-answer.ts';
import type { ChatRequest } from './openai/chat-request.ts';
import { invalidRequest, type OpenAiError, openAiError, openAiErrorOf } from './openai/openai-error.ts';
import { malformed } from './parse-params.ts';
import {
  type GatewayAnswer,
  type GatewayResponse,
  type GraphQLParams,
  type GraphQLRequest,
  isStream,
} from './request.ts';
import type { StreamWriting } from './stream-sink.ts';
import type { StreamSlots } from './stream-slots.ts';

export type ExchangeOptions = Pick<
  ListenerOptions,
  'bodyBytesMax' | 'requestTimeoutMs' | 'answerTimeoutMs' | 'subscriptions' | 'apiKeyHeader'
>;
export type ExchangeDeps = Pick<ListenerDeps, 'handle' | 'newId' | 'now' | 'onFault'> & {
  readonly slots: StreamSlots;
};

/** Where an exchange takes place. */
export interface ExchangeSetting {
  readonly options: ExchangeOptions;
  readonly deps: ExchangeDeps;
  readonly drain: AbortSignal;
}

/** What a request of an OpenAI client comes by, and its answer goes by. */
export interface OpenAiWire {
  readonly method: string;
  readonly remoteAddress: string;
  readonly headers: HeaderFields;
  readonly credentials: CredentialFields;
  /** Fires when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** What the path has after that of its route. */
  readonly rest: string;
  /** Null where a stream never comes here. */
  readonly streaming: {
    readonly gone: AbortController;
    write(events: AsyncIterable<GatewayResponse>, writing: StreamWriting): Promise<void>;
  } | null;
  /** Throws: what refuses it before it is understood, as a GatewayError. */
  body(): Promise<Buffer>;
  /** Writes the answer, once; its fields are those that no answer goes without, and these. */
  write(answer: EncodedResponse, requestId: string): void;
}

/** What an answer of the graph is in OpenAI's form; null where that is nothing. */
type Encode = (data: GatewayResponse['body']['data']) => object | null;

interface Telling {
  /** What is said where there is neither an answer nor an error. */
  readonly nothing?: OpenAiError;
  readonly errorOf?: (answer: Pick<GatewayResponse, 'status' | 'body'>) => OpenAiError | null;
}

const INVALID = invalidRequest('The request is not valid.', null);
const NO_ERROR = { extensions: { code: undefined } };
const NOTHING: OpenAiError = openAiError(502, {
  ...{ message: 'The models could not answer.', type: 'server_error' },
  ...{ param: null, code: 'provider_error' },
});

/** One request of an OpenAI client and its answer. */
export class OpenAiExchange {
  readonly #wire: OpenAiWire;
  readonly #setting: ExchangeSetting;
  readonly #id: string;
  readonly #receivedAtMs: number;
  /** Whether the request path has it: it is recorded there, once. */
  #isHandled = false;

  constructor(wire: OpenAiWire, setting: ExchangeSetting) {
    this.#wire = wire;
    this.#setting = setting;
    this.#id = setting.deps.newId();
    this.#receivedAtMs = setting.deps.now();
  }

  /** What the path has after that of its route. */
  get rest(): string {
    return this.#wire.rest;
  }

  /** Never rejects. */
  async run(route: (exchange: OpenAiExchange) => Promise<void>): Promise<void> {
    try {
      await this.#runRoute(route);
    } catch (fault) {
      this.#setting.deps.onFault?.(fault, this.#id);
      this.#write(500, openAiErrorOf(refusalResponse('INTERNAL_SERVER_ERROR', this.#id))?.body ?? {}, {});
    }
  }

  /** Throws: what is no refusal. */
  async #runRoute(route: (exchange: OpenAiExchange) => Promise<void>): Promise<void> {
    try {
      await route(this);
    } catch (fault) {
      if (!(fault instanceof GatewayError) || this.#isHandled) throw fault;
      await this.#refuseBefore(fault);
    }
  }

  /** What the client says of answers that are kept. */
  get cacheControl(): string | undefined {
    return headerValue(this.#wire.headers, 'cache-control');
  }

  frameOf({ model: asked }: Pick<ChatRequest, 'model'>) {
    return { id: `chatcmpl-${this.#id}`, created: Math.floor(this.#receivedAtMs / 1000), model: asked };
  }

  /** Throws: what refuses it before it is understood, as a GatewayError. */
  async body(): Promise<unknown> {
    if (this.#setting.drain.aborted) throw new GatewayError('SHUTTING_DOWN');
    const bytes = await this.#wire.body();
    if (!isUtf8(bytes)) throw malformed('The body is not valid UTF-8.');
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      // What it says quotes the text.
      throw malformed('The body is not JSON.');
    }
  }

  /** Asks the graph, and answers with what `encode` makes of its data. */
  async answer(
    params: GraphQLParams,
    encode: Encode,
    { nothing = NOTHING, errorOf = openAiErrorOf }: Telling = {},
  ): Promise<void> {
    const { drain } = this.#setting;
    const given = drain.aborted ? new GatewayError('SHUTTING_DOWN') : params;
    const answer = await this.#handle(given, false);
    if (isStream(answer)) throw new Error('a query was answered by a stream');
    this.#tell(answer, encode, { nothing, errorOf });
  }

  async stream(request: ChatRequest): Promise<void> {
    const { deps, options } = this.#setting;
    const { enabled } = options.subscriptions;
    const giveBack = enabled ? deps.slots.take() : null;
    const refused = enabled ? 'SUBSCRIPTION_LIMIT_EXCEEDED' : 'SUBSCRIPTION_NOT_SUPPORTED';
    try {
      const answer = await this.#handle(giveBack === null ? new GatewayError(refused) : request.params, true);
      if (isStream(answer)) await this.#stream(request, answer.events);
      else this.#tell(answer, () => null);
    } finally {
      giveBack?.();
    }
  }

  /** The first event decides the status: clients try again by it, and never after a chunk. */
  async #stream(request: ChatRequest, events: AsyncIterable<GatewayResponse>): Promise<void> {
    const { options, drain } = this.#setting;
    const { streaming } = this.#wire;
    if (streaming === null) throw new Error('a stream came where none does');
    const rest = endingWith(drain, streaming.gone, events);
    try {
      const first = await rest.next();
      const error = first.done === true ? NOTHING : chatEventError(first.value);
      if (first.done === true || error !== null) {
        this.#fail(error ?? NOTHING, {});
        return;
      }
      const { heartbeatMs, eventTimeoutMs } = options.subscriptions;
      await streaming.write(startingWith(first.value, rest), {
        format: chunkFormat(request, this.frameOf(request)),
        ...{ requestId: this.#id, headers: {}, heartbeatMs, eventTimeoutMs },
        endTimeoutMs: options.answerTimeoutMs,
      });
    } finally {
      // Whoever has a stream gives it back.
      await rest.return();
    }
  }

  /** A request that says nothing which the graph could be asked leaves its audit event all the same. */
  async refuse(error: OpenAiError): Promise<void> {
    const answer = await this.#handle(new GatewayError('BAD_REQUEST'), false);
    if (isStream(answer)) throw new Error('a refusal was answered by a stream');
    // Who asks is judged first, and learns nothing else where that fails.
    const [
      {
        extensions: { code },
      } = NO_ERROR,
    ] = answer.body.errors ?? [];
    if (code === 'BAD_REQUEST') this.#fail(error, answer.headers);
    else this.#tell(answer, () => null, { nothing: error });
  }

  async #refuseBefore(fault: GatewayError): Promise<void> {
    const answer = await this.#handle(fault, false);
    if (!isStream(answer)) this.#tell(answer, () => null, { nothing: INVALID });
  }

  #tell(
    { status, headers, body }: GatewayResponse,
    encode: Encode,
    { nothing = NOTHING, errorOf = openAiErrorOf }: Telling = {},
  ): void {
    const error = errorOf({ status, body });
    const told = error === null ? encode(body.data) : null;
    if (told !== null) this.#write(status, told, headers);
    else this.#fail(error ?? nothing, headers);
  }

  #fail({ status, body, retryAfterSeconds }: OpenAiError, headers: Readonly<Record<string, string>>): void {
    const wait = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    this.#write(status, body, { ...wait, ...headers });
  }

  #handle(params: GraphQLRequest['params'], streams: boolean): Promise<GatewayAnswer> {
    this.#isHandled = true;
    return this.#setting.deps.handle(this.#request(params, streams));
  }

  #request(params: GraphQLRequest['params'], streams: boolean): GraphQLRequest {
    const { method, remoteAddress, headers, credentials, signal } = this.#wire;
    const { authorization, ...keys } = credentials;
    return {
      ...{ id: this.#id, receivedAtMs: this.#receivedAtMs, method, remoteAddress },
      // The form in which a refusal has a status of its own.
      ...{ responseMediaType: 'application/graphql-response+json', ...keys },
      authorization: authorization.map(asApiKey),
      ...{ headers, params, batch: null, streams, signal },
    };
  }

  #write(status: number, body: object, headers: Readonly<Record<string, string>>): void {
    this.#wire.write({ status, body: JSON.stringify(body), headers }, this.#id);
  }
}

/** A stream of which the first event was looked at already. */
async function* startingWith(first: GatewayResponse, rest: AsyncIterable<GatewayResponse>) {
  yield first;
  yield* rest;
}

const BEARER_KEY = /^bearer +(?=pk_)/iu;

/** OpenAI's clients can only send a key as a bearer token. */
function asApiKey(value: string): string {
  return value.replace(BEARER_KEY, 'ApiKey ');
}
