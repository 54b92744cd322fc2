import { runSubgraph } from '../kit/run-subgraph.ts';
import { startAi } from './ai-server.ts';
import { NO_BUDGETS } from './budget/budget-config.ts';
import { readBudgetConfig } from './budget/budget-source.ts';
import { readProvidersFile } from './provider-source.ts';

const { AI_PROVIDERS_FILE, AI_BUDGETS_FILE, AI_DATABASE_URL } = process.env;
const models = AI_PROVIDERS_FILE === undefined ? {} : readProvidersFile(AI_PROVIDERS_FILE, process.env);
const budget = {
  ...(AI_BUDGETS_FILE === undefined ? NO_BUDGETS : readBudgetConfig(AI_BUDGETS_FILE)),
  ...(AI_DATABASE_URL === undefined ? {} : { databaseUrl: AI_DATABASE_URL }),
};

await runSubgraph((placement) => startAi({ ...placement, ...models, budget }), { name: 'ai', port: 4104 });
