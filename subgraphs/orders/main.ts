import { runSubgraph } from '../kit/run-subgraph.ts';
import { startOrders } from './orders-server.ts';

await runSubgraph(startOrders, { name: 'orders', port: 4103 });
