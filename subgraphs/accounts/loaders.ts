import type { SubgraphPrincipal } from '../kit/assertion.ts';
import { batchLoader } from '../kit/batch-loader.ts';
import type { SubgraphContext } from '../kit/subgraph-server.ts';
import type { AccountsStore } from './accounts-store.ts';
import type { Organization, User } from './data.ts';

export interface AccountsLoaders {
  readonly user: ReturnType<typeof batchLoader<User>>;
  readonly organization: ReturnType<typeof batchLoader<Organization>>;
}

export type AccountsContext = SubgraphContext<AccountsLoaders>;

/** Loaders of one request; a caller without a tenant finds nothing. */
export function createAccountsLoaders(store: AccountsStore, { tenant }: SubgraphPrincipal): AccountsLoaders {
  return {
    user: batchLoader(async (ids) => (tenant === null ? new Map() : store.usersById(tenant, ids))),
    organization: batchLoader(async (ids) =>
      tenant === null ? new Map() : store.organizationsById(tenant, ids),
    ),
  };
}
