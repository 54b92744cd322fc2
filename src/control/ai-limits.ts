import { invalidInput } from './control-error.ts';
import { list, whole } from './input.ts';
import { checkedSpendCap, type SpendCap } from './spend-cap.ts';

/** What a plan limits the use of AI models to; what is absent is not limited. */
export interface AiLimits {
  readonly tokensPerMinute?: number;
  readonly tokensPerDay?: number;
  readonly spend?: SpendCap;
  /** Models that may be asked: ids, or the beginning of ids followed by `*`. */
  readonly models?: readonly string[];
}

/** The plan of one subscription, for the fields of the graph that its product holds. */
export interface AiPlan extends AiLimits {
  readonly subscription: string;
  readonly fields: readonly string[];
}

/** What a subgraph that meters AI use is told of a caller: who pays, and what its plans limit. */
export interface AiAllowance {
  /** Ids of the control plane. */
  readonly tenant: string;
  readonly application: string;
  readonly plans: readonly AiPlan[];
}

/** Tokens of a window; the schema has them as a 32-bit integer. */
const TOKENS_MAX = 2_147_483_647;
/** An assertion carries these, and a header field is short. */
const MODELS_MAX = 32;
const MODELS_CHARACTERS_MAX = 2000;
/** As long as a provider's name, a slash and the id of a model there can be. */
const MODEL = /^(?:\*|[a-z0-9][\w./:@-]{0,160}\*?)$/iu;

/** Throws: INVALID_INPUT. */
export function checkedAiLimits({ tokensPerMinute, tokensPerDay, spend, models }: AiLimits): AiLimits {
  const tokens = (field: string, value: number) => whole(field, value, { min: 1, max: TOKENS_MAX });
  return {
    ...(tokensPerMinute === undefined
      ? {}
      : { tokensPerMinute: tokens('ai.tokensPerMinute', tokensPerMinute) }),
    ...(tokensPerDay === undefined ? {} : { tokensPerDay: tokens('ai.tokensPerDay', tokensPerDay) }),
    ...(spend === undefined ? {} : { spend: checkedSpendCap('ai.spend', spend) }),
    ...(models === undefined ? {} : { models: checkedModels(models) }),
  };
}

function checkedModels(models: readonly string[]): readonly string[] {
  const names = list('ai.models', models, { max: MODELS_MAX, pattern: MODEL });
  if (names.join('').length > MODELS_CHARACTERS_MAX)
    throw invalidInput('ai.models', `must have at most ${MODELS_CHARACTERS_MAX} characters together`);
  return names;
}
