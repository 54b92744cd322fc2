import { describe, expect, it } from 'vitest';
import { actorOf } from '../../subgraphs/admin/admin-actor.ts';

type Caller = Parameters<typeof actorOf>[0];

const control = {
  tenants: {
    bySlug: async (_: unknown, slug: string) => (slug === 'acme' ? { id: 'ten_acme' } : null),
    roleOf: async () => 'owner',
  },
} as unknown as Parameters<typeof actorOf>[1]['control'];

function caller(tenant: string | null, scopes: readonly string[], kind: Caller['kind'] = 'user'): Caller {
  const proven = { acr: null, amr: [], authTime: null };
  return { subject: 'ada', tenant, scopes: new Set(scopes), kind, ...proven } as unknown as Caller;
}

const codeOf = (who: Caller, provider: string | null) =>
  actorOf(who, { control, provider }).then(
    ({ isPlatform, tenantId }) => (isPlatform ? 'staff' : tenantId),
    (fault: { extensions: { code: string } }) => fault.extensions.code,
  );

const ADMIN = ['portcullis:admin'];

describe('who calls the admin subgraph', () => {
  it.each([
    ['names no tenant and has a scope of staff', null, ADMIN, null, 'staff'],
    ['names no tenant, where a provider has the staff', null, ADMIN, 'storefront', 'FORBIDDEN'],
    ['is of the provider and has a scope of staff', 'storefront', ADMIN, 'storefront', 'staff'],
    [
      'is of the provider without such a scope',
      'storefront',
      ['portcullis:develop'],
      'storefront',
      'FORBIDDEN',
    ],
    ['is of another tenant and claims the scope', 'acme', ADMIN, 'storefront', 'ten_acme'],
    ['is of a tenant and claims the scope, without a provider', 'acme', ADMIN, null, 'ten_acme'],
    ['names no tenant and no scope of staff', null, [], null, 'FORBIDDEN'],
    ['is of a tenant that nobody knows', 'globex', ADMIN, 'storefront', 'FORBIDDEN'],
  ] as const)('is judged by tenant and scope: one who %s', async (_, tenant, scopes, provider, expected) => {
    expect(await codeOf(caller(tenant, scopes), provider)).toBe(expected);
  });

  it('is refused where nobody is identified, whatever is claimed', async () => {
    expect(await codeOf(caller(null, ADMIN, 'anonymous'), null)).toBe('FORBIDDEN');
  });
});
