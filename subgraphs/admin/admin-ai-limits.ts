import type { AiLimits } from '../../src/control/ai-limits.ts';
import { invalidInput } from '../../src/control/control-error.ts';
import type { SpendCap } from '../../src/control/spend-cap.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';

/** Money of a day or a month as the schema takes it. */
export interface SpendArgs {
  readonly microUsd: string;
  readonly per: SpendCap['per'];
}

/** The AI limits of a plan as the schema takes them. */
export interface AiLimitsArgs {
  readonly tokensPerMinute?: number | null;
  readonly tokensPerDay?: number | null;
  readonly spend?: SpendArgs | null;
  readonly models?: readonly string[] | null;
}

/** Throws: INVALID_INPUT. */
export function aiLimitsOf({ tokensPerMinute, tokensPerDay, spend, models }: AiLimitsArgs): AiLimits {
  return {
    ...(tokensPerMinute == null ? {} : { tokensPerMinute }),
    ...(tokensPerDay == null ? {} : { tokensPerDay }),
    ...(spend == null ? {} : { spend: spendOf('ai.spend', spend) }),
    ...(models == null ? {} : { models }),
  };
}

/** Throws: INVALID_INPUT. */
export function spendOf(name: string, { microUsd, per }: SpendArgs): SpendCap {
  if (!/^[1-9]\d{0,14}$/u.test(microUsd)) throw invalidInput(name, 'must be whole micro-USD, in digits');
  return { microUsd: Number(microUsd), per };
}

/** How the schema shows AI limits. */
export const aiLimitsObjects: SubgraphResolvers = {
  ControlAiLimits: {
    tokensPerMinute: ({ tokensPerMinute }: AiLimits) => tokensPerMinute ?? null,
    tokensPerDay: ({ tokensPerDay }: AiLimits) => tokensPerDay ?? null,
    spend: ({ spend }: AiLimits) => spend ?? null,
    models: ({ models }: AiLimits) => models ?? null,
  },
  ControlSpend: { microUsd: ({ microUsd }: SpendCap) => String(microUsd) },
};
