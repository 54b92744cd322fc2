import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayError } from '../../src/errors.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { ECHOING } from './graphs/principal-inputs.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import type { Ask, EngineName } from './kit/two-engines.ts';

const ENGINES: readonly EngineName[] = ['native', 'apollo'];
const ADA: Principal = { ...ANONYMOUS, kind: 'user', subject: 'ada', tenant: 'acme', application: 'shop' };
const LINE = { tenant: 'acme', sku: 'a' };

let running: RunningGraph;

beforeAll(async () => {
  running = await startGraph(ECHOING);
});

afterAll(() => running.close());

/** What the subgraphs got, by response path. */
async function got(engine: EngineName, ask: Ask): Promise<unknown> {
  const { body } = await running.engines.response(engine, { principal: ADA, ...ask });
  expect(body.errors).toBeUndefined();
  return JSON.parse(JSON.stringify(body.data), (_, value) =>
    typeof value === 'string' && value.startsWith('{') ? JSON.parse(value) : value,
  );
}

async function codeOf(ask: Ask): Promise<string> {
  const fault: unknown = await running.engines.response('native', { principal: ADA, ...ask }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (fault instanceof GatewayError) return fault.code;
  throw new Error('nothing was refused');
}

const FILLED: readonly (readonly [title: string, ask: Ask, got: unknown])[] = [
  ['an argument', { text: '{ plain(n: 1) }' }, { plain: { tenant: 'acme', n: 1 } }],
  [
    'an argument beside one from a variable',
    { text: 'query ($n: Int) { plain(n: $n) }', variables: { n: 2 } },
    { plain: { tenant: 'acme', n: 2 } },
  ],
  ['every claim, for either type', { text: '{ all }' }, { all: { t: 'acme', s: 'ada', a: 'shop' } }],
  ['an argument that has a default', { text: '{ byDefault }' }, { byDefault: { tenant: 'acme' } }],
  [
    'the same argument of two aliases',
    { text: '{ a: plain b: plain(n: 1) }' },
    { a: { tenant: 'acme' }, b: { tenant: 'acme', n: 1 } },
  ],
  [
    'a field of an object literal',
    { text: '{ save(input: { name: "x" }) }' },
    { save: { input: { by: 'ada', name: 'x' } } },
  ],
  [
    'fields of nested literals',
    {
      text: '{ save(input: { line: { sku: "a", next: { save: {} } }, lines: [{ sku: "a" }, {}] }) }',
    },
    {
      save: {
        input: {
          by: 'ada',
          line: { ...LINE, next: { tenant: 'acme', save: { by: 'ada' } } },
          lines: [LINE, { tenant: 'acme' }],
        },
      },
    },
  ],
  [
    'a literal that stands for a list of one',
    { text: '{ save(input: { lines: { sku: "a" } }) saveAll(inputs: { name: "x" }) }' },
    { save: { input: { by: 'ada', lines: [LINE] } }, saveAll: { inputs: [[{ by: 'ada', name: 'x' }]] } },
  ],
  [
    'fields of a variable',
    {
      text: 'query ($i: Save!) { save(input: $i) }',
      variables: { i: { name: 'x', line: { sku: 'a' }, lines: [{ sku: 'a' }], kind: 'ONE' } },
    },
    { save: { input: { by: 'ada', name: 'x', line: LINE, lines: [LINE], kind: 'ONE' } } },
  ],
  [
    'fields of a variable that holds lists of lists',
    {
      text: 'query ($i: [[Save!]]) { saveAll(inputs: $i) }',
      variables: { i: [[{}, { name: 'x' }], null, []] },
    },
    { saveAll: { inputs: [[{ by: 'ada' }, { by: 'ada', name: 'x' }], null, []] } },
  ],
  [
    'fields of a variable inside a literal',
    {
      text: 'query ($l: Line, $ls: [Line!]) { save(input: { line: $l, lines: $ls }) }',
      variables: { l: { sku: 'a' }, ls: [{ sku: 'a' }] },
    },
    { save: { input: { by: 'ada', line: LINE, lines: [LINE] } } },
  ],
  [
    'fields of a variable’s default',
    { text: 'query ($i: Save! = { name: "d", lines: [{ sku: "a" }] }) { save(input: $i) }' },
    { save: { input: { by: 'ada', name: 'd', lines: [LINE] } } },
  ],
  [
    'fields of a default where a value must be',
    { text: 'query ($i: Save = { name: "d" }) { save(input: $i) }' },
    { save: { input: { by: 'ada', name: 'd' } } },
  ],
  [
    'nothing where a variable is null',
    {
      text: 'query ($l: Line, $ls: [Line!]) { save(input: { line: $l, lines: $ls }) }',
      variables: { l: null },
    },
    { save: { input: { by: 'ada', line: null } } },
  ],
  [
    'arguments of an interface field',
    { text: '{ things { mine(n: 1) } thing { mine } }' },
    {
      things: [{ mine: { tenant: 'acme', n: 1 } }, { mine: { tenant: 'acme', n: 1 } }],
      thing: { mine: { tenant: 'acme' } },
    },
  ],
  [
    'arguments behind fragments',
    {
      text: '{ things { ... on Box { mine } ...f } } fragment f on Crate { m: mine(n: 3) }',
    },
    { things: [{ mine: { tenant: 'acme' } }, { m: { tenant: 'acme', n: 3 } }] },
  ],
  [
    'arguments of an entity field in another subgraph',
    { text: '{ box { theirs(save: { name: "x" }) } }' },
    { box: { theirs: { owner: 'acme', save: { by: 'ada', name: 'x' } } } },
  ],
  [
    'arguments of an interface object',
    { text: '{ things { seen } box { seen } }' },
    { things: [{ seen: { by: 'ada' } }, { seen: { by: 'ada' } }], box: { seen: { by: 'ada' } } },
  ],
  [
    'the input of a mutation',
    { text: 'mutation ($i: Save!) { save(input: $i) }', variables: { i: { name: 'x' } } },
    { save: { input: { by: 'ada', name: 'x' } } },
  ],
];

describe.each(ENGINES)('behind the %s engine, what is filled from the principal', (engine) => {
  it.each(FILLED)('is %s', async (_, ask, expected) => {
    expect(await got(engine, ask)).toEqual(expected);
  });

  it('is another caller’s own in the same operation', async () => {
    const ask: Ask = {
      text: 'query ($i: Save! = { name: "d" }) { plain save(input: $i) }',
      principal: { ...ADA, subject: 'bob', tenant: 'globex' },
    };
    const own = { plain: { tenant: 'acme' }, save: { input: { by: 'ada', name: 'd' } } };
    const other = { plain: { tenant: 'globex' }, save: { input: { by: 'bob', name: 'd' } } };
    expect(await got(engine, { text: ask.text })).toEqual(own);
    expect(await got(engine, ask)).toEqual(other);
    expect(await got(engine, { text: ask.text })).toEqual(own);
  });

  it('does not change what the client sent', async () => {
    const variables = { i: { lines: [{ sku: 'a' }] } };
    await got(engine, { text: 'query ($i: Save!) { save(input: $i) }', variables });
    expect(variables).toEqual({ i: { lines: [{ sku: 'a' }] } });
  });

  it('is not asked for by what the caller may not run', async () => {
    const { body } = await running.engines.response(engine, {
      text: '{ open secret }',
      principal: ANONYMOUS,
      without: ['secret'],
    });
    expect(body.data).toEqual({ open: 'open', secret: null });
  });

  it('shows in no introspection', async () => {
    const { body } = await running.engines.response(engine, {
      text: getIntrospectionQuery(),
      principal: ADA,
    });
    const text = JSON.stringify(body.data);
    expect(text).toContain('"plain"');
    expect(text).not.toMatch(/"(?:tenant|by|owner|byTenant)"|PrincipalClaim|__principal|"@?given"/);
  });

  it('leaves introspection beside it as it is', async () => {
    const ask: Ask = {
      text: 'query ($i: Save!, $yes: Boolean!) { save(input: $i) ... on Query { s: __schema @include(if: $yes) { queryType { name } } } __type(name: "Line") { inputFields { name } } }',
      variables: { i: { name: 'x' }, yes: true },
    };
    expect(await got(engine, ask)).toEqual({
      save: { input: { by: 'ada', name: 'x' } },
      s: { queryType: { name: 'Query' } },
      __type: { inputFields: ['sku', 'next', 'save'].map((name) => ({ name })) },
    });
  });
});

describe('a client that sends what is filled from the principal', () => {
  it.each([
    ['a literal', { text: '{ plain(tenant: "globex") }' }],
    ['null', { text: '{ plain(tenant: null) }' }],
    ['a variable', { text: 'query ($t: ID!) { plain(tenant: $t) }', variables: { t: 'globex' } }],
    ['a variable’s default', { text: 'query ($t: ID! = "globex") { plain(tenant: $t) }' }],
    ['a field of a literal', { text: '{ save(input: { by: "eve" }) }' }],
    ['a field of a nested literal', { text: '{ save(input: { lines: [{ tenant: "globex" }] }) }' }],
    [
      'a variable in a field of a literal',
      { text: 'query ($t: ID!) { save(input: { by: $t }) }', variables: { t: 'eve' } },
    ],
    ['a default of an input object', { text: 'query ($i: Save! = { by: "eve" }) { save(input: $i) }' }],
    ['an argument through an interface', { text: '{ things { mine(tenant: "globex") } }' }],
    ['an argument of an entity', { text: '{ box { theirs(owner: "globex") } }' }],
    [
      'the variable that carries it',
      {
        text: 'query ($__principal_TENANT_ID: ID!) { plain(n: 1) }',
        variables: { __principal_TENANT_ID: 'globex' },
      },
    ],
    [
      'a use of the variable that carries it',
      {
        text: '{ plain typed(kind: $__principal_TENANT_ID) }',
        variables: { __principal_TENANT_ID: 'globex' },
      },
    ],
    [
      'a variable named alike',
      { text: 'query ($__principal_x: Int) { plain(n: $__principal_x) }', variables: {} },
    ],
  ])('is refused for %s', async (_, ask) => {
    expect(await codeOf(ask)).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it.each([
    ['a field of a variable', { i: { by: 'eve' } }],
    ['a field deep in a variable', { i: { line: { next: { tenant: 'globex' } } } }],
    ['a field in a list of a variable', { i: { lines: [{ sku: 'a' }, { tenant: 'globex' }] } }],
  ])('is refused for %s', async (_, variables) => {
    expect(await codeOf({ text: 'query ($i: Save!) { save(input: $i) }', variables })).toBe('BAD_USER_INPUT');
  });

  it.each(ENGINES)('is not heard by the %s engine where it only sends the value', async (engine) => {
    const variables = { __principal_TENANT_ID: 'globex', __proto__: { __principal_TENANT_ID: 'globex' } };
    expect(await got(engine, { text: '{ plain }', variables })).toEqual({ plain: { tenant: 'acme' } });
  });
});

describe('a caller of whom the claim is not known', () => {
  const text = '{ open all }';

  it.each([
    ['an argument', { text }],
    ['a field of a literal', { text: '{ save(input: {}) }' }],
    ['a field of a variable', { text: 'query ($i: Save!) { save(input: $i) }', variables: { i: {} } }],
  ])('is refused as anonymous for %s', async (_, ask) => {
    expect(await codeOf({ ...ask, principal: ANONYMOUS })).toBe('UNAUTHENTICATED');
  });

  it.each([
    ['tenant', { tenant: null }],
    ['tenant but an empty one', { tenant: '' }],
    ['application', { application: null }],
  ])('is refused without %s', async (_, lack) => {
    expect(await codeOf({ text, principal: { ...ADA, ...lack } })).toBe('PRINCIPAL_CLAIM_MISSING');
  });

  it('may ask for what does not depend on it', async () => {
    const principal = { ...ADA, tenant: null };
    const ask: Ask = {
      text: 'query ($l: Line) { save(input: { line: $l }) }',
      variables: { l: null },
      principal,
    };
    expect(await got('native', ask)).toEqual({ save: { input: { by: 'ada', line: null } } });
    expect(await codeOf({ ...ask, variables: { l: {} } })).toBe('PRINCIPAL_CLAIM_MISSING');
  });
});
