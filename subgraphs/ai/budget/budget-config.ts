import { z } from 'zod';
import { MODEL_NAME_CHARACTERS_MAX } from '../provider-config.ts';
import type { PriceTable } from './price-table.ts';

/** The configuration of budgets is not usable; the faults name places and rules. */
export class BudgetConfigError extends Error {
  override readonly name = 'BudgetConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(`The AI budgets are not configured correctly: ${faults.join('; ')}`);
    this.faults = faults;
  }
}

/** A thousand dollars for a million tokens. Units: micro-USD. */
const PRICE_MAX = 1_000_000_000;
const price = z.int().min(0).max(PRICE_MAX);

const modelPrice = z
  .strictObject({ input: price, output: price, cacheRead: price.optional(), cacheWrite: price.optional() })
  .transform(({ input, output, cacheRead = input, cacheWrite = input }) => ({
    ...{ input, output, cacheRead, cacheWrite },
  }));

const prices = z
  .strictObject({
    version: z.string().min(1).max(64),
    models: z.record(z.string().min(1).max(MODEL_NAME_CHARACTERS_MAX), modelPrice),
  })
  .transform(({ version, models }): PriceTable => ({ version, models: new Map(Object.entries(models)) }));

const tokens = z.int().min(1).max(2_147_483_647);

const budget = z
  .strictObject({
    of: z.enum(['tenant', 'application', 'credential']),
    /** Ids, or what credentials call them where the control plane does not know them; all of them unless given. */
    only: z.array(z.string().min(1).max(256)).min(1).max(1000).optional(),
    tokensPerMinute: tokens.optional(),
    tokensPerDay: tokens.optional(),
    spend: z
      .strictObject({
        microUsd: z.int().min(1).max(1_000_000_000_000_000),
        per: z.enum(['minute', 'day', 'month']),
      })
      .optional(),
  })
  .refine(
    ({ tokensPerMinute, tokensPerDay, spend }) =>
      tokensPerMinute !== undefined || tokensPerDay !== undefined || spend !== undefined,
    'limits nothing',
  );

const budgetConfigSchema = z.strictObject({
  prices: prices.default({ version: 'none', models: new Map() }),
  budgets: z.array(budget).max(64).default([]),
  /** Whether a caller of whose plans the gateway says nothing is refused. */
  plans: z.enum(['required', 'optional']).default('required'),
  /** What becomes of calls while the store does not answer. */
  onStoreLost: z.enum(['refuse', 'allow']).default('refuse'),
  /** 1 makes the estimate of the input a bound; 2 holds for nearly all text. */
  inputBytesPerToken: z.int().min(1).max(4).default(2),
  /** Estimate of an image; providers take some hundreds to some thousands. */
  tokensPerImage: z.int().min(1).max(100_000).default(4096),
  /** When a call that nobody settled counts as reserved. Units: seconds; longer than any call takes. */
  settleAfterSeconds: z.int().min(60).max(86_400).default(900),
  /** How long settled calls are kept in a database. */
  retentionDays: z.int().min(1).max(3650).default(400),
});

/** What AI use is held to, besides the plans of the callers. */
export type BudgetConfig = z.infer<typeof budgetConfigSchema>;

/** A budget of every tenant, application or credential, or of some. */
export type ConfiguredBudget = BudgetConfig['budgets'][number];

/** Without a configuration only plans limit, for callers of whom the gateway says them. */
export const NO_BUDGETS: BudgetConfig = Object.freeze(budgetConfigSchema.parse({ plans: 'optional' }));

/** Checks a configuration and names all faults at once. Throws: BudgetConfigError. */
export function parseBudgetConfig(value: unknown): BudgetConfig {
  const parsed = budgetConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new BudgetConfigError(
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'budgets'}: ${issue.message}`),
  );
}
