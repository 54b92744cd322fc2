import { isDeepStrictEqual } from 'node:util';
import type { ChatCall, ChatModel } from './chat-call.ts';
import {
  asResponse,
  ProviderResponse,
  type ResponseHead,
  type WholeInit,
  WholeResponse,
} from './endpoint/provider-response.ts';
import { readPlainCompletion } from './plain-completion.ts';

type Fetch = typeof globalThis.fetch;
/** Models of the library by their names, reached in one way. */
export type ModelMaker = (fetch: Fetch) => (id: string) => ChatModel;

/** Where and with which fields the library sends the chats of one model. */
interface Line {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Models of the library that are asked past it for what is plain: texts only, without tools, schema or reasoning. The library builds, checks
 * and converts anew in each call what is the same in all of them, which costs more than the rest of the call. What it would send it is
 * asked first, once for each model, without anything being sent; where that is not what is written here, and of every answer that is not
 * plain or fails, it is the library that asks and judges.
 */
export function plainChats(make: ModelMaker, fetch: Fetch): (id: string) => ChatModel {
  const modelOf = make(fetch);
  /** As many as are configured. */
  const known = new Map<string, ChatModel>();
  return (id) => {
    const before = known.get(id);
    if (before !== undefined) return before;
    const made = withPlainChats(modelOf(id), { id, make, fetch });
    known.set(id, made);
    return made;
  };
}

interface Setting {
  readonly id: string;
  readonly make: ModelMaker;
  readonly fetch: Fetch;
}

function withPlainChats(model: ChatModel, setting: Setting): ChatModel {
  const { id, make, fetch } = setting;
  let learned: Line | null | undefined;
  return {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    supportedUrls: model.supportedUrls,
    doStream: (call) => model.doStream(call),
    async doGenerate(call) {
      const body = isPlainCall(call) ? plainBody(id, call) : null;
      if (body === null) return model.doGenerate(call);
      if (learned === undefined) learned = await learnLine(setting);
      if (learned === null) return model.doGenerate(call);
      const [{ url, headers }, signal] = [learned, call.abortSignal ?? null];
      const sent: WholeInit = { method: 'POST', headers, body: JSON.stringify(body), signal, isWhole: true };
      const heard = await hear(fetch(url, sent));
      const answer = heard.text === null ? null : readPlainCompletion(heard.text);
      // What was heard is told once more, to who knows all that it can be.
      return answer === null ? make(() => heard.again())(id).doGenerate(call) : { ...answer, warnings: [] };
    },
  };
}

/** What became of a request: its text where it succeeded, and all of it once more. */
interface Heard {
  readonly text: string | null;
  readonly again: () => Promise<Response>;
}

async function hear(asked: Promise<Response>): Promise<Heard> {
  let response: Response | null = null;
  try {
    response = await asked;
    if (!response.ok) return { text: null, again: () => asked };
    const head = response;
    const text = await head.text();
    return { text, again: async () => asResponse(new WholeResponse(head, text)) };
  } catch (thrown) {
    const head = response;
    return { text: null, again: async () => (head === null ? asked : asResponse(brokenOff(head, thrown))) };
  }
}

/** An answer that broke while it was read. */
function brokenOff(head: ResponseHead, thrown: unknown): ProviderResponse {
  return new ProviderResponse(head, {
    read: async () => {
      throw thrown;
    },
    cancel: async () => undefined,
  });
}

const CALL_FIELDS: ReadonlySet<string> = new Set([
  ...['abortSignal', 'maxOutputTokens', 'prompt', 'temperature', 'topP', 'stopSequences', 'seed'],
]);

function isPlainCall(call: ChatCall): boolean {
  for (const name of Object.keys(call)) if (!CALL_FIELDS.has(name)) return false;
  return true;
}

/** What a plain chat is sent as; null where a message is more than a text. */
function plainBody(model: string, call: ChatCall): object | null {
  const messages = [];
  for (const { role, content } of call.prompt) {
    const text = typeof content === 'string' ? content : textOf(content);
    if (role === 'tool' || text === null) return null;
    messages.push({ role, content: text });
  }
  return {
    model,
    max_tokens: call.maxOutputTokens,
    temperature: call.temperature,
    top_p: call.topP,
    stop: call.stopSequences,
    seed: call.seed,
    messages,
  };
}

/** Of a text of nothing libraries make different things. */
function textOf(content: Exclude<ChatCall['prompt'][number]['content'], string>): string | null {
  const [part] = content;
  return content.length === 1 && part?.type === 'text' && part.text !== '' ? part.text : null;
}

const TURNS: ChatCall['prompt'] = [
  { role: 'system', content: 'a' },
  { role: 'user', content: [{ type: 'text', text: 'b' }] },
  { role: 'assistant', content: [{ type: 'text', text: 'c' }] },
  { role: 'user', content: [{ type: 'text', text: 'd' }] },
];
const PROBES: readonly ChatCall[] = [
  { prompt: TURNS, maxOutputTokens: 7, temperature: 0.5, topP: 0.25, stopSequences: ['e'], seed: 3 },
  { prompt: TURNS.slice(1, 2), maxOutputTokens: 7 },
];

/** How the library sends the chats of a model; null where it sends something else than is written here, as to models that reason. */
async function learnLine({ id, make }: Setting): Promise<Line | null> {
  let line: Line | null = null;
  for (const probe of PROBES) {
    const sent = await sentFor(make, id, probe);
    const own: unknown = JSON.parse(JSON.stringify(plainBody(id, probe)));
    if (sent === null || !isDeepStrictEqual(sent.body, own)) return null;
    line = sent.line;
  }
  return line;
}

/** What the library would send. */
async function sentFor(make: ModelMaker, id: string, probe: ChatCall) {
  let sent: { readonly line: Line; readonly body: unknown } | null = null;
  const listening: Fetch = async (url, { headers, body } = {}) => {
    const fields = Object.fromEntries(new Headers(headers));
    if (typeof url === 'string' && typeof body === 'string')
      sent = { line: { url, headers: fields }, body: JSON.parse(body) };
    throw new Error('nothing is sent');
  };
  await make(listening)(id)
    .doGenerate(probe)
    .then(
      () => undefined,
      // It was not sent, as was said.
      () => undefined,
    );
  return sent as { readonly line: Line; readonly body: unknown } | null;
}
