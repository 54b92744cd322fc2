import { z } from 'zod';
import type { AiPlan } from '../../../src/control/ai-limits.ts';
import type { SubgraphPrincipal } from '../../kit/assertion.ts';
import type { Payer } from './usage-record.ts';

const name = z.string().min(1).max(512);
const claimSchema = z.object({
  tenant: name,
  application: name,
  credential: name.nullable(),
  plans: z
    .array(
      z
        .object({
          subscription: name,
          fields: z.array(name),
          models: z.array(name),
          tokensPerMinute: z.int().positive(),
          tokensPerDay: z.int().positive(),
          spend: z.object({ microUsd: z.int().positive(), per: z.enum(['day', 'month']) }),
        })
        .partial({ models: true, tokensPerMinute: true, tokensPerDay: true, spend: true }),
    )
    .max(100),
});

/** Who pays for the calls of a caller, and by which plans. */
export interface Allowance extends Omit<Payer, 'subscription'> {
  /** Null where the gateway does not say. */
  readonly plans: readonly AiPlan[] | null;
}

/** What callers without a tenant are counted under together: no tenant has an empty name. */
const NO_TENANT = '';

/** A caller whose gateway says of its plans what cannot be read; nothing is permitted by it. */
export const UNREADABLE = 'unreadable';

/** By principal, since one object stands for one assertion. */
const known = new WeakMap<SubgraphPrincipal, Allowance | typeof UNREADABLE>();

/** What the gateway says of a caller; without a word of its plans, who it is by its credential. */
export function allowanceOf(principal: SubgraphPrincipal): Allowance | typeof UNREADABLE {
  const before = known.get(principal);
  if (before !== undefined) return before;
  const allowance = read(principal);
  known.set(principal, allowance);
  return allowance;
}

function read({ budget, tenant, clientId }: SubgraphPrincipal): Allowance | typeof UNREADABLE {
  if (budget === null)
    return { tenant: tenant ?? NO_TENANT, application: clientId, credential: clientId, plans: null };
  const parsed = claimSchema.safeParse(budget);
  // What is absent is absent: no key is there without a value.
  return parsed.success ? (parsed.data as Allowance) : UNREADABLE;
}

/** Fields that ask the same models for the same: a plan for one of them is not walked around by another that everybody may use. */
const CHATS: ReadonlySet<string> = new Set([
  'Mutation.chat',
  'Subscription.chatStream',
  'GeneratedText.answer',
]);

/**
 * The plan that a call of a field is charged to: of those that permit the model the one with most to spend, then with most tokens.
 * Where no plan is for the field itself, those for another way to chat count. `none` where there is none either, `refused` where none
 * permits the model.
 */
export function planFor(
  plans: readonly AiPlan[],
  { field, model }: { readonly field: string; readonly model: string },
): AiPlan | 'none' | 'refused' {
  const itself = plans.filter(({ fields }) => fields.includes(field));
  const ofField = itself.length > 0 || !CHATS.has(field) ? itself : plans.filter(isForChats);
  if (ofField.length === 0) return 'none';
  const [best] = ofField.filter(({ models }) => permits(models, model)).sort(byGenerosity);
  return best ?? 'refused';
}

function isForChats({ fields }: AiPlan): boolean {
  return fields.some((field) => CHATS.has(field));
}

function permits(models: readonly string[] | undefined, model: string): boolean {
  if (models === undefined) return true;
  return models.some((each) => (each.endsWith('*') ? model.startsWith(each.slice(0, -1)) : each === model));
}

const DAYS_OF_MONTH = 30;

function byGenerosity(one: AiPlan, other: AiPlan): number {
  return (
    compare(other.spend && perMonth(other.spend), one.spend && perMonth(one.spend)) ||
    compare(other.tokensPerDay, one.tokensPerDay) ||
    compare(other.tokensPerMinute, one.tokensPerMinute) ||
    (one.subscription < other.subscription ? -1 : 1)
  );
}

function perMonth({ microUsd, per }: NonNullable<AiPlan['spend']>): number {
  return per === 'day' ? microUsd * DAYS_OF_MONTH : microUsd;
}

/** No limit is more than any. */
function compare(one: number | undefined, other: number | undefined): number {
  return (one ?? Number.MAX_SAFE_INTEGER) - (other ?? Number.MAX_SAFE_INTEGER);
}
