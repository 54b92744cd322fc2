import { aiBodyContext } from '../../../src/control/ai-body-context.ts';
import { type KeyWrapper, type Sealed, seal } from '../../../src/control/envelope.ts';
import { FindingCounts } from '../guardrails/finding.ts';
import { changeJson, isJson } from '../guardrails/json-texts.ts';
import { createPiiDetector } from '../guardrails/pii-detector.ts';
import { createSecretsDetector } from '../guardrails/secrets-detector.ts';
import { type Checking, checkText } from '../guardrails/text-check.ts';
import type { BodiesConfig } from './bodies-config.ts';

/** `redacted`: without personal data and secrets. */
export type BodyMode = 'redacted' | 'full';

/** A question and its answer, and whose they are. */
export interface BodyExchange {
  readonly application: string | null;
  readonly subject: string;
  readonly field: string;
  readonly model: string;
  readonly question: unknown;
  readonly answer: unknown;
}

/** One that waits to be written, its question and answer as JSON. */
interface Waiting extends Omit<BodyExchange, 'question' | 'answer'> {
  readonly said: string;
}

/** How the bodies of a tenant are kept. */
export interface BodyTenant {
  readonly id: string;
  readonly slug: string;
  readonly mode: BodyMode;
}

/** One body as it is kept. Units: `at` in milliseconds since the epoch. */
export interface SealedBody extends Sealed, Omit<BodyExchange, 'question' | 'answer'> {
  readonly id: string;
  readonly tenant: string;
  readonly mode: BodyMode;
  readonly at: number;
}

/** Where bodies are kept. */
export interface BodyStore {
  /** Whose are kept now. */
  tenants(): Promise<readonly BodyTenant[]>;
  /** False where the tenant does not want it any more. */
  keep(body: SealedBody): Promise<boolean>;
  /** Takes away those whose time is over by the clock of the store, a bounded part of them. */
  forget(): Promise<void>;
  close(): Promise<void>;
}

/** What operators are told of: never of what was asked. */
export interface BodyFault {
  readonly bodies: 'not kept' | 'not heard' | 'heard';
  /** Bodies that were not kept since this process began. */
  readonly lost: number;
  readonly errorName: string | null;
}

export interface BodyLogParts {
  readonly config: BodiesConfig;
  readonly store: BodyStore;
  readonly wrapper: KeyWrapper;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly newId: () => string;
  readonly onFault: (fault: BodyFault) => void;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
}

const REDACTING = [createSecretsDetector(), createPiiDetector()].map((detector) => {
  return { detector, action: 'mask' as const, isReversible: false, places: new Set<never>() };
});

/**
 * Keeps questions and answers, sealed, for tenants that want it. No caller waits for it.
 * Invariant: nothing is kept of a tenant that has not asked for it; what could not be kept is counted and told.
 */
export class BodyLog {
  readonly #parts: BodyLogParts;
  #tenants: ReadonlyMap<string, BodyTenant> = new Map();
  #heardAt: number;
  #isHeard = true;
  #lost = 0;
  #pending = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: BodyLogParts) {
    this.#parts = parts;
    this.#heardAt = parts.now();
  }

  /** How many were not kept. */
  get lost(): number {
    return this.#lost;
  }

  /** Characters that are kept of one. */
  get charactersMax(): number {
    return this.#parts.config.bodyCharactersMax;
  }

  /** The tenant of this id or slug, if its are kept. */
  tenantOf(name: string): BodyTenant | null {
    return this.#tenants.get(name) ?? null;
  }

  /** Keeps one, later. */
  keep(tenant: BodyTenant, { question, answer, ...of }: BodyExchange): void {
    if (this.#pending >= this.#parts.config.pendingMax) {
      this.#lose(null);
      return;
    }
    this.#pending += 1;
    const at = this.#parts.now();
    // At once, so that nothing that waits holds images.
    const said = JSON.stringify({ question, answer }, withoutImages);
    this.#last = this.#last
      .then(() => this.#write(tenant, { ...of, said }, at))
      .catch((fault: unknown) => this.#lose(fault))
      .finally(() => {
        this.#pending -= 1;
      });
  }

  /** Asks once whose are kept. Never rejects. */
  async poll(): Promise<void> {
    const { store, now, config } = this.#parts;
    try {
      const tenants = await store.tenants();
      this.#tenants = new Map(
        tenants.flatMap((tenant) => [[tenant.id, tenant] as const, [tenant.slug, tenant] as const]),
      );
      this.#heardAt = now();
      if (!this.#isHeard) this.#tell('heard', null);
      this.#isHeard = true;
    } catch (fault) {
      if (this.#isHeard) this.#tell('not heard', fault);
      this.#isHeard = false;
      // Who has changed its mind meanwhile cannot say so.
      if (now() - this.#heardAt >= config.staleMs) this.#tenants = new Map();
    }
  }

  /** Takes away what has ended. Never rejects. */
  async sweep(): Promise<void> {
    try {
      await this.#parts.store.forget();
    } catch (fault) {
      this.#tell('not heard', fault);
    }
  }

  /** Resolves when all that waits is written, or told as lost. */
  settled(): Promise<void> {
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#last;
    await this.#parts.store.close();
  }

  async #write({ id: tenant, mode }: BodyTenant, { said: all, ...rest }: Waiting, at: number): Promise<void> {
    const { store, wrapper, randomBytes, newId, config } = this.#parts;
    const said = mode === 'full' ? all : redacted(all);
    const text = said.length <= config.bodyCharactersMax ? said : cutText(said, config.bodyCharactersMax);
    const id = newId();
    const sealed = await seal(text, aiBodyContext({ id, tenantId: tenant, at }), { wrapper, randomBytes });
    await store.keep({ ...rest, ...sealed, id, tenant, mode, at });
  }

  #lose(fault: unknown): void {
    this.#lost += 1;
    this.#tell('not kept', fault);
  }

  #tell(bodies: BodyFault['bodies'], fault: unknown): void {
    const errorName = fault instanceof Error ? fault.name : fault === null ? null : typeof fault;
    this.#parts.onFault({ bodies, lost: this.#lost, errorName });
  }
}

/** JSON without personal data and secrets. */
function redacted(json: string): string {
  const checking: Checking = {
    ...{ checks: REDACTING, direction: 'output', counts: new FindingCounts(), placeholders: null },
  };
  const without = (text: string): string => checkText(text, checking);
  // Arguments and results of tools are JSON within a text, and their escapes hide what they stand for.
  return changeJson(json, (text) => without(isJson(text) ? changeJson(text, without) : text));
}

/** Of images, what they are. */
function withoutImages(name: string, value: unknown): unknown {
  return name === 'images' && Array.isArray(value) ? `${value.length} images` : value;
}

function cutText(text: string, charactersMax: number): string {
  return JSON.stringify({ cut: true, text: text.slice(0, charactersMax) });
}
