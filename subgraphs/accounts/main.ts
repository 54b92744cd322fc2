import { runSubgraph } from '../kit/run-subgraph.ts';
import { startAccounts } from './accounts-server.ts';

await runSubgraph(startAccounts, { name: 'accounts', port: 4101 });
