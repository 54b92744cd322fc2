import { interfaceObjects } from './graphs/abstract.ts';
import { startGraph } from './kit/start-graph.ts';
import { generateOperation } from './kit/operation-generator.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
const g = await startGraph(interfaceObjects.subgraphs);
let n = 0;
for (let i = 0; i < 150; i++) for (const seed of [20, i]) {
const ask = generateOperation(g.engines.supergraph.apiSchema, { seed, ids: interfaceObjects.ids, depthMax: 6 });
const op = g.engines.compile(ask.text); const v = await op.planFor('');
for (const k of ['native', 'apollo'] as const) {
  const r = await g.engines.engines[k].execute({ variant: v, variables: ask.variables, principal: ANONYMOUS, requestId: 'x', headers: {}, signal: new AbortController().signal, deadlineMs: Date.now() + 9000 });
  if (r.errors.length) { n++; if (n < 6) console.log(seed, k, JSON.stringify(r.errors).slice(0, 500)); }
}}
console.log('errors', n);
process.exit(0);
