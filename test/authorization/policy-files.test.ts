import { checkParseEntities } from '@cedar-policy/cedar-wasm/nodejs';
import { describe, expect, it } from 'vitest';
import { createPolicyEngine } from '../../src/authorization/policy-engine.ts';
import { policySchema } from '../../src/authorization/policy-files.ts';
import { callerEntity, operationEntity } from '../../src/authorization/policy-request.ts';
import { GatewayError } from '../../src/errors.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';

const OPERATION = { hash: 'ab12', name: 'Prices', type: 'query' };

function principal(parts: Partial<Principal> = {}): Principal {
  return Object.freeze({
    ...ANONYMOUS,
    kind: 'user',
    subject: 'ada',
    issuer: 'https://idp.example',
    ...parts,
  } satisfies Principal);
}

function permits(condition: string): string {
  return `permit (principal, action == Portcullis::Action::"p", resource) when { ${condition} };`;
}

function refusal(files: Parameters<typeof createPolicyEngine>[0]): GatewayError {
  try {
    createPolicyEngine(files);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('the policies were accepted');
}

describe('policy files', () => {
  it('are refused with path, line and column of every fault of every file at once', () => {
    const error = refusal([
      { path: 'good.cedar', text: permits('true') },
      {
        path: 'a.cedar',
        text: '// é\npermit (principal action, resource);\n\npermit (principal, action resource);',
      },
      { path: 'b.cedar', text: permits('principal.nope == 1') },
    ]);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.details.map(({ message }) => message.split(': ')[0])).toEqual([
      'a.cedar:2:19',
      'a.cedar:4:27',
      'b.cedar:1:72',
    ]);
    expect(error.details[0]?.locations).toEqual([{ line: 2, column: 19 }]);
  });

  it.each<[string, string]>([
    ['an attribute nobody has', permits('principal.nope == "x"')],
    ['an optional attribute without asking for it', permits('principal.tenant == "acme"')],
    ['an attribute of another type', permits('principal.scopes == "a"')],
    ['a context attribute', permits('context.ip == "::1"')],
    ['an entity type outside the namespace', 'permit (principal in Tenant::"acme", action, resource);'],
    ['an action outside the namespace', 'permit (principal, action == Action::"p", resource);'],
    ['a template', 'forbid (principal == ?principal, action, resource);'],
    ['an unknown function', permits('now() > 1')],
    ['an unfinished policy', 'permit (principal, action, resource)'],
  ])('are refused for %s', (_, text) => {
    const error = refusal([{ path: 'x.cedar', text }]);
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.details).toHaveLength(1);
    expect(error.details[0]?.message).toMatch(/^x\.cedar/);
  });

  it('are refused for an unknown attribute even where no policy names an action', () => {
    const text = 'forbid (principal, action, resource) when { principal.nope == 1 };';
    expect(refusal([{ path: 'x.cedar', text }]).code).toBe('CONFIG_INVALID');
  });

  it('are refused where one path has two texts, and may be named twice with the same', () => {
    const text = permits('true');
    expect(
      refusal([
        { path: 'x.cedar', text },
        { path: 'x.cedar', text: permits('false') },
      ]).code,
    ).toBe('CONFIG_INVALID');
    const twice = createPolicyEngine([
      { path: 'x.cedar', text },
      { path: 'x.cedar', text },
    ]);
    expect(twice.allows('p', principal(), OPERATION)).toBe(true);
  });

  it('warn of a policy for a name that nothing asks for, and of one that cannot apply', () => {
    const text = `${permits('true')}\npermit (principal == Portcullis::Role::"admin", action, resource);`;
    const { warnings } = createPolicyEngine([{ path: 'rules.cedar', text }], new Set(['q']));
    expect(warnings).toContain('rules.cedar: no field asks for the policy "p"');
    expect(warnings.some((line) => line.startsWith('rules.cedar:2:1: policy is impossible'))).toBe(true);
  });
});

describe('the policy schema', () => {
  it('accepts what the engine says of callers and operations', () => {
    const full = principal({ tenant: 't', application: 'a', acr: 'x', amr: ['y'], roles: new Set(['r']) });
    const entities = [full, principal({ kind: 'service' }), principal({ kind: 'agent' }), ANONYMOUS].map(
      (caller) => {
        const entity = callerEntity(caller);
        if (entity === null) throw new Error('no entity');
        return entity;
      },
    );
    entities.push(operationEntity(OPERATION), operationEntity({ ...OPERATION, hash: 'cd', name: null }));
    expect(checkParseEntities({ entities, schema: policySchema(new Set(['p'])) })).toEqual({
      type: 'success',
    });
  });
});
