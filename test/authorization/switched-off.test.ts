import fc from 'fast-check';
import { type OperationDefinitionNode, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type AuthorizationOptions, authorize } from '../../src/authorization/authorize.ts';
import type { Decision } from '../../src/authorization/decision.ts';
import { KillSwitches } from '../../src/control/kill-switches.ts';
import type { SwitchFacts } from '../../src/control/snapshot.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { expandOperation, type Position } from '../../src/operation/expand.ts';
import { coerceVariables } from '../../src/operation/variables.ts';
import { compiled, compose, DEFAULT_LIMITS, user } from '../operation/graph-kit.ts';
import { LIBRARY, SCOPES } from '../operation/library-graph.ts';
import { randomOperation } from '../operation/random-operation.ts';

const GRAPH = compose(`
  type Query { a: String b: String node: Node nodes: [Node!] secret: String @requiresScopes(scopes: [["s"]]) }
  type Mutation { change: Int other: Int }
  interface Node { id: ID! }
  type One implements Node { id: ID! one: String }
  type Two implements Node { id: ID! two: String }
`);
const FILTER: AuthorizationOptions = { mode: 'filter', dryRun: false, introspection: 'permit' };
const NOBODY = { allows: () => false };

const off = (kind: SwitchFacts['kind'], target = '', part: Partial<SwitchFacts> = {}): SwitchFacts => ({
  ...{ id: `swt_${kind}`, kind, target, tenant: null, expiresAt: null },
  ...part,
});
const fields = (...targets: string[]) => targets.map((target) => off('field', target));

interface Asked extends Partial<AuthorizationOptions> {
  readonly variables?: Record<string, unknown>;
  readonly principal?: Principal;
  readonly nowMs?: number;
}

async function decide(
  switches: readonly SwitchFacts[],
  text: string,
  { variables = {}, principal = user(), nowMs = 0, ...options }: Asked = {},
) {
  const operation = compiled(GRAPH, text);
  const source = new KillSwitches({ admin: null, fixed: [], now: () => nowMs, onUnknown: () => undefined });
  source.replace(switches);
  const decision = await authorize(
    { operation, principal, variables, grant: null, switches: source.of(principal, GRAPH), nowMs },
    { ...FILTER, ...options },
    NOBODY,
  );
  const variant = 'mask' in decision ? await operation.planFor(decision.mask) : null;
  return { decision, runs: variant?.text?.replaceAll(/\s+/gu, ' ') ?? null };
}

const told = ({ reasons }: Decision) => reasons.map(({ code, coordinate }) => `${code} ${coordinate}`);

describe('a field that is switched off', () => {
  it.each([
    ['by its name', '{ a b }', '{ b }'],
    ['under an alias', '{ x: a b }', '{ b }'],
    ['in a fragment', 'query { ...F b } fragment F on Query { a }', '{ b }'],
    ['in an inline fragment', '{ ... on Query { a } b }', '{ b }'],
    ['where @skip leaves it', 'query ($x: Boolean!) { a @skip(if: $x) b }', null],
  ])('does not run %s', async (_, text, expected) => {
    const { decision, runs } = await decide(fields('Query.a'), text, { variables: { x: false } });
    expect(told(decision)).toEqual(['SWITCHED_OFF Query.a']);
    if (expected !== null) expect(runs).toBe(expected);
    else expect(runs).not.toContain(' a ');
  });

  it('is not refused where its variables leave it out', async () => {
    const text = 'query ($x: Boolean!) { a @skip(if: $x) b }';
    const { decision } = await decide(fields('Query.a'), text, { variables: { x: true } });
    expect(decision).toEqual({ effect: 'permit', mask: '', reasons: [] });
  });

  it('is refused on each type of its interface, and on no other', async () => {
    const ofInterface = await decide(fields('Node.id'), '{ nodes { id __typename } }');
    expect(told(ofInterface.decision)).toEqual(['SWITCHED_OFF One.id', 'SWITCHED_OFF Two.id']);
    const ofOne = await decide(fields('One.id'), '{ nodes { id } }');
    expect(told(ofOne.decision)).toEqual(['SWITCHED_OFF One.id']);
    expect(ofOne.runs).toContain('... on Two { id }');
  });

  it('takes with it all fields of a type', async () => {
    const { decision, runs } = await decide(fields('One'), '{ nodes { id ... on One { one } } }');
    expect(told(decision).sort()).toEqual(['SWITCHED_OFF One.id', 'SWITCHED_OFF One.one']);
    expect(runs).not.toContain('one');
  });

  it('refuses the operation under authorization.mode reject', async () => {
    const { decision } = await decide(fields('Query.a'), '{ a b }', { mode: 'reject' });
    expect([decision.effect, ...told(decision)]).toEqual(['deny', 'SWITCHED_OFF Query.a']);
  });

  it('stays off in a dry run, where everything else is only told', async () => {
    const both = await decide(fields('Query.a'), '{ a b secret }', { dryRun: true });
    expect(told(both.decision)).toEqual(['SWITCHED_OFF Query.a']);
    expect(both.runs).toBe('{ b secret }');
    expect((await decide(fields('Query.b'), '{ a secret }', { dryRun: true })).decision.effect).toBe(
      'permit',
    );
  });

  it('is refused for want of a right first, so that nobody learns what is off of what it may not have', async () => {
    const { decision } = await decide(fields('Query.secret'), '{ secret }');
    expect(told(decision)).toEqual(['UNAUTHORIZED_FIELD_OR_TYPE Query.secret']);
  });

  it('is on for callers of other tenants, where it is off for one', async () => {
    const switches = [off('field', 'Query.a', { tenant: 'acme' })];
    const effectFor = async (tenant: string | null) =>
      (await decide(switches, '{ a }', { principal: { ...user(), tenant } })).decision.effect;
    expect([await effectFor('acme'), await effectFor('globex'), await effectFor(null)]).toEqual([
      ...['filter', 'permit', 'permit'],
    ]);
  });

  it('is on again from the millisecond on in which its switch expires', async () => {
    const switches = [off('field', 'Query.a', { expiresAt: 1000 })];
    expect((await decide(switches, '{ a }', { nowMs: 999 })).decision.effect).toBe('filter');
    expect((await decide(switches, '{ a }', { nowMs: 1000 })).decision.effect).toBe('permit');
  });
});

describe('an operation', () => {
  it.each([
    ['by name', off('operation', 'Report'), 'query Report { b }'],
    ['by hash', off('operation', 'hash'), '{ b }'],
    ['with all mutations', off('mutations'), 'mutation { change }'],
  ])('that is switched off %s is denied whole', async (_, killSwitch, text) => {
    const { decision } = await decide([killSwitch], text);
    expect(decision).toEqual({
      effect: 'deny',
      reasons: [{ rule: 'switched-off', code: 'SWITCHED_OFF', coordinate: null, path: null }],
    });
    expect((await decide([killSwitch], text, { dryRun: true })).decision.effect).toBe('deny');
  });

  it.each([
    ['of another name', off('operation', 'Report'), 'query Reports { b }'],
    ['that is a query, with all mutations off', off('mutations'), '{ b }'],
    ['while another kind is off', off('subgraph', 'b'), 'mutation { change }'],
  ])('%s runs', async (_, killSwitch, text) => {
    expect((await decide([killSwitch], text)).decision.effect).toBe('permit');
  });
});

/** Coordinates that a text selects, whatever its variables. */
function alwaysSelected(text: string): readonly string[] {
  const [operation] = parse(text).definitions as OperationDefinitionNode[];
  if (operation === undefined) throw new Error('no operation');
  const below = (position: Position): string[] =>
    position.uses
      .filter(({ when }) => when.length === 0)
      .flatMap(({ on, name, children }) => [
        ...[...on.keys()].map((type) => `${type}.${name}`),
        ...(children === null ? [] : below(children)),
      ]);
  return below(expandOperation(LIBRARY.apiSchema, operation, new Map()).root);
}

describe('what runs', () => {
  const UNLIMITED = {
    ...DEFAULT_LIMITS,
    aliases: 10_000,
    rootFields: 10_000,
    directives: 10_000,
    height: 10_000,
  };
  const schema = LIBRARY.apiSchema;
  const all = compiled(
    LIBRARY,
    '{ nodes { id name rel { id } peers { id } } film { budget maker { id } } count work { id } }',
  );
  const someFields = fc.uniqueArray(fc.constantFrom(...all.coordinates), { minLength: 1, maxLength: 6 });

  it('never selects a field that is switched off, whatever the operation', async () => {
    let filtered = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(1_000_000), { minLength: 30, maxLength: 120 }),
        someFields,
        async (tape, targets) => {
          const { text, variables: given } = randomOperation(schema, tape);
          fc.pre(text.length < 3000 && validate(schema, parse(text)).length === 0);
          const operation = compiled(LIBRARY, text, { limits: UNLIMITED });
          const source = new KillSwitches({
            ...{ admin: null, fixed: fields(...targets), now: () => 0, onUnknown: () => undefined },
          });
          const decision = await authorize(
            {
              ...{ operation, principal: user(...SCOPES), grant: null, nowMs: 0 },
              variables: coerceVariables(operation, given, LIBRARY),
              switches: source.of(ANONYMOUS, LIBRARY),
            },
            FILTER,
            NOBODY,
          );
          if (decision.effect !== 'filter') {
            expect(decision.effect).toBe('permit');
            return;
          }
          filtered += 1;
          const { text: runs } = await operation.planFor(decision.mask);
          if (runs === null) return;
          for (const coordinate of alwaysSelected(runs)) expect(targets).not.toContain(coordinate);
        },
      ),
      { numRuns: 60 },
    );
    expect(filtered).toBeGreaterThan(10);
  });
});

describe('the switches of a graph', () => {
  it('tell of one that stands for nothing in it', () => {
    const unknown: string[] = [];
    const source = new KillSwitches({
      ...{ admin: null, now: () => 0, onUnknown: ({ target }) => void unknown.push(target) },
      fixed: [...fields('Query.gone', 'Gone', 'Query.a'), off('subgraph', 'gone'), off('subgraph', 'a')],
    });
    source.of(ANONYMOUS, GRAPH);
    source.of(ANONYMOUS, GRAPH);
    expect(unknown).toEqual(['Query.gone', 'Gone', 'gone']);
  });

  it('never switch the administration off, and nothing that is asked for beside it stays on', () => {
    const graph = {
      ...GRAPH,
      subgraphs: [{ name: 'admin' }, { name: 'a' }],
      tags: new Map([['t', new Set(['Mutation.change', 'One'])]]),
    };
    const unknown: string[] = [];
    const source = new KillSwitches({
      ...{ admin: { tag: 't', subgraph: 'admin' }, now: () => 0 },
      onUnknown: ({ target }) => void unknown.push(target),
      fixed: [off('mutations'), off('operation', 'Do'), ...fields('Mutation'), off('subgraph', 'admin')],
    });
    const switches = source.of(ANONYMOUS, graph);
    const alone = compiled(GRAPH, 'mutation Do { change }');
    const beside = compiled(GRAPH, 'mutation { change other }');
    expect([switches?.stops(alone), switches?.fieldsOff(alone), switches?.isSubgraphOff('admin')]).toEqual([
      ...[false, [], false],
    ]);
    expect([switches?.stops(beside), switches?.fieldsOff(beside)]).toEqual([true, [0, 1]]);
    expect(unknown).toEqual(['admin']);
  });

  it('are none where nothing is switched off, or all has ended', () => {
    const clock = { now: 0 };
    const source = new KillSwitches({
      ...{ admin: null, fixed: [], now: () => clock.now, onUnknown: () => undefined },
    });
    expect(source.of(ANONYMOUS, GRAPH)).toBeNull();
    source.replace([off('mutations', '', { expiresAt: 10 })]);
    expect(source.of(ANONYMOUS, GRAPH)).not.toBeNull();
    clock.now = 10;
    expect(source.of(ANONYMOUS, GRAPH)).toBeNull();
  });
});
