import type { GraphQLSchema } from 'graphql';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { AccountsStore } from '../../../subgraphs/accounts/accounts-store.ts';
import { createAccountsLoaders } from '../../../subgraphs/accounts/loaders.ts';
import { createAccountsResolvers } from '../../../subgraphs/accounts/resolvers.ts';
import { codes, ENTITIES, plain, principal, run, subgraphSchema } from '../support.ts';

let store: AccountsStore;
let schema: GraphQLSchema;

beforeEach(() => {
  store = new AccountsStore();
  schema = subgraphSchema('accounts', createAccountsResolvers(store));
});

function contextOf(parts: Parameters<typeof principal>[0] = {}) {
  const caller = principal(parts);
  return { principal: caller, loaders: createAccountsLoaders(store, caller) };
}

const RENAME =
  'mutation ($input: UpdateDisplayNameInput!) { updateDisplayName(input: $input) { id displayName } }';
const rename = (input: unknown, parts: Parameters<typeof principal>[0] = {}) =>
  run(RENAME, { schema, context: contextOf(parts), variables: { input } });

describe('accounts', () => {
  it('answers the caller with their own account', async () => {
    const { data } = await run('{ me { id email organization { name } membership { role } } }', {
      schema,
      context: contextOf(),
    });
    expect(plain(data)).toEqual({
      me: {
        id: 'acme-ada',
        email: 'ada@acme.example',
        organization: { name: 'Acme Corporation' },
        membership: { role: 'OWNER' },
      },
    });
  });

  it.each(['service', 'agent', 'anonymous'] as const)(
    'has no account for a caller of kind %s',
    async (kind) => {
      const { data } = await run('{ me { id } }', { schema, context: contextOf({ kind }) });
      expect(plain(data)).toEqual({ me: null });
    },
  );

  it('has no account for a subject of another tenant than the assertion says', async () => {
    const { data } = await run('{ me { id } }', { schema, context: contextOf({ tenant: 'globex' }) });
    expect(plain(data)).toEqual({ me: null });
  });

  it('answers a user of another tenant like one that does not exist', async () => {
    const { data, errors } = await run(
      '{ foreign: user(id: "globex-tony") { id } none: user(id: "x") { id } }',
      {
        schema,
        context: contextOf(),
      },
    );
    expect([plain(data), errors]).toEqual([{ foreign: null, none: null }, undefined]);
  });

  it('lists users of the own tenant only', async () => {
    const { data } = await run('{ users(first: 100) { id } }', { schema, context: contextOf() });
    const ids = (plain(data) as { users: { id: string }[] }).users.map(({ id }) => id);
    expect(ids).toHaveLength(6);
    expect(ids.every((id) => id.startsWith('acme-'))).toBe(true);
  });

  it('refuses to list users for a caller without a tenant', async () => {
    const result = await run('{ users { id } }', { schema, context: contextOf({ tenant: null }) });
    expect(codes(result)).toEqual(['FORBIDDEN']);
  });

  it.each([
    [0, ['BAD_USER_INPUT']],
    [1, []],
    [100, []],
    [101, ['BAD_USER_INPUT']],
  ])('answers a page of %i users with the codes %j', async (first, expected) => {
    const result = await run(`{ users(first: ${first}) { id } }`, { schema, context: contextOf() });
    expect(codes(result)).toEqual(expected);
  });

  it('resolves all entities of a request with one load', async () => {
    const load = vi.spyOn(store, 'usersById');
    const representations = ['acme-ada', 'globex-tony', 'acme-john', 'acme-ada'].map((id) => ({
      __typename: 'User',
      id,
    }));
    const { data } = await run(`${ENTITIES} { ... on User { displayName } } }`, {
      schema,
      context: contextOf(),
      variables: { representations },
    });
    expect(plain(data)).toEqual({
      _entities: [
        { displayName: 'Ada Byron' },
        null,
        { displayName: 'John Backus' },
        { displayName: 'Ada Byron' },
      ],
    });
    expect(load.mock.calls).toEqual([['acme', ['acme-ada', 'globex-tony', 'acme-john']]]);
  });

  it('resolves no organization but the own one', async () => {
    const representations = ['acme', 'globex'].map((id) => ({ __typename: 'Organization', id }));
    const { data } = await run(`${ENTITIES} { ... on Organization { billingEmail } } }`, {
      schema,
      context: contextOf(),
      variables: { representations },
    });
    expect(plain(data)).toEqual({ _entities: [{ billingEmail: 'billing@acme.example' }, null] });
  });

  it('resolves nothing for a caller without a tenant', async () => {
    const representations = [{ __typename: 'User', id: 'acme-ada' }];
    const { data } = await run(`${ENTITIES} { ... on User { email } } }`, {
      schema,
      context: contextOf({ tenant: null }),
      variables: { representations },
    });
    expect(plain(data)).toEqual({ _entities: [null] });
  });
});

describe('updateDisplayName', () => {
  it('changes the name of the caller', async () => {
    const { data } = await rename({ displayName: ' Countess Ada ' });
    expect(plain(data)).toEqual({ updateDisplayName: { id: 'acme-ada', displayName: 'Countess Ada' } });
    const after = await run('{ me { displayName } }', { schema, context: contextOf() });
    expect(plain(after.data)).toEqual({ me: { displayName: 'Countess Ada' } });
  });

  it('refuses the name of somebody else without the scope for it', async () => {
    expect(codes(await rename({ userId: 'acme-john', displayName: 'J' }))).toEqual(['FORBIDDEN']);
  });

  it('changes the name of somebody else for an administrator', async () => {
    const result = await rename(
      { userId: 'acme-john', displayName: 'J' },
      { scopes: new Set(['accounts:admin']) },
    );
    expect(plain(result.data)).toEqual({ updateDisplayName: { id: 'acme-john', displayName: 'J' } });
  });

  it('refuses an administrator the users of another tenant', async () => {
    const scopes = new Set(['accounts:admin']);
    expect(codes(await rename({ userId: 'globex-tony', displayName: 'T' }, { scopes }))).toEqual([
      'NOT_FOUND',
    ]);
    expect((await store.usersById('globex', ['globex-tony'])).get('globex-tony')?.displayName).toBe(
      'Tony Hoare',
    );
  });

  it.each([
    ['a caller without a tenant', { tenant: null }],
    ['a service whose subject is the id of a user', { kind: 'service' as const }],
  ])('refuses %s', async (_, parts) => {
    expect(codes(await rename({ displayName: 'X' }, parts))).toEqual(['FORBIDDEN']);
  });

  it.each([
    ['', ['BAD_USER_INPUT']],
    ['   ', ['BAD_USER_INPUT']],
    ['a'.repeat(80), []],
    ['a'.repeat(81), ['BAD_USER_INPUT']],
  ])('answers the name "%s" with the codes %j', async (displayName, expected) => {
    expect(codes(await rename({ displayName }))).toEqual(expected);
  });
});
