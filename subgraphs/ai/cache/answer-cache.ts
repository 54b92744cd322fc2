import type { ModelAnswer } from '../ask-model.ts';
import { AnswerShelves, answerBytes, type KeptAnswer } from './answer-shelf.ts';
import type { CacheConfig } from './cache-config.ts';
import { type NearText, nearText } from './near-text.ts';
import { exactKey, type KeyedRequest, lastTurn, nearKey } from './request-key.ts';

/** An answer that was kept. */
export interface CacheHit {
  readonly match: 'EXACT' | 'SEMANTIC';
  readonly answer: ModelAnswer;
  /** How long ago it was given. Units: milliseconds. */
  readonly ageMs: number;
}

/** Gives the vector of a text; null where there is none for this caller, or none in time. */
export type Embed = (text: string) => Promise<readonly number[] | null>;

/** One request, as far as the cache knows it. */
export interface CacheTurn {
  /** An answer that was kept, unless the caller wants a new one. */
  find(): Promise<CacheHit | null>;
  /** Keeps what a model answered, if it is whole. */
  keep(model: string, answer: ModelAnswer): void;
}

/** Answers of models, kept for those who ask again. */
export interface AnswerCache {
  /** Null where nothing is kept for this request. */
  turn(request: Asking): CacheTurn | null;
  readonly size: AnswerShelves['size'];
  /** Whose vectors it needs; null where it needs none. */
  readonly semantic: { readonly model: string; readonly timeoutMs: number } | null;
}

interface Asking extends Omit<KeyedRequest, 'tenant'> {
  /** Null for a caller of none, for whom nothing is kept. */
  readonly tenant: string | null;
  readonly embed: Embed;
}

const KEPT: ReadonlySet<ModelAnswer['finishReason']> = new Set(['STOP', 'LENGTH', 'TOOL_CALLS']);

/** Makes an empty cache. Units: `now` gives milliseconds since the epoch. */
export function createAnswerCache(config: CacheConfig, now: () => number): AnswerCache {
  const { tenants, semantic } = config;
  const shelves = new AnswerShelves({ ...config, candidatesMax: semantic?.candidatesMax ?? 1 }, answerBytes);
  const isOf = tenants === 'all' ? () => true : (tenant: string) => tenants.includes(tenant);
  const hitOf = (match: CacheHit['match'], kept: KeptAnswer | null): CacheHit | null =>
    kept === null ? null : { match, answer: kept.answer, ageMs: Math.max(0, now() - kept.keptAtMs) };
  const turnOf = (request: KeyedRequest, embed: Embed): CacheTurn => {
    const { tenant, input } = request;
    const isNew = input.cache === 'REFRESH';
    let text: NearText | null = null;
    let asked: string | null = null;
    /** Models that answer are mostly the one that was asked. */
    const keyOf = (model: string): string => {
      if (model !== request.model) return exactKey({ ...request, model });
      asked ??= exactKey(request);
      return asked;
    };
    const nearOf = (model: string): KeptAnswer['near'] => {
      const group = text === null ? null : nearKey({ ...request, model });
      return text === null || group === null ? null : { group, text };
    };
    return {
      async find() {
        const sinceMs = now() - config.ttlSeconds * 1000;
        const same = isNew ? null : shelves.get(tenant, keyOf(request.model), sinceMs);
        if (same !== null || semantic === undefined || nearKey(request) === null) return hitOf('EXACT', same);
        const said = lastTurn(input);
        const vector = await embed(said);
        text = vector === null ? null : nearText(said, vector);
        const near = nearOf(request.model);
        if (near === null || isNew) return null;
        const { threshold } = semantic;
        return hitOf('SEMANTIC', shelves.nearest(tenant, near, { sinceMs, threshold }));
      },
      keep(model, { text: said, toolCalls, finishReason, usage }) {
        if (!KEPT.has(finishReason) || (said === '' && toolCalls.length === 0)) return;
        // What was cut, or calls a tool, answers this one question only.
        const near = finishReason === 'STOP' && toolCalls.length === 0 ? nearOf(model) : null;
        const answer = { text: said, toolCalls, finishReason, usage };
        shelves.put(tenant, keyOf(model), { answer, near, keptAtMs: now() });
      },
    };
  };
  return {
    turn({ tenant, embed, ...request }) {
      if (tenant === null || !isOf(tenant) || request.input.cache === 'BYPASS') return null;
      return turnOf({ ...request, tenant }, embed);
    },
    semantic: semantic ?? null,
    get size() {
      return shelves.size;
    },
  };
}
