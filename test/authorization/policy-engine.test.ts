import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { createPolicyEngine, type PolicyFault } from '../../src/authorization/policy-engine.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';

const OPERATION = { hash: 'ab12', name: 'Prices', type: 'query' };
const PRICING = readFileSync(new URL('../../demo/policies/pricing.cedar', import.meta.url), 'utf8');

function principal(parts: Partial<Principal> = {}): Principal {
  return Object.freeze({
    ...ANONYMOUS,
    kind: 'user',
    subject: 'ada',
    issuer: 'https://idp.example',
    ...parts,
  } satisfies Principal);
}

function engine(
  text: string,
  names: ReadonlySet<string> | null = null,
  onFault?: (fault: PolicyFault) => void,
) {
  return createPolicyEngine([{ path: 'rules.cedar', text }], names, onFault);
}

function permits(condition: string): string {
  return `permit (principal, action == Portcullis::Action::"p", resource) when { ${condition} };`;
}

describe('the example pricing policy', () => {
  const pricing = createPolicyEngine(
    [{ path: 'pricing.cedar', text: PRICING }],
    new Set(['internal_pricing']),
  );
  const admin = new Set(['admin']);
  const reader = new Set(['pricing:read']);

  it.each<[string, Principal, boolean]>([
    ['an administrator', principal({ roles: admin }), true],
    ['a reader', principal({ scopes: reader }), true],
    ['a service with the scope', principal({ kind: 'service', scopes: reader }), true],
    ['an agent with the scope', principal({ kind: 'agent', scopes: reader }), true],
    ['a user with neither', principal(), false],
    [
      'a user with a similar scope',
      principal({ scopes: new Set(['pricing:read:x', 'Pricing:Read']) }),
      false,
    ],
    ['a user whose scope is named like the role', principal({ scopes: admin }), false],
    ['an anonymous caller', ANONYMOUS, false],
    ['an anonymous caller that carries the scope', { ...ANONYMOUS, scopes: reader }, false],
    ['an anonymous caller that carries the role', { ...ANONYMOUS, roles: admin }, false],
  ])('answers %s', (_, caller, allowed) => {
    expect(pricing.allows('internal_pricing', caller, OPERATION)).toBe(allowed);
  });

  it('loads without a warning', () => {
    expect(pricing.warnings).toEqual([]);
  });
});

describe('allows', () => {
  it('denies every name where there is no policy file', () => {
    const empty = createPolicyEngine([]);
    expect(empty.allows('internal_pricing', principal({ roles: new Set(['admin']) }), OPERATION)).toBe(false);
  });

  it('denies every name where the files hold only comments', () => {
    expect(engine('// nothing yet\n').allows('p', principal(), OPERATION)).toBe(false);
  });

  it('denies a name that no policy permits', () => {
    expect(engine(permits('true')).allows('q', principal(), OPERATION)).toBe(false);
  });

  it('denies a name the supergraph does not use even where a policy permits every action', () => {
    const open = engine('permit (principal, action, resource);', new Set(['p']));
    expect(open.allows('p', principal(), OPERATION)).toBe(true);
    expect(open.allows('q', principal(), OPERATION)).toBe(false);
  });

  it('denies where one file permits and another forbids', () => {
    const both = createPolicyEngine([
      { path: 'a.cedar', text: permits('true') },
      { path: 'b.cedar', text: 'forbid (principal, action, resource) when { principal.kind == "agent" };' },
    ]);
    expect(both.allows('p', principal(), OPERATION)).toBe(true);
    expect(both.allows('p', principal({ kind: 'agent' }), OPERATION)).toBe(false);
  });

  it('keeps every policy of a file that holds more than ten', () => {
    const text = `${Array.from({ length: 12 }, () => permits('true')).join('\n')}\nforbid (principal, action, resource);`;
    expect(engine(text).allows('p', principal(), OPERATION)).toBe(false);
  });

  it.each<[string, string, boolean]>([
    ['tenant as a parent', 'principal in Portcullis::Tenant::"acme"', true],
    ['a foreign tenant', 'principal in Portcullis::Tenant::"globex"', false],
    ['role as a parent', 'principal in Portcullis::Role::"buyer"', true],
    ['a role named like the tenant', 'principal in Portcullis::Role::"acme"', false],
    ['tenant', 'principal has tenant && principal.tenant == "acme"', true],
    ['application', 'principal has application && principal.application == "shop"', true],
    ['issuer', 'principal has issuer && principal.issuer == "https://idp.example"', true],
    ['acr', 'principal has acr && principal.acr == "gold"', true],
    ['amr', 'principal.amr.containsAll(["pwd", "otp"])', true],
    ['scopes', 'principal.scopes.contains("a:read")', true],
    ['roles', 'principal.roles.contains("buyer")', true],
    ['kind', 'principal.kind == "user" && principal.authenticated', true],
    ['identity', 'principal == Portcullis::User::"https://idp.example|ada"', true],
    [
      'the same subject of another kind',
      'principal == Portcullis::Service::"https://idp.example|ada"',
      false,
    ],
    ['operation name', 'resource has name && resource.name == "Prices"', true],
    ['operation type', 'resource.type == "mutation"', false],
    ['operation hash', 'resource == Portcullis::Operation::"ab12"', true],
  ])('decides by %s', (_, condition, allowed) => {
    const caller = principal({
      tenant: 'acme',
      application: 'shop',
      acr: 'gold',
      amr: ['pwd', 'otp'],
      scopes: new Set(['a:read']),
      roles: new Set(['buyer']),
    });
    expect(engine(permits(condition)).allows('p', caller, OPERATION)).toBe(allowed);
  });

  it('gives no attribute where the credential does not say', () => {
    const condition =
      'principal has tenant || principal has application || principal has acr || resource has name';
    const open = engine(permits(condition));
    expect(open.allows('p', principal(), { ...OPERATION, name: null })).toBe(false);
    expect(open.allows('p', principal({ acr: '' }), { ...OPERATION, name: null })).toBe(true);
  });

  it('denies and tells where a forbid errs, though another policy permits', () => {
    const overflow = 'forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };';
    const onFault = vi.fn();
    const failing = engine(`${permits('true')}\n${overflow}`, null, onFault);
    expect(failing.allows('p', principal(), OPERATION)).toBe(false);
    expect(onFault).toHaveBeenCalledExactlyOnceWith({ name: 'p', policies: ['rules.cedar#1'] });
  });

  it('denies where a permit errs, though another policy permits', () => {
    expect(
      engine(permits('true') + permits('9223372036854775807 + 1 == 0')).allows('p', principal(), OPERATION),
    ).toBe(false);
  });
});

describe('hostile identities', () => {
  const only = engine('permit (principal == Portcullis::User::"https://idp.example|ada", action, resource);');

  it.each([
    'ada"',
    'ada", action, resource); permit(principal, action, resource); //',
    'ada\\',
    'ada\n',
    'ada\u0000',
    '::"',
    'Portcullis::User::"https://idp.example|ada"',
    'аda',
    'ada\u0301',
    '{"__entity":{"type":"Portcullis::User","id":"https://idp.example|ada"}}',
    '',
  ])('denies the subject %j', (subject) => {
    expect(only.allows('p', principal({ subject }), OPERATION)).toBe(false);
  });

  it('matches a subject with quotes and line feeds only by exactly that id', () => {
    const quoted = engine('permit (principal == Portcullis::User::"i|a\\"b\\n::c", action, resource);');
    expect(quoted.allows('p', principal({ issuer: 'i', subject: 'a"b\n::c' }), OPERATION)).toBe(true);
    expect(quoted.allows('p', principal({ issuer: 'i', subject: 'a"b::c' }), OPERATION)).toBe(false);
  });

  it('does not take a hostile tenant or role for a parent it is not', () => {
    const member = engine('permit (principal in Portcullis::Tenant::"acme", action, resource);');
    const tenant = 'x", Portcullis::Tenant::"acme';
    expect(member.allows('p', principal({ tenant, roles: new Set(['acme', tenant]) }), OPERATION)).toBe(
      false,
    );
  });

  it('denies an issuer that could move the border between issuer and subject', () => {
    const onFault = vi.fn();
    const open = engine('permit (principal, action, resource);', null, onFault);
    expect(open.allows('p', principal({ issuer: 'a|b', subject: 'c' }), OPERATION)).toBe(false);
    expect(open.allows('p', principal({ issuer: 'a', subject: 'b|c' }), OPERATION)).toBe(true);
    expect(onFault).toHaveBeenCalledExactlyOnceWith({ name: 'p', policies: [] });
  });

  it.each<[string, Partial<Principal>]>([
    ['subject', { subject: 'a\ud800' }],
    ['tenant', { tenant: '\udc00' }],
    ['role', { roles: new Set(['\ud800']) }],
    ['scope', { scopes: new Set(['\ud800']) }],
    ['acr', { acr: '\ud800' }],
    ['amr', { amr: ['\ud800'] }],
  ])('denies a %s that is not Unicode text', (_, parts) => {
    const open = engine('permit (principal, action, resource);');
    expect(open.allows('p', principal(parts), OPERATION)).toBe(false);
  });

  it.each(['p"', '__proto__', 'constructor', 'p\u0000', '\ud800'])('denies the unknown name %j', (name) => {
    expect(engine(permits('true')).allows(name, principal(), OPERATION)).toBe(false);
  });

  it('tells apart policies whose names look like properties of objects', () => {
    const text = 'permit (principal, action == Portcullis::Action::"__proto__", resource);';
    const odd = engine(text, new Set(['__proto__', 'constructor']));
    expect(odd.allows('__proto__', principal(), OPERATION)).toBe(true);
    expect(odd.allows('constructor', principal(), OPERATION)).toBe(false);
  });
});

describe('remembered answers', () => {
  it('never pass from one principal to another with equal contents but one scope', () => {
    const scoped = engine(permits('principal.scopes.contains("x")'));
    const without = principal();
    const having = principal({ scopes: new Set(['x']) });
    for (let round = 0; round < 3; round += 1) {
      expect(scoped.allows('p', having, OPERATION)).toBe(true);
      expect(scoped.allows('p', without, OPERATION)).toBe(false);
    }
  });

  it('never pass from one name, operation, operation name or type to another', () => {
    const text = `${permits('resource has name && resource.name == "Prices" && resource.type == "query"')}
      forbid (principal, action, resource == Portcullis::Operation::"other");`;
    const strict = engine(text);
    const caller = principal();
    expect(strict.allows('p', caller, OPERATION)).toBe(true);
    expect(strict.allows('q', caller, OPERATION)).toBe(false);
    expect(strict.allows('p', caller, { ...OPERATION, hash: 'other' })).toBe(false);
    expect(strict.allows('p', caller, { ...OPERATION, name: 'Other' })).toBe(false);
    expect(strict.allows('p', caller, { ...OPERATION, name: null })).toBe(false);
    expect(strict.allows('p', caller, { ...OPERATION, type: 'mutation' })).toBe(false);
    expect(strict.allows('p', caller, OPERATION)).toBe(true);
  });

  it('never pass from one engine to another', () => {
    const caller = principal();
    const open = engine(permits('true'));
    const closed = engine(permits('false'));
    expect(open.allows('p', caller, OPERATION)).toBe(true);
    expect(closed.allows('p', caller, OPERATION)).toBe(false);
  });

  it('are kept for 1,000 questions of a principal and then forget the oldest', () => {
    const onFault = vi.fn();
    const failing = engine(permits('9223372036854775807 + 1 == 0'), null, onFault);
    const caller = principal();
    const askAbout = (hash: number) => failing.allows('p', caller, { ...OPERATION, hash: String(hash) });
    for (let hash = 0; hash < 1_000; hash += 1) askAbout(hash);
    askAbout(0);
    expect(onFault).toHaveBeenCalledTimes(1_000);
    askAbout(1_000);
    askAbout(0);
    expect(onFault).toHaveBeenCalledTimes(1_002);
  });
});
