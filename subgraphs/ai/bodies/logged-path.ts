import type { ChatInput, ToolCall } from '../ai-input.ts';
import { allowanceOf, UNREADABLE } from '../budget/allowance.ts';
import type { ChatEvent, ChatResult, EmbeddingResult } from '../chat-answer.ts';
import type { Asked } from '../chat-path.ts';
import {
  type AskedTexts,
  type GuardedParts,
  guardedChat,
  guardedEmbed,
  openGuardedChat,
} from '../guardrails/guarded-path.ts';
import type { BodyLog, BodyTenant } from './body-log.ts';

/** What asking models needs where questions and answers may be kept. */
export interface LoggedParts extends GuardedParts {
  /** Null where none are. */
  readonly bodies: BodyLog | null;
}

/** Keeps what was answered. */
type Keep = (answer: unknown) => void;

/** As `guardedChat`; the question and its answer are kept where the caller's tenant wants it. */
export async function loggedChat(parts: LoggedParts, asked: Asked<ChatInput>): Promise<ChatResult> {
  const keep = keeper(parts, asked);
  const result = await guardedChat(parts, asked);
  keep?.({ text: result.text, toolCalls: result.toolCalls, finishReason: result.finishReason });
  return result;
}

/** As `openGuardedChat`; what was told is kept when it has ended, or was left. */
export async function openLoggedChat(
  parts: LoggedParts,
  asked: Asked<ChatInput>,
): Promise<AsyncIterableIterator<ChatEvent>> {
  const keep = keeper(parts, asked);
  const events = await openGuardedChat(parts, asked);
  return keep === null ? events : hearing(events, keep, parts.bodies?.charactersMax ?? 0);
}

/** As `guardedEmbed`; of the answer is kept that there was one. */
export async function loggedEmbed(parts: LoggedParts, asked: AskedTexts): Promise<EmbeddingResult> {
  const keep = keeper(parts, asked);
  const result = await guardedEmbed(parts, asked);
  keep?.({ dimensions: result.dimensions });
  return result;
}

function keeper({ bodies }: LoggedParts, asked: Asked<{ readonly model: string }>): Keep | null {
  const { caller, field, input } = asked;
  const tenant = bodies === null ? null : tenantOf(bodies, asked);
  if (bodies === null || tenant === null) return null;
  const { clientId: application, subject } = caller;
  return (answer) =>
    bodies.keep(tenant, { application, subject, field, model: input.model, question: input, answer });
}

function tenantOf(bodies: BodyLog, { caller }: Asked<unknown>): BodyTenant | null {
  const allowance = allowanceOf(caller);
  return allowance === UNREADABLE ? null : bodies.tenantOf(allowance.tenant);
}

function hearing(
  events: AsyncIterableIterator<ChatEvent>,
  keep: Keep,
  charactersMax: number,
): AsyncIterableIterator<ChatEvent> {
  let text = '';
  let finishReason: string | null = null;
  let isKept = false;
  const toolCalls: ToolCall[] = [];
  const hear = (event: ChatEvent): void => {
    if (text.length < charactersMax) text += event.text ?? '';
    if (event.toolCall !== undefined) toolCalls.push(event.toolCall);
    finishReason = event.finishReason ?? finishReason;
  };
  const end = (): void => {
    if (!isKept) keep({ text, toolCalls, finishReason });
    isKept = true;
  };
  return {
    next: async () => {
      try {
        const step = await events.next();
        if (step.done === true) end();
        else hear(step.value);
        return step;
      } catch (thrown) {
        end();
        throw thrown;
      }
    },
    return: async () => {
      end();
      return (await events.return?.()) ?? { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
