import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import { expectSameAnswer } from './kit/same-answer.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import type { SubgraphFixture } from './kit/subgraph-fixture.ts';

const SECURITY = `extend schema
  @link(url: "https://portcullis.dev/security/v1.0", import: ["@sensitive"])
  @federation__composeDirective(name: "@sensitive")
directive @sensitive(class: security__SensitiveClass!, mask: security__MaskStyle! = FULL) repeatable on FIELD_DEFINITION | ARGUMENT_DEFINITION
enum security__SensitiveClass { PERSONAL FINANCIAL HEALTH SECRET CONFIDENTIAL }
enum security__MaskStyle { FULL PARTIAL HASH }`;

const kind = { __resolveType: ({ __typename }: { __typename: string }) => __typename };
const fail = () => {
  throw new Error('the plague of row 7');
};

const unrated = ({ iban }: { iban: string }) => {
  throw new Error(`nobody knows ${iban}`);
};

/** A key, a field that another subgraph requires, and fields of an interface are sensitive. */
const SUBGRAPHS: readonly SubgraphFixture[] = [
  {
    name: 'people',
    typeDefs: `${SECURITY}
      type Query { people: [Being!]! person: Person broken: Person }
      interface Being { id: ID! nick: String @sensitive(class: PERSONAL, mask: HASH) }
      type Person implements Being @key(fields: "id") {
        id: ID! @sensitive(class: PERSONAL, mask: HASH) nick: String
        iban: String! @sensitive(class: FINANCIAL, mask: PARTIAL) illness: String @sensitive(class: HEALTH)
      }
      type Robot implements Being { id: ID! nick: String illness: String }`,
    resolvers: {
      Query: {
        people: () => [
          { __typename: 'Person', id: '1', nick: 'ada' },
          { __typename: 'Robot', id: '2', nick: 'bolt', illness: 'rust' },
        ],
        person: () => ({ __typename: 'Person', id: '1', nick: 'ada' }),
        broken: () => ({ __typename: 'Person', id: '7', nick: null }),
      },
      Being: kind,
      Person: {
        __resolveReference: ({ id }: { id: string }) => ({ id, nick: 'ada' }),
        iban: ({ id }: { id: string }) => `DE0212030000000020205${id}`,
        illness: ({ id }: { id: string }) => (id === '7' ? fail() : 'plague'),
      },
    },
  },
  {
    name: 'bank',
    typeDefs: `${SECURITY}
      type Person @key(fields: "id") { id: ID! iban: String! @external bank: String @requires(fields: "iban") rating: String @requires(fields: "iban") limit: Int @sensitive(class: FINANCIAL) }`,
    resolvers: {
      Person: {
        bank: ({ iban }: { iban: string }) => `bank of ${iban.length}`,
        limit: () => 7,
        rating: unrated,
      },
    },
  },
];

const TEXTS = [
  '{ person { id nick iban illness bank limit } }',
  '{ people { id nick ... on Person { iban a: illness limit } ... on Robot { a: illness } } }',
  '{ people { ...B } person { ...P } } fragment B on Being { nick } fragment P on Person { x: iban y: id bank }',
  'query ($b: Boolean = false) { person { iban @include(if: $b) id @skip(if: $b) } }',
  '{ broken { illness nick } }',
  // What its error names was fetched, though nobody selected it.
  '{ person { rating } }',
];
const SCOPES = [
  [],
  ['unmask:personal'],
  ['unmask:financial', 'unmask:health'],
  ['unmask:personal', 'unmask:financial', 'unmask:health'],
];
const SECRETS = /plague|DE021203|\bada\b|:7\b/u;

describe('both engines, for callers who may not see every value,', () => {
  let running: RunningGraph;
  beforeAll(async () => {
    running = await startGraph(SUBGRAPHS, { settings: { errors: 'passthrough' } });
  });
  afterAll(() => running.close());

  const caller = (scopes: readonly string[]): Principal => ({
    ...ANONYMOUS,
    kind: 'user',
    tenant: 'acme',
    scopes: new Set(scopes),
  });
  const cases = TEXTS.flatMap((text) => SCOPES.map((scopes) => ({ text, scopes })));

  it.each(cases)('give the same answer to $text with $scopes', async ({ text, scopes }) => {
    const ask = { text, principal: caller(scopes) };
    const { native, apollo } = await running.engines.both(ask);
    expectSameAnswer(native, apollo, { ask });
  });

  it.each(TEXTS)('show nothing of them without a scope: %s', async (text) => {
    for (const engine of ['native', 'apollo'] as const) {
      const response = await running.engines.response(engine, { text, principal: caller([]) });
      expect(JSON.stringify(response.body)).not.toMatch(SECRETS);
    }
  });

  it('complete from other subgraphs what is found by a masked key and a masked field', async () => {
    const { data } = await running.engines.ask('native', {
      text: '{ person { id iban bank limit } }',
      principal: caller([]),
    });
    expect(data).toMatchObject({
      person: {
        id: expect.stringMatching(/^[\w-]{22}$/u),
        iban: `${'*'.repeat(18)}2051`,
        bank: 'bank of 22',
        limit: null,
      },
    });
  });
});
