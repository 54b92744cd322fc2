import { readTypeDefs } from '../kit/schema-source.ts';
import { type RunningSubgraph, type SubgraphPlacement, startSubgraph } from '../kit/subgraph-server.ts';
import { AccountsStore } from './accounts-store.ts';
import { createAccountsLoaders } from './loaders.ts';
import { createAccountsResolvers } from './resolvers.ts';

/** Starts the accounts subgraph on a fresh copy of its seed. */
export function startAccounts(placement: SubgraphPlacement): Promise<RunningSubgraph> {
  const store = new AccountsStore();
  return startSubgraph({
    ...placement,
    name: 'accounts',
    typeDefs: readTypeDefs(import.meta.url),
    resolvers: createAccountsResolvers(store),
    createLoaders: (principal) => createAccountsLoaders(store, principal),
  });
}
