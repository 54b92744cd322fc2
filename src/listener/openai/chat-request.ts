import { z } from 'zod';
import type { GraphQLParams } from '../request.ts';
import { invalidRequest, type OpenAiError } from './openai-error.ts';
import { isPlainChat, type PlainMessage } from './plain-chat.ts';

/** What is asked of the graph, and how the answer is to be told. */
export interface ChatRequest {
  readonly params: GraphQLParams;
  readonly model: string;
  readonly stream: boolean;
  /** Whether a last chunk tells the usage. */
  readonly includeUsage: boolean;
}

const RESULT = 'finishReason usage { inputTokens outputTokens totalTokens }';
const CALL = 'id name arguments';
const FAILURE = 'failure { code retryAfterSeconds }';
const CHAT = `mutation OpenAiChat($input: ChatInput!) { chat(input: $input) { text toolCalls { ${CALL} } ${RESULT} ${FAILURE} } }`;
const STREAM = `subscription OpenAiChatStream($input: ChatInput!) { chatStream(input: $input) { text toolCall { ${CALL} } ${RESULT} ${FAILURE} } }`;

/** Absent and null are the same to OpenAI's clients. */
const maybe = <T extends z.ZodType>(type: T) => type.nullish().transform((value) => value ?? undefined);

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const textParts = z.array(textPart).max(1000);
/** By its bytes only: an address would be fetched for whoever sends it. */
const DATA_URL = /^data:image\/(png|jpeg|webp|gif);base64,/u;
const imagePart = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string().regex(DATA_URL), detail: z.unknown().optional() }),
});
const userContent = maybe(z.union([z.string(), z.array(z.union([textPart, imagePart])).max(1000)]));
const content = maybe(z.union([z.string(), textParts]));
const calls = z
  .array(
    z.object({
      id: z.string(),
      type: z.literal('function').optional(),
      function: z.object({ name: z.string(), arguments: z.string() }),
    }),
  )
  .max(1000);

const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content, name: z.string().optional() }),
  z.object({ role: z.literal('user'), content: userContent, name: z.string().optional() }),
  z.object({
    role: z.literal('assistant'),
    content,
    tool_calls: maybe(calls),
    name: z.string().optional(),
    refusal: z.null().optional(),
  }),
  z.object({ role: z.literal('tool'), content, tool_call_id: z.string() }),
]);

const jsonObject = z.record(z.string(), z.unknown());
const tool = z.object({
  type: z.literal('function'),
  function: z.object({
    name: z.string(),
    description: maybe(z.string()),
    parameters: maybe(jsonObject),
    strict: z.boolean().nullish(),
  }),
});
const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ name: z.string(), schema: jsonObject.optional(), strict: z.boolean().nullish() }),
  }),
]);

/** What does not change the answer, or says what is so anyway; anything else is refused by name. */
const HARMLESS = {
  user: z.unknown().optional(),
  metadata: z.unknown().optional(),
  store: z.literal([false, null]).optional(),
  service_tier: z.unknown().optional(),
  safety_identifier: z.unknown().optional(),
  prompt_cache_key: z.unknown().optional(),
  parallel_tool_calls: z.unknown().optional(),
  n: z.literal([1, null]).optional(),
  logprobs: z.literal([false, null]).optional(),
  presence_penalty: z.literal([0, null]).optional(),
  frequency_penalty: z.literal([0, null]).optional(),
  modalities: z.tuple([z.literal('text')]).nullish(),
};

const chatSchema = z.strictObject({
  ...HARMLESS,
  model: z.string().min(1).max(256),
  messages: z.array(message).min(1).max(1000),
  stream: maybe(z.boolean()),
  stream_options: maybe(z.object({ include_usage: maybe(z.boolean()) })),
  max_tokens: maybe(z.int().positive()),
  max_completion_tokens: maybe(z.int().positive()),
  temperature: maybe(z.number()),
  top_p: maybe(z.number()),
  stop: maybe(z.union([z.string(), z.array(z.string()).max(1000)])),
  reasoning_effort: maybe(z.enum(['none', 'minimal', 'low', 'medium', 'high'])),
  seed: maybe(z.int()),
  tools: maybe(z.array(tool).max(1000)),
  tool_choice: maybe(
    z.union([
      z.enum(['none', 'auto', 'required']),
      z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
    ]),
  ),
  response_format: maybe(format),
});

type Judged = z.infer<typeof chatSchema>;
/** What is not given need not be there. */
type Chat = Partial<Omit<Judged, 'messages'>> & {
  readonly model: string;
  readonly messages: readonly (Judged['messages'][number] | PlainMessage)[];
};
const ANY_OBJECT = '{"type":"object"}';

/** Reads the body of `POST /chat/completions`; the graph itself holds what it says to its bounds. */
export function parseChat(body: unknown, cacheControl?: string): ChatRequest | OpenAiError {
  if (isPlainChat(body)) return requestOf(body, cacheControl);
  const parsed = chatSchema.safeParse(body);
  return parsed.success ? requestOf(parsed.data, cacheControl) : faultOf(parsed.error);
}

function requestOf(chat: Chat, cacheControl?: string): ChatRequest {
  const stream = chat.stream === true;
  return {
    stream,
    model: chat.model,
    includeUsage: chat.stream_options?.include_usage === true,
    params: {
      ...operation(stream ? STREAM : CHAT),
      variables: { input: { ...inputOf(chat), ...given('cache', cacheUse(cacheControl)) } },
    },
  };
}

/** A document of the gateway's own, as a client would send it. */
export function operation(query: string): Pick<GraphQLParams, 'query' | 'operationName' | 'extensions'> {
  return { query, operationName: null, extensions: {} };
}

/** Told by place and rule; never by value. */
export function faultOf({ issues }: z.ZodError): OpenAiError {
  const [issue] = issues;
  if (issue?.code === 'unrecognized_keys') {
    const name = (issue.keys[0] ?? '').slice(0, 64);
    return invalidRequest('This parameter is not supported.', name, 'unsupported_parameter');
  }
  const param = issue === undefined || issue.path.length === 0 ? null : issue.path.join('.').slice(0, 128);
  return invalidRequest(
    `The value is not one that is supported${param === null ? '' : ` at ${param}`}.`,
    param,
  );
}

function inputOf(chat: Chat): Readonly<Record<string, unknown>> {
  const choice = chat.tool_choice;
  return {
    model: chat.model,
    messages: chat.messages.map(messageOf),
    ...given('maxOutputTokens', chat.max_completion_tokens ?? chat.max_tokens),
    ...given('temperature', chat.temperature),
    ...given('topP', chat.top_p),
    ...given('stop', typeof chat.stop === 'string' ? [chat.stop] : chat.stop),
    ...given('seed', chat.seed),
    ...given('tools', chat.tools?.map(toolOf)),
    ...(typeof choice === 'object'
      ? { toolName: choice.function.name }
      : given('toolChoice', choice?.toUpperCase())),
    ...given('responseSchema', responseSchema(chat)),
    ...given('reasoningEffort', chat.reasoning_effort?.toUpperCase()),
  };
}

const NO_STORE = /(?:^|[\s,])no-store(?:$|[\s,])/iu;
const NO_CACHE = /(?:^|[\s,])no-cache(?:$|[\s,])/iu;

/** What a client says of kept answers. Source: RFC 9111, section 5.2.1. */
export function cacheUse(cacheControl = ''): 'BYPASS' | 'REFRESH' | undefined {
  if (NO_STORE.test(cacheControl)) return 'BYPASS';
  return NO_CACHE.test(cacheControl) ? 'REFRESH' : undefined;
}

function given(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value };
}

function messageOf(message: Chat['messages'][number]) {
  const role = message.role === 'developer' ? 'SYSTEM' : message.role.toUpperCase();
  const { content: said = '' } = message;
  const parts = typeof said === 'string' ? [{ type: 'text' as const, text: said }] : said;
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const images = parts.flatMap((part) => (part.type === 'text' ? [] : imageOf(part.image_url.url)));
  if (message.role === 'tool') return { role, content: text, toolCallId: message.tool_call_id };
  const made = message.role === 'assistant' ? message.tool_calls : undefined;
  return {
    role,
    content: text,
    ...(images.length === 0 ? {} : { images }),
    ...given(
      'toolCalls',
      made?.map(({ id, function: { name, arguments: json } }) => ({ id, name, arguments: json })),
    ),
  };
}

/** Of an address that is known to be one of data. */
function imageOf(url: string) {
  const [head = ''] = DATA_URL.exec(url) ?? [];
  const mediaType = head.slice('data:image/'.length, -';base64,'.length).toUpperCase();
  return { mediaType, data: url.slice(head.length) };
}

function toolOf({ function: { name, description, parameters } }: NonNullable<Chat['tools']>[number]) {
  return {
    name,
    ...given('description', description),
    parameters: parameters === undefined ? ANY_OBJECT : JSON.stringify(parameters),
  };
}

function responseSchema({ response_format: wanted }: Chat): string | undefined {
  if (wanted === undefined || wanted.type === 'text') return undefined;
  if (wanted.type === 'json_object') return ANY_OBJECT;
  return wanted.json_schema.schema === undefined ? ANY_OBJECT : JSON.stringify(wanted.json_schema.schema);
}
