import { describe, expect, it } from 'vitest';
import { composeAll, policyOf, refusalOf, withTenantRules } from './graphs.ts';

const TENANT = '@fromPrincipal(claim: TENANT)';

describe('composition with rules of tenants', () => {
  it('is refused where it drops an argument that is to be filled', () => {
    const { code, lines } = refusalOf(() =>
      composeAll({
        a: withTenantRules(`type Query { t(x: ID ${TENANT}): Int @shareable }`),
        b: withTenantRules('type Query { t: Int @shareable }'),
      }),
    );
    expect(code).toBe('COMPOSITION_FAILED');
    expect(lines).toEqual([expect.stringMatching(/^RULE_DROPPED \[a\] Query\.t\(x:\) @fromPrincipal: /)]);
  });

  it('is refused where it drops an input field that is to be filled', () => {
    const { lines } = refusalOf(() =>
      composeAll({
        a: withTenantRules(`type Query { a(in: In): Int } input In { t: ID ${TENANT} n: Int }`),
        b: withTenantRules('type Query { b(in: In): Int } input In { n: Int }'),
      }),
    );
    expect(lines).toEqual([expect.stringMatching(/^RULE_DROPPED \[a\] In\.t /)]);
  });

  it('keeps what a subgraph fills on a root type of another name', () => {
    const renamed = withTenantRules(`schema { query: Roots } type Roots { t(x: ID ${TENANT}): Int }`);
    const sdl = renamed
      .replace('extend schema', 'schema')
      .replace('schema { query: Roots }', '')
      .replace(
        '@composeDirective(name: "@tenantScoped")',
        '@composeDirective(name: "@tenantScoped") { query: Roots }',
      );
    expect([...policyOf(composeAll({ a: sdl })).hidden.keys()]).toEqual(['Query.t(x:)']);
  });

  it.each([
    ['@fromPrincipal', `type Query { t(x: ID ${TENANT}): Int }`, ['tenantScoped']],
    ['@tenantScoped', 'type Query { t: T } type T @tenantScoped { tenantId: ID }', ['fromPrincipal']],
  ])('is refused where a subgraph does not compose %s', (name, types, composed) => {
    const { lines } = refusalOf(() => composeAll({ a: withTenantRules(types, composed) }));
    expect(lines).toEqual([expect.stringContaining(`add @composeDirective(name: "${name}")`)]);
  });
});
