import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { endingWith, goneController } from './answer-end-sink.ts';
import { checkHeaders } from './check-headers.ts';
import { refusalResponse, SECURITY_HEADERS } from './encode-response.ts';
import { credentialFields } from './header-fields.ts';
import type { ListenerDeps, ListenerOptions } from './listener.ts';
import { chunkFormat, completion } from './openai/chat-answer.ts';
import { type ChatRequest, parseChat } from './openai/chat-request.ts';
import { embeddingList, parseEmbedding } from './openai/embeddings.ts';
import { modelList, modelParams, modelsParams, oneModel } from './openai/models.ts';
import { invalidRequest, type OpenAiError, openAiError, openAiErrorOf } from './openai/openai-error.ts';
import {
  type GatewayAnswer,
  type GatewayResponse,
  type GraphQLParams,
  type GraphQLRequest,
  isStream,
} from './request.ts';
import { readBody } from './request-body-source.ts';
import { writeResponse } from './response-sink.ts';
import { SSE_FORMAT } from './stream-format.ts';
import { writeStream } from './stream-sink.ts';
import type { StreamSlots } from './stream-slots.ts';

type DoorOptions = Pick<
  ListenerOptions,
  'bodyBytesMax' | 'requestTimeoutMs' | 'subscriptions' | 'apiKeyHeader'
>;
type DoorDeps = Pick<ListenerDeps, 'handle' | 'newId' | 'now' | 'onFault'> & {
  readonly slots: StreamSlots;
  readonly path: string;
};

/** Answers clients made for OpenAI. Every request that can be understood ends in `handle`, as all others do. */
export interface OpenAiDoor {
  register(app: FastifyInstance): void;
  /** Refuses from now on, and ends streams. */
  drain(): void;
  /** Resolves when nothing runs any more, or after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void>;
}

/** What a route does with a request that has been read. */
type Route = (exchange: Exchange) => Promise<void>;

/** Creates the door of one listener. */
export function createOpenAiDoor(options: DoorOptions, deps: DoorDeps): OpenAiDoor {
  const running = new Set<Promise<void>>();
  const drain = new AbortController();
  const on = (route: Route) => (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack();
    const exchange = new Exchange(request, reply.raw, { options, deps, drain: drain.signal });
    const work = exchange.run(route).finally(() => running.delete(work));
    running.add(work);
    return work;
  };
  return {
    register(app) {
      app.post(`${deps.path}/chat/completions`, on(chat));
      app.post(`${deps.path}/embeddings`, on(embeddings));
      app.get(`${deps.path}/models`, on(models));
      // Names of models have slashes.
      app.get(`${deps.path}/models/*`, on(model));
    },
    drain: () => drain.abort(),
    async settled(timeoutMs) {
      const bound = new AbortController();
      const timeout = new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        bound.signal.addEventListener('abort', () => clearTimeout(timer));
      });
      await Promise.race([Promise.all(running), timeout]);
      bound.abort();
    },
  };
}

async function chat(exchange: Exchange): Promise<void> {
  const request = parseChat(await exchange.body());
  if (!('params' in request)) return exchange.refuse(request);
  if (request.stream) return exchange.stream(request);
  await exchange.answer(request.params, (data) => completion(data, exchange.frameOf(request)));
}

async function embeddings(exchange: Exchange): Promise<void> {
  const request = parseEmbedding(await exchange.body());
  if (!('params' in request)) return exchange.refuse(request);
  await exchange.answer(request.params, (data) => embeddingList(data, request));
}

function models(exchange: Exchange): Promise<void> {
  return exchange.answer(modelsParams(), modelList);
}

async function model(exchange: Exchange): Promise<void> {
  const unknown = openAiError(404, {
    ...{ message: 'There is no such model.', type: 'invalid_request_error' },
    ...{ param: 'model', code: 'model_not_found' },
  });
  await exchange.answer(modelParams(exchange.rest), oneModel, unknown);
}

interface Setting {
  readonly options: DoorOptions;
  readonly deps: DoorDeps;
  readonly drain: AbortSignal;
}

const NO_ERROR = { extensions: { code: undefined } };
const NOTHING: OpenAiError = openAiError(502, {
  ...{ message: 'The models could not answer.', type: 'server_error' },
  ...{ param: null, code: 'provider_error' },
});

/** One request of an OpenAI client and its answer. */
class Exchange {
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #setting: Setting;
  readonly #remoteAddress: string;
  readonly #id: string;
  readonly #receivedAtMs: number;
  readonly #gone: AbortController;
  /** Whether the request path has it: it is recorded there, once. */
  #isHandled = false;
  /** What the path has after that of its route. */
  readonly rest: string;

  constructor(request: FastifyRequest, outgoing: ServerResponse, setting: Setting) {
    this.#incoming = request.raw;
    this.#outgoing = outgoing;
    this.#setting = setting;
    this.#remoteAddress = request.ip;
    this.#id = setting.deps.newId();
    this.#receivedAtMs = setting.deps.now();
    this.#gone = goneController(outgoing);
    const { '*': rest } = request.params as { readonly '*'?: string };
    this.rest = rest ?? '';
  }

  /** Never rejects. */
  async run(route: Route): Promise<void> {
    try {
      await route(this);
    } catch (fault) {
      if (fault instanceof GatewayError && !this.#isHandled) {
        await this.#refuseBefore(fault);
        return;
      }
      this.#setting.deps.onFault?.(fault, this.#id);
      this.#write(500, openAiErrorOf(refusalResponse('INTERNAL_SERVER_ERROR', this.#id))?.body ?? {}, {});
    }
  }

  frameOf({ model: asked }: Pick<ChatRequest, 'model'>) {
    return { id: `chatcmpl-${this.#id}`, created: Math.floor(this.#receivedAtMs / 1000), model: asked };
  }

  /** Throws: what refuses it before it is understood, as a GatewayError. */
  async body(): Promise<unknown> {
    const { options, drain } = this.#setting;
    if (drain.aborted) throw new GatewayError('SHUTTING_DOWN');
    const refusal = checkHeaders('POST', this.#incoming.headers, SSE_FORMAT);
    if (refusal !== null) throw refusal;
    const bounds = { bytesMax: options.bodyBytesMax, timeoutMs: options.requestTimeoutMs };
    const bytes = await readBody(this.#incoming, bounds);
    if (!isUtf8(bytes)) throw new GatewayError('BAD_REQUEST');
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch {
      throw new GatewayError('BAD_REQUEST');
    }
  }

  /** Asks the graph, and answers with what `encode` makes of its data. */
  async answer(
    params: GraphQLParams,
    encode: (data: GatewayResponse['body']['data']) => object | null,
    nothing: OpenAiError = NOTHING,
  ): Promise<void> {
    const { drain } = this.#setting;
    const given = drain.aborted ? new GatewayError('SHUTTING_DOWN') : params;
    const answer = await this.#handle(given, false);
    if (isStream(answer)) throw new Error('a query was answered by a stream');
    await this.#tell(answer, encode, nothing);
  }

  async stream(request: ChatRequest): Promise<void> {
    const { deps, options, drain } = this.#setting;
    const giveBack = options.subscriptions.enabled ? deps.slots.take() : null;
    const params = giveBack === null ? new GatewayError('SUBSCRIPTION_LIMIT_EXCEEDED') : request.params;
    try {
      const answer = await this.#handle(params, true);
      if (!isStream(answer)) return await this.#tell(answer, () => null, NOTHING);
      const { heartbeatMs, eventTimeoutMs } = options.subscriptions;
      await writeStream(this.#outgoing, endingWith(drain, this.#gone, answer.events), {
        format: chunkFormat(request, this.frameOf(request)),
        ...{ requestId: this.#id, headers: {}, heartbeatMs, eventTimeoutMs },
      });
    } finally {
      giveBack?.();
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
    if (code === 'BAD_REQUEST') this.#write(error.status, error.body, answer.headers);
    else this.#tell(answer, () => null, error);
  }

  async #refuseBefore(fault: GatewayError): Promise<void> {
    const answer = await this.#handle(fault, false);
    if (!isStream(answer))
      await this.#tell(answer, () => null, invalidRequest('The request is not valid.', null));
  }

  #tell(
    { status, headers, body }: GatewayResponse,
    encode: (data: GatewayResponse['body']['data']) => object | null,
    nothing: OpenAiError,
  ): void {
    const error = openAiErrorOf({ status, body });
    const told = error === null ? encode(body.data) : null;
    if (told !== null) this.#write(status, told, headers);
    else this.#write((error ?? nothing).status, (error ?? nothing).body, headers);
  }

  #handle(params: GraphQLRequest['params'], streams: boolean): Promise<GatewayAnswer> {
    this.#isHandled = true;
    return this.#setting.deps.handle(this.#request(params, streams));
  }

  #request(params: GraphQLRequest['params'], streams: boolean): GraphQLRequest {
    const { authorization, ...keys } = credentialFields(
      this.#incoming.rawHeaders,
      this.#setting.options.apiKeyHeader,
    );
    return {
      ...{ id: this.#id, receivedAtMs: this.#receivedAtMs, method: this.#incoming.method ?? '' },
      // The form in which a refusal has a status of its own.
      ...{
        remoteAddress: this.#remoteAddress,
        responseMediaType: 'application/graphql-response+json',
        ...keys,
      },
      authorization: authorization.map(asApiKey),
      ...{ headers: this.#incoming.headers, params, batch: null, streams, signal: this.#gone.signal },
    };
  }

  #write(status: number, body: object, headers: Readonly<Record<string, string>>): void {
    void writeResponse(
      this.#outgoing,
      {
        status,
        body: JSON.stringify(body),
        headers: {
          ...headers,
          ...SECURITY_HEADERS,
          'content-type': 'application/json; charset=utf-8',
          'x-request-id': this.#id,
        },
      },
      { headers: {}, coding: null, close: this.#setting.drain.aborted },
    );
  }
}

const BEARER_KEY = /^bearer +(?=pk_)/iu;

/** OpenAI's clients can only send a key as a bearer token. */
function asApiKey(value: string): string {
  return value.replace(BEARER_KEY, 'ApiKey ');
}
