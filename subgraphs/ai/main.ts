import { runSubgraph } from '../kit/run-subgraph.ts';
import { startAi } from './ai-server.ts';
import { readProviderConfigs } from './provider-source.ts';

const { AI_PROVIDERS_FILE } = process.env;
const providers = AI_PROVIDERS_FILE === undefined ? [] : readProviderConfigs(AI_PROVIDERS_FILE, process.env);

await runSubgraph((placement) => startAi({ ...placement, providers }), { name: 'ai', port: 4104 });
