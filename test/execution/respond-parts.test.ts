import { describe, expect, it } from 'vitest';
import type { ExecutionInput } from '../../src/execution/executor.ts';
import { leafChecks } from '../../src/execution/leaf-values.ts';
import { createNativeExecutor } from '../../src/execution/native/native-executor.ts';
import type { SubgraphTransport } from '../../src/execution/native/subgraph-transport.ts';
import type { RespondOptions } from '../../src/execution/respond.ts';
import { PartAnswers } from '../../src/execution/respond-parts.ts';
import { TOLD_MAX } from '../../src/execution/shape-result.ts';
import type { SubgraphAnswer } from '../../src/execution/subgraph-answer.ts';
import type { GraphQLResponseBody } from '../../src/listener/request.ts';
import { compileOperation } from '../../src/operation/compile.ts';
import { deferredNow } from '../../src/operation/deferred-part.ts';
import type { FetchStep } from '../../src/operation/plan.ts';
import { createPlanner } from '../../src/operation/plan-operation.ts';
import { compose, DEFAULT_LIMITS, maskOf, user } from '../operation/graph-kit.ts';
import { request, settings } from './execution-kit.ts';
import { NO_UNMASKING } from './masking-kit.ts';

const GRAPH = compose(
  `type Query { one: Item two: Item items: [Item!] held: Held other: Held }
   type Item @key(fields: "id") { id: ID! note: String }
   union Held = Open | Locked
   type Open { name: String }
   type Locked @requiresScopes(scopes: [["l"]]) { name: String }`,
  'type Item @key(fields: "id") { id: ID! slow: String nested: [Any] } union Any = Seen | Hidden type Seen { name: String } type Hidden @requiresScopes(scopes: [["h"]]) { name: String }',
  'type Query { apart: String }',
  'type Item @key(fields: "id") { id: ID! side: String }',
);
const planner = createPlanner(GRAPH.strippedSdl);

type Answerer = (fetch: FetchStep) => Record<string, unknown> | Promise<Record<string, unknown>>;

interface Asked {
  readonly missing?: readonly string[];
  readonly location?: RespondOptions['authorizationErrors'];
}

/** All parts of an answer, with what subgraphs tell. */
async function inParts(
  text: string,
  answer: Answerer,
  { missing = [], location = 'errors' }: Asked = {},
): Promise<readonly GraphQLResponseBody[]> {
  const { id: supergraphId, apiSchema: schema, policy } = GRAPH;
  const understood = compileOperation(text, null, {
    ...{ supergraphId, schema, policy, planner, cost: null, coverage: false },
    limits: { ...DEFAULT_LIMITS, deferredParts: 10 },
  });
  const mask = maskOf(understood, {}, (scopes) => scopes.some((scope) => missing.includes(scope)));
  const variant = understood.variant(mask);
  const { deferred } = variant;
  const isLater = deferredNow(deferred, {});
  if (deferred === undefined || isLater === null) throw new Error('nothing is deferred');
  const transport: SubgraphTransport = {
    send: async (fetch): Promise<SubgraphAnswer> => ({
      kind: 'answer',
      status: 200,
      body: await answer(fetch),
    }),
    open: () => {
      throw new Error('nothing is subscribed to');
    },
    close: async () => undefined,
  };
  const input: ExecutionInput = {
    ...{ variant, variables: {}, principal: user(), switches: null, times: null, requestId: 'request-1' },
    ...{ headers: {}, signal: new AbortController().signal, introspect: null, later: isLater, deadlineMs: 1 },
  };
  const result = await createNativeExecutor({ transport, now: () => 0, nowUs: () => 0 }).execute(input);
  const operation = {
    ...understood.facts,
    ...{ hash: 'hash', supergraphId, planFor: async () => variant },
  };
  const answers = new PartAnswers({
    request: request('application/json'),
    executed: {
      ...{ operation, variant, variables: {}, principal: user(), result, meter: null },
      decision:
        mask === '' ? { effect: 'permit', mask: '', reasons: [] } : { effect: 'filter', mask, reasons: [] },
      reportForeign: () => undefined,
      reportCounts: () => undefined,
    },
    ...{ deferred, isLater },
    graph: {
      leafChecks: leafChecks(schema),
      subgraphs: new Map(['a', 'b'].map((name) => [name, settings(name)])),
    },
    options: { authorizationErrors: location, masking: NO_UNMASKING },
  });
  const bodies: GraphQLResponseBody[] = [answers.primary().body];
  for await (const done of result.later ?? []) bodies.push({ incremental: answers.part(done) });
  return bodies;
}

const ITEM = { id: '1', __typename: 'Item' };
const isOfItems = ({ subgraph }: FetchStep): boolean => subgraph === 'b';

describe('an answer in parts', () => {
  it('fails where the gateway itself does, in the first answer', async () => {
    await expect(
      inParts('{ one { id ... @defer { slow } } }', (fetch) => {
        if (isOfItems(fetch)) return { data: { one: { id: '1', __typename: 'Item' } } };
        throw new TypeError('a fault');
      }),
    ).rejects.toThrow('a fault');
  });

  it('fails where the gateway itself does, however deep in the plan', async () => {
    const text = '{ apart one { id ... @defer { slow side } } }';
    await expect(
      inParts(text, async ({ subgraph }) => {
        if (subgraph === 'b') {
          // All else has come by then.
          await new Promise((resolve) => setImmediate(resolve));
          throw new TypeError('a fault');
        }
        if (subgraph === 'a') return { data: { one: ITEM } };
        return { data: { apart: 'x', _entities: [{ side: 's' }] } };
      }),
    ).rejects.toThrow('a fault');
  });

  it('has with the first answer what a variable does not defer, and what stands in that later still', async () => {
    const text = `query ($no: Boolean) {
      one { id ... @defer(if: $no) { slow ... @defer { side } } again: __typename ... @defer(if: $no) @include(if: true) { note } }
    }`;
    const bodies = await inParts(text, ({ subgraph }) =>
      subgraph === 'a'
        ? { data: { one: { ...ITEM, again: 'Item', note: 'n' } } }
        : { data: { _entities: [{ slow: 's', side: 'd' }] } },
    );
    expect(bodies).toEqual([
      { data: { one: { id: '1', slow: 's', again: 'Item', note: 'n' } } },
      { incremental: [{ path: ['one'], data: { side: 'd' } }] },
    ]);
  });

  it('tells an error of a fetch of two parts with the one that has an object', async () => {
    const bodies = await inParts(
      '{ one { id ... @defer { slow } } two { id ... @defer { slow } } }',
      (fetch) =>
        isOfItems(fetch)
          ? { errors: [{ message: 'no' }] }
          : { data: { one: null, two: { id: '2', __typename: 'Item' } } },
    );
    const errors = bodies.flatMap(({ incremental = [] }) => incremental.flatMap((each) => each.errors ?? []));
    expect(errors.map(({ path, extensions }) => [path, extensions['code']])).toEqual([
      [['two'], 'DOWNSTREAM_SERVICE_ERROR'],
    ]);
  });

  it('tells the path of what is refused in a part from the root, in the extensions too', async () => {
    const answer: Answerer = (fetch) =>
      isOfItems(fetch)
        ? { data: { _entities: [{ nested: [{ __typename: 'Hidden', name: 'x' }] }] } }
        : { data: { one: { id: '1', __typename: 'Item' } } };
    const text = '{ one { id ... @defer { nested { ... on Seen { name } ... on Hidden { name } } } } }';
    const [, part] = await inParts(text, answer, { missing: ['h'], location: 'extensions' });
    expect(part?.incremental?.[0]?.extensions?.['authorizationErrors']).toMatchObject([
      { path: ['one', 'nested', 0] },
    ]);
  });

  it.each(['held other', 'other held'])('judges the objects of %s each for itself', async (order) => {
    const guarded = 'held { ... @defer { ... on Locked { name } } }';
    const plain = 'other { ... @defer { ... on Open { name } } }';
    const text = `{ ${order === 'held other' ? `${guarded} ${plain}` : `${plain} ${guarded}`} }`;
    const locked = { __typename: 'Locked', name: 'x' };
    const [first] = await inParts(text, () => ({ data: { held: locked, other: locked } }), {
      missing: ['l'],
    });
    expect(first?.data).toEqual({ held: null, other: {} });
  });

  it('tells each error of a fetch of two parts with its object, once', async () => {
    const answer: Answerer = (fetch) =>
      isOfItems(fetch)
        ? {
            data: { _entities: [{ slow: 's' }, { slow: null }] },
            errors: [{ message: 'no', path: ['_entities', 1, 'slow'] }],
          }
        : { data: { one: ITEM, two: { ...ITEM, id: '2' } } };
    const bodies = await inParts('{ one { id ... @defer { slow } } two { id ... @defer { slow } } }', answer);
    const told = bodies.flatMap(({ incremental = [] }) => incremental);
    expect(told.map(({ path, errors = [] }) => [path, errors.map((error) => error.path)])).toEqual([
      [['one'], []],
      [['two'], [['two', 'slow']]],
    ]);
  });

  it('tells an error that came early at once where it took the object with it', async () => {
    const errors = [{ message: 'no', path: ['one', 'note'] }];
    const [first, part] = await inParts('{ one { id ... @defer { note } } }', () => ({
      data: { one: null },
      errors,
    }));
    expect(first?.data).toEqual({ one: null });
    expect(first?.errors).toMatchObject([{ path: ['one'] }]);
    expect(part).toEqual({ incremental: [] });
  });

  it('tells an error that came early with the part that it is about', async () => {
    const errors = [{ message: 'no', path: ['one', 'note'] }];
    const answer: Answerer = () => ({ data: { one: { ...ITEM, note: null } }, errors });
    const [first, part] = await inParts('{ one { id ... @defer { note } } }', answer);
    expect(first).toEqual({ data: { one: { id: '1' } } });
    expect(part?.incremental?.[0]?.errors).toMatchObject([{ path: ['one', 'note'] }]);
  });

  it('tells no more of all objects of a part together than a whole answer does', async () => {
    const objects = 30;
    const items = Array.from({ length: objects }, (_, index) => ({ ...ITEM, id: String(index) }));
    const each = [
      ...Array.from({ length: 50 }, () => ({ __typename: 'Seen', name: {} })),
      ...Array.from({ length: 50 }, () => ({ __typename: 'Hidden', name: 'x' })),
    ];
    const entities = Array.from({ length: objects }, () => ({ nested: each }));
    const answer: Answerer = (fetch) => ({ data: isOfItems(fetch) ? { _entities: entities } : { items } });
    const text = '{ items { id ... @defer { nested { ... on Seen { name } ... on Hidden { name } } } } }';
    const bodies = await inParts(text, answer, { missing: ['h'], location: 'extensions' });
    const told = bodies.flatMap(({ incremental = [] }) => incremental);
    expect(told).toHaveLength(objects);
    expect(told.flatMap(({ errors = [] }) => errors)).toHaveLength(TOLD_MAX);
    const refused = told.flatMap(({ extensions }) => extensions?.['authorizationErrors'] ?? []);
    expect(refused).toHaveLength(TOLD_MAX);
    expect(told.at(-1)?.data).toMatchObject({ nested: { length: each.length } });
  });
});
