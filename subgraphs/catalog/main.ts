import { runSubgraph } from '../kit/run-subgraph.ts';
import { startCatalog } from './catalog-server.ts';

await runSubgraph(startCatalog, { name: 'catalog', port: 4102 });
