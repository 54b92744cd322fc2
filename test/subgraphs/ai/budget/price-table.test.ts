import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedAiLimits } from '../../../../src/control/ai-limits.ts';
import { parseBudgetConfig } from '../../../../subgraphs/ai/budget/budget-config.ts';
import { budgetWindow } from '../../../../subgraphs/ai/budget/budget-window.ts';
import { priceAtMost, priceOf } from '../../../../subgraphs/ai/budget/price-table.ts';
import { chatTokens } from '../../../../subgraphs/ai/budget/token-estimate.ts';
import { parseProviderConfigs } from '../../../../subgraphs/ai/provider-config.ts';

const tokens = fc.nat(1_000_000_000);
const price = fc.record({
  ...{ input: fc.nat(1_000_000_000), cacheRead: fc.nat(1_000_000_000) },
  ...{ cacheWrite: fc.nat(1_000_000_000), output: fc.nat(1_000_000_000) },
});
const counts = fc.record({
  ...{ input: tokens, cacheRead: tokens, cacheWrite: tokens, output: tokens, reasoning: fc.constant(0) },
});

const anyText = fc
  .array(fc.constantFrom('a', '{', 'é', '漢', '😀', ' '))
  .map((characters) => characters.join(''));

describe('the price of tokens', () => {
  it('is whole, never below the exact price and less than a micro-dollar above it', () => {
    fc.assert(
      fc.property(counts, price, (each, at) => {
        const { microUsd } = priceOf(each, at);
        const exact =
          BigInt(each.input) * BigInt(at.input) +
          BigInt(each.cacheRead) * BigInt(at.cacheRead) +
          BigInt(each.cacheWrite) * BigInt(at.cacheWrite) +
          BigInt(each.output) * BigInt(at.output);
        const above = BigInt(microUsd) * 1_000_000n - exact;
        expect(Number.isSafeInteger(microUsd) && above >= 0n && above < 1_000_000n).toBe(true);
      }),
    );
  });

  it('is never above what was reserved for as many tokens, however they were cached', () => {
    fc.assert(
      fc.property(counts, price, (each, at) => {
        const input = each.input + each.cacheRead + each.cacheWrite;
        const most = priceAtMost({ input, output: each.output }, at);
        const took = priceOf(each, at);
        expect(took.microUsd).toBeLessThanOrEqual(most.microUsd);
        expect(took.tokens).toBe(most.tokens);
      }),
    );
  });

  it('rounds up once for the call, not once for each kind of token', () => {
    const at = { input: 400_000, cacheRead: 400_000, cacheWrite: 0, output: 0 };
    expect(priceOf({ input: 1, cacheRead: 1, cacheWrite: 0, output: 0, reasoning: 0 }, at).microUsd).toBe(1);
  });
});

describe('the estimate of an input', () => {
  it('with a byte to a token is never below one token for each byte, of tools and schemas too', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const input = {
          ...{ model: 'm', maxOutputTokens: 1, responseSchema: text },
          messages: [{ role: 'USER' as const, content: text }],
          tools: [{ name: 't', description: text, parameters: text }],
        };
        expect(chatTokens(input, { inputBytesPerToken: 1, tokensPerImage: 1 }).input).toBeGreaterThanOrEqual(
          4 * Buffer.byteLength(text),
        );
      }),
    );
  });
});

describe('a window of a budget', () => {
  it.each([
    ['minute', '2026-12-31T23:59', Date.UTC(2027, 0, 1)],
    ['day', '2026-12-31', Date.UTC(2027, 0, 1)],
    ['month', '2026-12', Date.UTC(2027, 0, 1)],
  ] as const)('of a %s is named and ends', (period, name, endsAt) => {
    expect(budgetWindow(Date.UTC(2026, 11, 31, 23, 59, 59, 999), period)).toEqual({ name, endsAt });
    expect(budgetWindow(endsAt, period).name).not.toBe(name);
  });
});

describe('the configuration of budgets', () => {
  it.each([
    [
      'a price that is no whole number',
      { prices: { version: '1', models: { m: { input: 0.5, output: 1 } } } },
    ],
    ['a price without a version', { prices: { models: {} } }],
    ['a budget that limits nothing', { budgets: [{ of: 'tenant' }] }],
    ['a budget of nobody', { budgets: [{ of: 'planet', tokensPerDay: 1 }] }],
    ['a key that it does not know', { budget: [] }],
    ['a spend below nothing', { budgets: [{ of: 'tenant', spend: { microUsd: -1, per: 'day' } }] }],
  ])('refuses %s', (_, config) => {
    expect(() => parseBudgetConfig(config)).toThrow(expect.objectContaining({ name: 'BudgetConfigError' }));
  });

  it('has prices of models with the longest names that providers can give them, and of none longer', () => {
    const models = [{ id: 'm'.repeat(128), capabilities: ['CHAT'] }];
    const [provider] = parseProviderConfigs([
      { name: 'p'.repeat(32), provider: 'openai', apiKey: 'k', models },
    ]);
    const name = `${provider?.name}/${provider?.models[0]?.id}`;
    const priced = (id: string) => ({ prices: { version: '1', models: { [id]: { input: 1, output: 1 } } } });
    expect(parseBudgetConfig(priced(name)).prices.models.get(name)?.input).toBe(1);
    expect(checkedAiLimits({ models: [name] }).models).toEqual([name]);
    expect(() => parseBudgetConfig(priced(`${name}m`))).toThrow();
    expect(() => checkedAiLimits({ models: [`${name}mm`] })).toThrow();
  });
});
