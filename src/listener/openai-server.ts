import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { GatewayError } from '../errors.ts';
import { chatError, completion } from './openai/chat-answer.ts';
import { parseChat } from './openai/chat-request.ts';
import { embeddingList, parseEmbedding } from './openai/embeddings.ts';
import { modelList, modelParams, modelsParams, oneModel } from './openai/models.ts';
import { openAiError } from './openai/openai-error.ts';
import {
  type ExchangeDeps,
  type ExchangeOptions,
  OpenAiExchange,
  type OpenAiWire,
} from './openai-exchange.ts';
import { frameworkWire } from './openai-exchange-server.ts';
import type { GraphQLResponseBody } from './request.ts';
import { RunningRequests } from './running-requests.ts';

/** Answers clients made for OpenAI. Every request that can be understood ends in `handle`, as all others do. */
export interface OpenAiDoor {
  register(app: FastifyInstance): void;
  /** Path of chats, which may come past the framework. */
  readonly chatPath: string;
  /** Answers a chat that is not streamed. Never rejects. */
  chat(wire: OpenAiWire): Promise<void>;
  /** Refuses from now on, and ends streams. */
  drain(): void;
  /** Resolves when nothing runs any more, or after `timeoutMs`. */
  settled(timeoutMs: number): Promise<void>;
}

/** What a route does with a request that has been read. */
type Route = (exchange: OpenAiExchange) => Promise<void>;

/** Creates the door of one listener. */
export function createOpenAiDoor(
  options: ExchangeOptions,
  { path, ...deps }: ExchangeDeps & { readonly path: string },
): OpenAiDoor {
  const running = new RunningRequests();
  const drain = new AbortController();
  const setting = { options, deps, drain: drain.signal };
  const run = (wire: OpenAiWire, route: Route) => running.track(new OpenAiExchange(wire, setting).run(route));
  const on = (route: Route) => (request: FastifyRequest, reply: FastifyReply) => {
    reply.hijack();
    return run(frameworkWire(request, reply.raw, setting), route);
  };
  const chatPath = `${path}/chat/completions`;
  return {
    chatPath,
    chat: (wire) => run(wire, chat),
    register(app) {
      app.post(chatPath, on(chat));
      app.post(`${path}/embeddings`, on(embeddings));
      app.get(`${path}/models`, on(models));
      // Names of models have slashes.
      app.get(`${path}/models/*`, on(model));
      // These clients read no error in another form than theirs.
      app.all(`${path}/*`, on(unserved));
    },
    drain: () => drain.abort(),
    settled: (timeoutMs) => running.settled(timeoutMs),
  };
}

async function chat(exchange: OpenAiExchange): Promise<void> {
  const request = parseChat(await exchange.body(), exchange.cacheControl);
  if (!('params' in request)) return exchange.refuse(request);
  if (request.stream) return exchange.stream(request);
  const encode = (data: GraphQLResponseBody['data']) => completion(data, exchange.frameOf(request));
  await exchange.answer(request.params, encode, { errorOf: chatError });
}

async function embeddings(exchange: OpenAiExchange): Promise<void> {
  const request = parseEmbedding(await exchange.body(), exchange.cacheControl);
  if (!('params' in request)) return exchange.refuse(request);
  await exchange.answer(request.params, (data) => embeddingList(data, request));
}

function models(exchange: OpenAiExchange): Promise<void> {
  return exchange.answer(modelsParams(), modelList);
}

async function model(exchange: OpenAiExchange): Promise<void> {
  const unknown = openAiError(404, {
    ...{ message: 'There is no such model.', type: 'invalid_request_error' },
    ...{ param: 'model', code: 'model_not_found' },
  });
  await exchange.answer(modelParams(exchange.rest), oneModel, { nothing: unknown });
}

/** By which method each path is asked. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['chat/completions', 'POST'],
  ['embeddings', 'POST'],
  ['models', 'GET'],
]);

/** What no route is for. Throws: NOT_FOUND, METHOD_NOT_ALLOWED. */
async function unserved({ rest }: OpenAiExchange): Promise<void> {
  const allow = METHODS.get(rest.startsWith('models/') ? 'models' : rest);
  if (allow === undefined) throw new GatewayError('NOT_FOUND');
  throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow } });
}
