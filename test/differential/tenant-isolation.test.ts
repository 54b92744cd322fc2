import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../src/errors.ts';
import { ANONYMOUS, type Principal } from '../../src/identity/principal.ts';
import type { GatewayResponse } from '../../src/listener/request.ts';
import { runs } from '../property-runs.ts';
import { LEAKING, ROW_IDS, TENANTS } from './graphs/tenants.ts';
import { deferring } from './kit/deferring.ts';
import { generateOperation } from './kit/operation-generator.ts';
import { plain } from './kit/same-answer.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import type { Ask, EngineName } from './kit/two-engines.ts';

const RUNS = runs(40);
const DEPTH_MAX = 6;
const ENGINES: readonly EngineName[] = ['native', 'apollo'];

const of = (tenant: string | null): Principal => ({ ...ANONYMOUS, kind: 'user', subject: 'ada', tenant });
const ACME = of('acme');

/** Names of other tenants in all that the client gets. */
function foreignIn(response: GatewayResponse, tenant: string | null): string[] {
  const text = JSON.stringify(response);
  return TENANTS.filter((name) => name !== tenant && text.includes(name));
}

const codesOf = ({ body }: GatewayResponse): Set<unknown> =>
  new Set((body.errors ?? []).map(({ extensions }) => extensions['code']));

let running: RunningGraph;

beforeAll(async () => {
  running = await startGraph(LEAKING, {
    settings: { errors: 'passthrough', allowedExtensions: ['detail', 'code'] },
  });
});

afterAll(() => running.close());

/** Operations that try to carry a foreign row out, and what acme may have of them. */
const ATTACKS: readonly (readonly [title: string, ask: Ask, data: unknown])[] = [
  ['an alias', { text: '{ o: order(id: "globex-1") { l: label } }' }, { o: null }],
  [
    'an alias that takes the name of the owner',
    { text: '{ order(id: "globex-1") { tenantId: label label: tenantId } }' },
    { order: null },
  ],
  [
    'a fragment',
    { text: '{ order(id: "globex-1") { ...f } } fragment f on Order { ...g } fragment g on Order { total }' },
    { order: null },
  ],
  [
    'nothing but __typename',
    { text: '{ order(id: "globex-1") { __typename } mine: order(id: "acme-1") { __typename } }' },
    { order: null, mine: { __typename: 'Order' } },
  ],
  [
    'an interface',
    { text: '{ thing(id: "globex-1") { label } mine: thing(id: "acme-2") { id } }' },
    { thing: null, mine: { id: 'acme-2' } },
  ],
  [
    'an interface of an interface',
    { text: '{ thing(id: "initech-2") { ... on Node { id } } }' },
    { thing: null },
  ],
  [
    'a union',
    { text: '{ hits { ... on Order { total } ... on Customer { name } ... on Note { label } } }' },
    {
      hits: [
        { total: 'total of acme-1' },
        { total: 'total of acme-2' },
        ...Array.from({ length: 4 }, () => null),
        { name: 'name of acme-1' },
        ...Array.from({ length: 5 }, () => null),
        { label: 'a note' },
      ],
    },
  ],
  [
    'a fragment on a type that the object is not',
    { text: '{ hits { ... on Note { label } } }' },
    { hits: [{}, {}, null, null, null, null, {}, null, null, null, null, null, { label: 'a note' }] },
  ],
  [
    'a nested list',
    { text: '{ grid { id } }' },
    { grid: [[{ id: 'acme-1' }, { id: 'acme-2' }, null], null, [null, null, null]] },
  ],
  ['a list of what may not be null', { text: '{ things { id } }' }, null],
  [
    'an object between own ones',
    { text: '{ order(id: "acme-2") { next { next { next { next { next { id } } } } } } }' },
    { order: { next: null } },
  ],
  [
    'an entity of another subgraph',
    {
      text: '{ order(id: "acme-1") { customer { orders { rating } friend { name } } strictCustomer { name } } }',
    },
    {
      order: {
        customer: {
          orders: [
            { rating: 'rating of acme-1' },
            { rating: 'rating of acme-1' },
            { rating: 'rating of acme-2' },
            null,
            null,
            null,
            null,
          ],
          friend: null,
        },
        strictCustomer: { name: 'name of acme-1' },
      },
    },
  ],
  [
    'an entity that lost its owner, where it may not be null',
    { text: '{ order(id: "acme-2") { label strictCustomer { name } } }' },
    { order: null },
  ],
  ['what another subgraph provides', { text: '{ favourites { label } }' }, { favourites: null }],
  [
    'what one subgraph requires of another',
    { text: '{ customers { orders { stars } } }' },
    {
      customers: [
        {
          orders: [
            { stars: 'stars of label of acme-1' },
            { stars: 'stars of label of acme-1' },
            { stars: 'stars of label of acme-2' },
            null,
            null,
            null,
            null,
          ],
        },
        null,
        null,
        null,
        null,
        null,
      ],
    },
  ],
  [
    'an object that belongs to nobody and shows one that does',
    { text: '{ notes { about { id } hits { ... on Customer { id } ... on Order { id } } } }' },
    {
      notes: [
        { about: { id: 'acme-1' }, hits: [{ id: 'acme-1' }, { id: 'acme-1' }] },
        { about: { id: 'acme-2' }, hits: [{ id: 'acme-2' }, null] },
        ...Array.from({ length: 4 }, () => ({ about: null, hits: [null, null] })),
      ],
    },
  ],
  [
    'an interface object',
    { text: '{ patients { id chip } visits { animal { chip } } }' },
    {
      patients: [
        { id: 'acme-1', chip: 'chip of acme-1' },
        { id: 'acme-2', chip: 'chip of acme-2' },
        ...Array.from({ length: 4 }, () => null),
      ],
      visits: [
        { animal: { chip: 'chip of acme-1' } },
        { animal: { chip: 'chip of acme-2' } },
        ...Array.from({ length: 4 }, () => null),
      ],
    },
  ],
  [
    'an entity interface and a friend of its object',
    { text: '{ animal(id: "acme-1") { name friend { name } visits { cost animal { name } } } }' },
    { animal: { name: 'name of acme-1', friend: null, visits: null } },
  ],
  ['the result of a mutation', { text: 'mutation { touch(id: "globex-1") { total } }' }, { touch: null }],
  [
    'a list in the result of a mutation',
    { text: 'mutation { touchAll { id } }' },
    { touchAll: [{ id: 'acme-1' }, { id: 'acme-2' }, null, null, null, null] },
  ],
  [
    'selections that a variable switches off',
    {
      text: 'query ($no: Boolean!) { order(id: "globex-1") { id @include(if: $no) } o: order(id: "acme-1") { id @include(if: $no) } }',
      variables: { no: false },
    },
    { order: null, o: {} },
  ],
  [
    'one key selected twice under opposite conditions',
    {
      text: 'query ($b: Boolean!) { order(id: "globex-1") @include(if: $b) { id } order(id: "globex-1") @skip(if: $b) { total } }',
      variables: { b: true },
    },
    { order: null },
  ],
];

describe.each(ENGINES)('behind the %s engine, a subgraph that leaks', (engine) => {
  it.each(ATTACKS)('gets no foreign row past through %s', async (_, ask, data) => {
    const response = await running.engines.response(engine, { ...ask, principal: ACME });
    expect(foreignIn(response, 'acme')).toEqual([]);
    expect(plain(response.body.data)).toEqual(data);
    expect(codesOf(response)).toContain('TENANT_ISOLATION');
  });

  it('gets no message past that names a foreign row', async () => {
    const text =
      '{ order(id: "globex-1") { broken } mine: order(id: "acme-1") { broken } customers { broken } }';
    const response = await running.engines.response(engine, { text, principal: ACME });
    expect(foreignIn(response, 'acme')).toEqual([]);
    const paths = (response.body.errors ?? []).map(({ path }) => path?.join('.'));
    expect(paths).toContain('order');
    expect(paths).not.toContain('order.broken');
  });

  it('gets no text past at all where objects of tenants are asked for, since it may speak of any of them', async () => {
    const text = '{ order(id: "acme-1") { broken } }';
    const { body } = await running.engines.response(engine, { text, principal: ACME });
    expect(body.errors?.map(({ message }) => message)).toEqual([CATALOGUE.DOWNSTREAM_SERVICE_ERROR.message]);
    const other = await running.engines.response(engine, { text: '{ trouble }', principal: ACME });
    expect(other.body.errors?.map(({ message }) => message)).toEqual(['no row is meant']);
  });

  it.each([
    ['without tenant', of(null)],
    ['with an empty one', of('')],
    ['without credential', ANONYMOUS],
  ])('gets no row at all to a caller %s', async (_, principal) => {
    const text = '{ orders { id } customers { id } animals { id } notes { label } }';
    const response = await running.engines.response(engine, { text, principal });
    expect(plain(response.body.data)).toEqual({
      orders: Array.from({ length: 6 }, () => null),
      customers: Array.from({ length: 6 }, () => null),
      animals: null,
      notes: Array.from({ length: 6 }, () => ({ label: 'a note' })),
    });
  });

  it('does not show the owner that was fetched', async () => {
    const { body } = await running.engines.response(engine, {
      text: '{ order(id: "acme-1") { id } animal(id: "acme-1") { id } }',
      principal: ACME,
    });
    expect(plain(body)).toEqual({ data: { order: { id: 'acme-1' }, animal: { id: 'acme-1' } } });
  });

  it('gets no foreign row past in operations of many seeds', async () => {
    let own = 0;
    let withheld = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1_000_000 }), async (seed) => {
        const { apiSchema: schema } = running.engines.supergraph;
        const asked = generateOperation(schema, { seed, ids: ROW_IDS, depthMax: DEPTH_MAX });
        for (const tenant of [...TENANTS.slice(0, 2), null]) {
          const response = await running.engines.response(engine, { ...asked, principal: of(tenant) });
          expect(foreignIn(response, tenant), asked.text).toEqual([]);
          if (tenant !== null && JSON.stringify(response).includes(tenant)) own += 1;
          if (codesOf(response).has('TENANT_ISOLATION')) withheld += 1;
        }
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    expect(own).toBeGreaterThan(RUNS / 10);
    expect(withheld).toBeGreaterThan(RUNS / 10);
  });
});

describe('the native engine', () => {
  it('sends nothing of a foreign object on to other subgraphs once its owner is known', async () => {
    const people = running.subgraph('people');
    people.calls.length = 0;
    await running.engines.response('native', { text: '{ orders { id rating } }', principal: ACME });
    const sent = JSON.stringify(people.calls.map(({ variables }) => variables));
    expect(sent).toContain('acme-1');
    expect(sent).not.toContain('globex');
  });
});

describe('an answer in parts', () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed);

  it('carries no row of another tenant in any of them', async () => {
    const asks = [
      ...ATTACKS.map(([, ask]) => ask),
      ...seeds.map((seed) => {
        const schema = running.engines.supergraph.apiSchema;
        return generateOperation(schema, { seed, ids: ROW_IDS, depthMax: DEPTH_MAX });
      }),
    ].filter(({ text }) => !text.startsWith('mutation'));
    let parts = 0;
    for (const [seed, ask] of asks.entries()) {
      const deferred = { ...ask, text: deferring(ask.text, seed), principal: ACME };
      const bodies = await running.engines.inParts(deferred);
      parts += bodies.length - 1;
      for (const body of bodies) expect(foreignIn({ status: 200, headers: {}, body }, 'acme')).toEqual([]);
    }
    expect(parts).toBeGreaterThan(asks.length / 2);
  });
});
