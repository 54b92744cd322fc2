import { pageSize, refuse, requireScope, requireTenant } from '../kit/access.ts';
import type { SubgraphPrincipal } from '../kit/assertion.ts';
import type { SubgraphResolvers } from '../kit/subgraph-server.ts';
import type { AccountsStore } from './accounts-store.ts';
import type { MembershipRole, User } from './data.ts';
import type { AccountsContext } from './loaders.ts';

const PAGE_SIZE_MAX = 100;
const DISPLAY_NAME_CHARACTERS_MAX = 80;

interface Membership {
  readonly user: User;
  readonly role: MembershipRole;
  readonly since: string;
}

interface UpdateDisplayNameInput {
  readonly userId?: string | null;
  readonly displayName: string;
}

/** Resolvers of the accounts subgraph; all of them see the caller's tenant only. */
export function createAccountsResolvers(store: AccountsStore): SubgraphResolvers {
  return {
    Query: {
      me: (_: unknown, __: unknown, { principal, loaders }: AccountsContext) =>
        principal.kind === 'user' ? loaders.user.load(principal.subject) : null,
      user: (_: unknown, { id }: { id: string }, { loaders }: AccountsContext) => loaders.user.load(id),
      users: (_: unknown, { first }: { first: number }, { principal }: AccountsContext) =>
        store.listUsers(requireTenant(principal), pageSize(first, PAGE_SIZE_MAX)),
      organization: (_: unknown, __: unknown, { principal, loaders }: AccountsContext) =>
        principal.tenant === null ? null : loaders.organization.load(principal.tenant),
    },
    Mutation: {
      updateDisplayName: (
        _: unknown,
        { input }: { input: UpdateDisplayNameInput },
        { principal }: AccountsContext,
      ) => updateDisplayName(store, principal, input),
    },
    User: {
      __resolveReference: ({ id }: { id: string }, { loaders }: AccountsContext) => loaders.user.load(id),
      organization: (user: User, _: unknown, { loaders }: AccountsContext) =>
        loaders.organization.load(user.organizationId),
      membership: (user: User): Membership => membershipOf(user),
    },
    Organization: {
      __resolveReference: ({ id }: { id: string }, { loaders }: AccountsContext) =>
        loaders.organization.load(id),
      members: async ({ id }: { id: string }, { first }: { first: number }) =>
        (await store.listUsers(id, pageSize(first, PAGE_SIZE_MAX))).map(membershipOf),
    },
    Membership: {
      organization: ({ user }: Membership, _: unknown, { loaders }: AccountsContext) =>
        loaders.organization.load(user.organizationId),
    },
  };
}

function membershipOf(user: User): Membership {
  return { user, role: user.role, since: user.since };
}

async function updateDisplayName(
  store: AccountsStore,
  principal: SubgraphPrincipal,
  input: UpdateDisplayNameInput,
): Promise<User> {
  const tenant = requireTenant(principal);
  const id = input.userId ?? principal.subject;
  if (principal.kind !== 'user' || id !== principal.subject) requireScope(principal, 'accounts:admin');
  const displayName = input.displayName.trim();
  if (displayName === '' || displayName.length > DISPLAY_NAME_CHARACTERS_MAX) {
    throw refuse('BAD_USER_INPUT', `A display name has 1 to ${DISPLAY_NAME_CHARACTERS_MAX} characters.`);
  }
  const renamed = await store.rename(tenant, id, displayName);
  if (renamed === null) throw refuse('NOT_FOUND', 'There is no such user.');
  return renamed;
}
