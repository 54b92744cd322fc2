import type { AiLimits } from '../../src/control/ai-limits.ts';
import { invalidInput } from '../../src/control/control-error.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';

/** The AI limits of a plan as the schema takes them. */
export interface AiLimitsArgs {
  readonly tokensPerMinute?: number | null;
  readonly tokensPerDay?: number | null;
  readonly spend?: { readonly microUsd: string; readonly per: 'day' | 'month' } | null;
  readonly models?: readonly string[] | null;
}

/** Throws: INVALID_INPUT. */
export function aiLimitsOf({ tokensPerMinute, tokensPerDay, spend, models }: AiLimitsArgs): AiLimits {
  return {
    ...(tokensPerMinute == null ? {} : { tokensPerMinute }),
    ...(tokensPerDay == null ? {} : { tokensPerDay }),
    ...(spend == null ? {} : { spend: { microUsd: microUsdOf(spend.microUsd), per: spend.per } }),
    ...(models == null ? {} : { models }),
  };
}

function microUsdOf(digits: string): number {
  if (!/^[1-9]\d{0,14}$/u.test(digits)) throw invalidInput('ai.spend', 'must be whole micro-USD, in digits');
  return Number(digits);
}

/** How the schema shows AI limits. */
export const aiLimitsObjects: SubgraphResolvers = {
  ControlAiLimits: {
    tokensPerMinute: ({ tokensPerMinute }: AiLimits) => tokensPerMinute ?? null,
    tokensPerDay: ({ tokensPerDay }: AiLimits) => tokensPerDay ?? null,
    spend: ({ spend }: AiLimits) => spend ?? null,
    models: ({ models }: AiLimits) => models ?? null,
  },
  ControlSpend: { microUsd: ({ microUsd }: NonNullable<AiLimits['spend']>) => String(microUsd) },
};
