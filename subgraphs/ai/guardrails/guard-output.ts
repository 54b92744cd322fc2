import type { ChatInput, ToolCall } from '../ai-input.ts';
import type { ChatEvent, ChatFinishReason, ChatResult } from '../chat-answer.ts';
import type { CompiledPolicy } from './compile-guardrails.ts';
import { type Finding, FindingCounts } from './finding.ts';
import { followsSchema } from './json-schema.ts';
import { changeJson } from './json-texts.ts';
import type { Placeholders } from './placeholders.ts';
import { StreamText } from './stream-text.ts';
import { type Checking, checkText } from './text-check.ts';

/** An answer that has to follow a schema is of no use in parts; it is held as a whole up to this. Units: UTF-16 code units. */
const STRUCTURED_CHARACTERS_MAX = 262_144;

/** What an answer is judged by. */
export interface OutputSetting {
  readonly policy: CompiledPolicy;
  readonly input: Pick<ChatInput, 'responseSchema'>;
  readonly placeholders: Placeholders;
  /** Of the input. */
  readonly findings: readonly Finding[];
}

/** Judges one answer, whole or as it comes; whatever it finds is counted. */
export class OutputGuard {
  readonly #setting: OutputSetting;
  readonly #counts = new FindingCounts();
  readonly #checking: Checking;
  readonly #stream: StreamText;
  readonly #isStructured: boolean;
  #structured = '';
  #characters = 0;

  constructor(setting: OutputSetting) {
    const { policy, placeholders, input } = setting;
    this.#setting = setting;
    const direction = 'output';
    this.#checking = { checks: policy.output, direction, counts: this.#counts, placeholders };
    const holding = { looks: policy.output.length > 0, phraseWordsMax: policy.phraseWordsMax };
    this.#stream = new StreamText(this.#checking, holding);
    this.#isStructured =
      input.responseSchema != null && (policy.output.length > 0 || policy.outputSchema === 'block');
  }

  /** Of the input and of the output. */
  get findings(): readonly Finding[] {
    return [...this.#setting.findings, ...this.#counts.all];
  }

  get isBlocked(): boolean {
    return this.#counts.hasBlocked;
  }

  /** A further piece of a text, as far as it may be told. */
  push(piece: string): string {
    this.#measure(piece.length);
    if (!this.#isStructured) return this.#stream.push(piece);
    if (this.#structured.length + piece.length > STRUCTURED_CHARACTERS_MAX)
      this.#counts.add({ guardrail: 'sizes', kind: 'TOO_LARGE', direction: 'output', action: 'block' });
    else this.#structured += piece;
    return '';
  }

  /** The rest of a text: a call of a tool or the end follows. */
  rest(): string {
    if (!this.#isStructured) return this.#stream.end();
    const text = this.#structured;
    this.#structured = '';
    return text === '' ? '' : this.#checkStructured(text);
  }

  /** A call of a tool, whose name may be any text too; what is in its arguments is looked at as it will be read. */
  toolCall(call: ToolCall): ToolCall {
    this.#measure(call.arguments.length);
    const checked = changeJson(call.arguments, (text) => checkText(text, this.#checking));
    const name = checkText(call.name, this.#checking);
    return { ...call, name, arguments: this.#setting.placeholders.restoreJson(checked) };
  }

  /** Judges an answer that is whole by the schema that was asked for. */
  end(text: string, finishReason: ChatFinishReason): void {
    const { input, policy, placeholders } = this.#setting;
    if (policy.outputSchema === 'off' || input.responseSchema == null) return;
    // What was cut or refused says so, and cannot follow.
    if (finishReason !== 'STOP' && finishReason !== 'OTHER') return;
    // The answer has its originals back, and so has the schema: a value that it names was masked in both.
    const schema = placeholders.restoreJson(input.responseSchema);
    if (followsSchema(parsed(text), parsed(schema))) return;
    const { outputSchema: action } = policy;
    this.#counts.add({ guardrail: 'outputSchema', kind: 'SCHEMA_MISMATCH', direction: 'output', action });
  }

  /** An answer that is there as a whole. */
  result(result: ChatResult): ChatResult {
    const { text: said } = result;
    this.#measure(said.length);
    const text = this.#isStructured
      ? this.#checkStructured(said)
      : this.#setting.placeholders.restore(checkText(said, this.#checking));
    const toolCalls = result.toolCalls.map((call) => this.toolCall(call));
    this.end(text, result.finishReason);
    const { findings } = this;
    if (!this.isBlocked) return { ...result, text, toolCalls, guardrails: findings };
    return { ...result, text: '', toolCalls: [], finishReason: 'CONTENT_FILTER', guardrails: findings };
  }

  /** The last event of an answer that is not told any further. */
  blockedEnd(): ChatEvent {
    return { finishReason: 'CONTENT_FILTER', guardrails: this.findings };
  }

  #checkStructured(text: string): string {
    return this.#setting.placeholders.restoreJson(
      changeJson(text, (part) => checkText(part, this.#checking)),
    );
  }

  #measure(characters: number): void {
    const { sizes } = this.#setting.policy;
    if (sizes === null || sizes.output === 'off' || sizes.outputCharactersMax === undefined) return;
    const before = this.#characters;
    this.#characters += characters;
    if (before > sizes.outputCharactersMax || this.#characters <= sizes.outputCharactersMax) return;
    this.#counts.add({ guardrail: 'sizes', kind: 'TOO_LARGE', direction: 'output', action: sizes.output });
  }
}

/** Undefined where it is not JSON, which follows no schema that says anything. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
