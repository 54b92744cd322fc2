import { describe, expect, it } from 'vitest';
import { compose, refusalOf } from '../operation/graph-kit.ts';

const field = (rule: string) =>
  compose(`type Query { a: String ${rule} }`).policy.fields.get('Query.a')?.stepUps;

describe('@stepUp', () => {
  it.each([
    ['(acr: ["b", "a", "b"])', { acr: ['a', 'b'], amr: [], maxAgeSeconds: null }],
    ['(acr: "a")', { acr: ['a'], amr: [], maxAgeSeconds: null }],
    ['(amr: ["otp", "mfa"])', { acr: null, amr: ['mfa', 'otp'], maxAgeSeconds: null }],
    ['(maxAgeSeconds: 1)', { acr: null, amr: [], maxAgeSeconds: 1 }],
  ])('is read: %s', (rule, expected) => {
    expect(field(`@stepUp${rule}`)).toEqual([expected]);
  });

  it.each([
    ['nothing at all', ''],
    ['an empty list', '(acr: [])'],
    ['no age', '(maxAgeSeconds: 0)'],
    ['a negative age', '(maxAgeSeconds: -1)'],
    ['an empty name', '(amr: [""])'],
    ['a name with a quotation mark, which would leave its place in a header', '(acr: ["a\\" x=\\"b"])'],
    ['a name with a line break', '(acr: ["a\\r\\nb"])'],
    ['null', '(acr: null)'],
  ])('is refused where it asks for %s', (_, rule) => {
    expect(refusalOf(() => field(`@stepUp${rule}`)).code).toBe('SUPERGRAPH_INVALID');
  });

  it('of an interface field holds on every object, beside what is written there', () => {
    const { fields } = compose(`
      type Query { i: I }
      interface I { x: String @stepUp(amr: ["mfa"]) }
      type A implements I { x: String @stepUp(maxAgeSeconds: 60) }
      type B implements I { x: String }
    `).policy;
    expect(fields.get('A.x')?.stepUps).toHaveLength(2);
    expect(fields.get('B.x')?.stepUps).toEqual([{ acr: null, amr: ['mfa'], maxAgeSeconds: null }]);
  });

  it('of an interface field adds nothing of what composition derived for it', () => {
    const { fields } = compose(`
      type Query { i: I }
      interface I { x: String @stepUp(amr: ["mfa"]) }
      type A implements I { x: String @requiresScopes(scopes: [["a"]]) }
      type B implements I { x: String @requiresScopes(scopes: [["b"]]) }
    `).policy;
    expect(fields.get('A.x')).toMatchObject({ scopes: [['a']], stepUps: [{ amr: ['mfa'] }] });
    expect(fields.get('B.x')).toMatchObject({ scopes: [['b']], stepUps: [{ amr: ['mfa'] }] });
  });

  it('stands beside the rules of federation', () => {
    const { fields } = compose(
      'type Query { a: String @authenticated @requiresScopes(scopes: [["s"]]) @stepUp(amr: ["mfa"]) }',
    ).policy;
    expect(fields.get('Query.a')).toMatchObject({
      authenticated: true,
      scopes: [['s']],
      stepUps: [{ amr: ['mfa'] }],
    });
  });
});
