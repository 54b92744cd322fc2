import { startAi } from '../../../subgraphs/ai/ai-server.ts';
import { parseBudgetConfig } from '../../../subgraphs/ai/budget/budget-config.ts';
import { announce } from '../gateways/announce.ts';

/** What the subgraph is started with. */
export interface AiSubgraphSetting {
  readonly providerUrl: string;
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
}

const PLENTY = { tokensPerMinute: 2_000_000_000, spend: { microUsd: 1_000_000_000_000, per: 'day' } };

const { providerUrl, jwks } = JSON.parse(process.argv[2] ?? '') as AiSubgraphSetting;
const running = await startAi({
  port: 0,
  trust: { jwks: { keys: [...jwks.keys] } },
  providers: [
    {
      ...{ name: 'house', provider: 'openai', apiKey: 'sk-bench', baseURL: providerUrl },
      models: [{ id: 'model-1', capabilities: ['CHAT'] }],
    },
  ],
  // All that there is to be had: two budgets, prices, an alias, kept answers, guardrails.
  budget: parseBudgetConfig({
    plans: 'optional',
    prices: { version: 'bench', models: { 'house/model-1': { input: 1_250_000, output: 10_000_000 } } },
    budgets: [
      { of: 'tenant', ...PLENTY },
      { of: 'application', ...PLENTY },
    ],
  }),
  aliases: [{ name: 'best', targets: [{ model: 'house/model-1' }] }],
  cache: { tenants: 'all' },
  guardrails: { pii: {}, secrets: {}, injection: {} },
});
announce({ url: running.url });
