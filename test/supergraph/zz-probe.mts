import { readFileSync } from 'node:fs';
import { composeServices } from '@apollo/composition';
import { parse, printSchema } from 'graphql';
import { readSupergraph } from '../../src/supergraph/read-supergraph.ts';

const r = composeServices(
  ['accounts', 'catalog', 'orders'].map((n) => ({
    name: n,
    url: 'http://' + n,
    typeDefs: parse(readFileSync(`subgraphs/${n}/schema.graphql`, 'utf8')),
  })),
);
if (r.errors) {
  console.log(r.errors.map((e) => e.message));
  process.exit(1);
}
console.log(r.hints.map(String));
try {
  const s = readSupergraph(r.supergraphSdl);
  console.log(s.policy, s.subgraphs, printSchema(s.apiSchema).length, s.strippedSdl.slice(0, 600));
} catch (e) {
  console.log(e);
}
