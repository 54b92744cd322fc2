import type { GraphQLRequest } from '../listener/request.ts';
import type { Rate } from './gcra.ts';
import type { Demand } from './limit-store.ts';

/** Failed authentications, of one address and of one credential, before it has to wait. */
export interface FailureLimit {
  readonly ofAddress: Rate;
  /** Null where credentials are not looked at. */
  readonly ofCredential: Rate | null;
}

/** Where a request comes from, and the credentials that it presents. */
export type FailureSource = Pick<GraphQLRequest, 'remoteAddress' | 'authorization' | 'apiKeys'>;

/** Buckets of a source, each for so many failures. */
export function failureDemands(source: FailureSource, limit: FailureLimit, cost: number): readonly Demand[] {
  const { ofAddress, ofCredential } = limit;
  const demands = [demandOf(`failures of address ${source.remoteAddress}`, ofAddress, cost)];
  const mark = ofCredential === null ? null : markOf(source);
  if (ofCredential !== null && mark !== null)
    demands.push(demandOf(`failures of credential ${mark}`, ofCredential, cost));
  return demands;
}

/** Addresses whose last question is kept; at most 5 MB when full. */
const QUESTIONS_MAX = 1000;
/** Longer credentials are looked at anew each time. */
const PRESENTED_CHARS_MAX = 4096;

interface Question {
  readonly presented: string | undefined;
  readonly demands: readonly Demand[];
}

/**
 * What is asked before a caller is identified: whether there is one more failure to be had, which takes nothing. The last question of an
 * address is kept, since most present the same again.
 */
export class FailureQuestions {
  readonly #limit: FailureLimit;
  readonly #kept = new Map<string, Question>();

  constructor(limit: FailureLimit) {
    this.#limit = limit;
  }

  of(source: FailureSource): readonly Demand[] {
    const { remoteAddress } = source;
    const presented = presentedBy(source);
    const kept = this.#kept.get(remoteAddress);
    if (kept !== undefined && kept.presented === presented) return kept.demands;
    const demands = failureDemands(source, this.#limit, 0);
    if (presented !== undefined && presented.length > PRESENTED_CHARS_MAX) return demands;
    if (kept === undefined && this.#kept.size >= QUESTIONS_MAX) this.#kept.clear();
    this.#kept.set(remoteAddress, { presented, demands });
    return demands;
  }
}

/** No key of a limit begins like these: they are JSON. */
function demandOf(name: string, rate: Rate, cost: number): Demand {
  const key = name.length <= KEY_CHARS_MAX ? name : name.slice(0, KEY_CHARS_MAX);
  return { key, slot: key, rate, cost };
}

const KEY_CHARS_MAX = 200;
const API_KEY_PREFIX = /^(?:apikey +)?(pk_[A-Za-z0-9]{4,64})_/iu;
const TAIL_CHARS = 32;

/**
 * What names a credential before anything about it is known: the prefix of an API key, which all guesses at that key have in common,
 * else the end of what was presented, which only the same token has. Null where nothing is presented.
 * Source: the beginning of a token is the same for all of an issuer, and limiting that would lock out everybody.
 */
function markOf(source: FailureSource): string | null {
  const presented = presentedBy(source);
  if (presented === undefined) return null;
  return API_KEY_PREFIX.exec(presented)?.[1] ?? presented.slice(-TAIL_CHARS);
}

function presentedBy({ authorization, apiKeys = [] }: FailureSource): string | undefined {
  return apiKeys[0] ?? authorization[0];
}
