import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { singleKey } from './graphs/keys.ts';
import { inputs } from './graphs/values.ts';
import { deepJson, FAULTS } from './kit/faults.ts';
import { expectSameAnswer } from './kit/same-answer.ts';
import { type RunningGraph, startGraph } from './kit/start-graph.ts';
import { type SubgraphFixture, sendJson } from './kit/subgraph-fixture.ts';
import { type Ask, startTwoEngines } from './kit/two-engines.ts';

/** Long enough for a busy machine, short enough to wait for. */
const TIMEOUT_MS = 2_000;
const USERS = ['user 1', 'user 2', 'user 1', 'user 3'];

/** Each asks the failing subgraph in another way, and healthy ones beside it. */
const ASKS: readonly Ask[] = [
  { text: '{ users { name reviews { id stars author { id name } } } }' },
  { text: '{ users { name reviews { body } friends { reviews { body } } } }' },
  { text: '{ users { name } latest { id body stars author { name } product { title } } }' },
];

describe('where one subgraph fails', () => {
  let running: RunningGraph;

  beforeAll(async () => {
    running = await startGraph(singleKey.subgraphs, { settings: { timeoutMs: TIMEOUT_MS } });
  });

  afterAll(() => running.close());

  afterEach(() => {
    running.subgraph('reviews').fault = null;
  });

  const cases = FAULTS.flatMap((fault) => ASKS.map((ask) => ({ ...fault, ask, text: ask.text })));

  it.each(cases)('by $name, the rest of $text arrives', async ({ fault, apollo, ask }) => {
    running.subgraph('reviews').fault = fault;
    const native = await running.engines.ask('native', ask);
    const names = (native.data as { users: { name: string }[] }).users.map(({ name }) => name);
    expect(names).toEqual(USERS);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    if (apollo === 'same') expectSameAnswer(native, await running.engines.ask('apollo', ask), { ask });
  });

  it.each(FAULTS.filter(({ apollo }) => apollo === 'loses data'))(
    'by $name, Apollo still throws away what ours answers, for at least one operation',
    async ({ fault }) => {
      running.subgraph('reviews').fault = fault;
      const lost = await Promise.all(
        ASKS.map(async (ask) => {
          const native = await running.engines.ask('native', ask);
          const apollo = await running.engines.ask('apollo', ask).catch(() => ({ data: null }));
          return JSON.stringify(apollo.data).length < JSON.stringify(native.data).length;
        }),
      );
      expect(lost).toContain(true);
    },
  );

  it('by silence, the rest arrives when the time is over', async () => {
    running.subgraph('reviews').fault = () => undefined;
    await Promise.all(
      ASKS.map(async (ask) => {
        const [native, apollo] = await Promise.all(
          (['native', 'apollo'] as const).map((engine) => running.engines.ask(engine, ask)),
        );
        if (native === undefined || apollo === undefined) throw new TypeError('no answer');
        expectSameAnswer(native, apollo, { ask });
        expect(native.errors).toContain('SUBGRAPH_TIMEOUT null');
      }),
    );
  });

  it('because it is switched off, the rest arrives and it is not asked', async () => {
    let asked = 0;
    running.subgraph('reviews').fault = () => {
      asked += 1;
    };
    for (const each of ASKS) {
      const ask = { ...each, off: ['reviews'] };
      const { native, apollo } = await running.engines.both(ask);
      expectSameAnswer(native, apollo, { ask });
      expect(native.errors).toContain('SWITCHED_OFF null');
    }
    expect(asked).toBe(0);
  });

  it('by refusing connections, the rest arrives', async () => {
    const served = running.subgraphs.map(({ name, url, sdl }) => ({
      name,
      sdl,
      // Port 9 is that of the discard service, which nothing serves.
      url: name === 'reviews' ? 'http://127.0.0.1:9/' : url,
    }));
    const engines = await startTwoEngines(served);
    const [ask] = ASKS;
    if (ask === undefined) throw new TypeError('nothing to ask');
    const { native, apollo } = await engines.both(ask);
    await engines.close();
    expectSameAnswer(native, apollo, { ask });
    expect(native.errors).toEqual(['DOWNSTREAM_SERVICE_ERROR null']);
  });

  it('by an object nested without end in two places at once, the rest arrives', async () => {
    const deep = deepJson();
    running.subgraph('reviews').fault = (response, call) => {
      const { representations } = call.variables as { representations?: unknown[] };
      const entities = (representations ?? []).map(() => `{"reviews":[{"body":"b","deep":${deep}}]}`);
      response.end(`{"data":{"_entities":[${entities.join(',')}]}}`);
    };
    const ask = {
      text: '{ users { name reviews { body } } me { friends { reviews { body } } best { reviews { body } } } }',
    };
    const native = await running.engines.ask('native', ask);
    expect((native.data as { users: unknown[] }).users).toHaveLength(USERS.length);
  });

  it('tells each object of the answer about the one error of the representation it shares', async () => {
    running.subgraph('reviews').fault = (response, { variables }) => {
      const count = (variables as { representations: unknown[] }).representations.length;
      const entities = Array.from({ length: count }, () => ({ reviews: null }));
      sendJson(response, {
        data: { _entities: entities },
        errors: [{ message: 'no', path: ['_entities', 0, 'reviews'] }],
      });
    };
    const native = await running.engines.ask('native', { text: '{ users { id reviews { id } } }' });
    expect(native.errors).toEqual([
      'DOWNSTREAM_SERVICE_ERROR ["users",0,"reviews"]',
      'DOWNSTREAM_SERVICE_ERROR ["users",2,"reviews"]',
    ]);
    const sent = running.subgraph('reviews').calls.at(-1)?.variables as { representations: unknown[] };
    expect(sent.representations).toHaveLength(3);
  });

  it('by thousands of errors about thousands of objects, the rest arrives soon', async () => {
    const many = await startGraph([manyObjects('left'), manyDetails()]);
    const before = process.threadCpuUsage();
    const native = await many.engines.ask('native', { text: '{ things { id detail } }' });
    const { user, system } = process.threadCpuUsage(before);
    await many.close();
    expect((native.data as { things: unknown[] }).things).toHaveLength(OBJECTS);
    expect(native.errors).toHaveLength(100);
    // Units: microseconds that were computed, whatever else the machine did.
    expect(user + system).toBeLessThan(3_000_000);
  });

  it('by a custom scalar nested too deep to print, the field is null and the rest arrives', async () => {
    const graph = await startGraph(inputs.subgraphs);
    graph.subgraph('second').fault = (response) =>
      void response.end(`{"data":{"_entities":[{"find":"x","json":${deepJson()}}]}}`);
    const native = await graph.engines.ask('native', {
      text: '{ json entity { id json find(filter: {}) } }',
    });
    await graph.close();
    expect(JSON.stringify(native.data)).toContain('"entity":{"id":"1","json":null,"find":"x"}');
    expect(native.errors).toEqual(['DOWNSTREAM_SERVICE_ERROR ["entity","json"]']);
  });
});

const OBJECTS = 4_000;

function manyObjects(name: string): SubgraphFixture {
  return {
    name,
    typeDefs: 'type Query { things: [Thing!]! } type Thing @key(fields: "id") { id: ID! }',
    resolvers: {
      Query: { things: () => Array.from({ length: OBJECTS }, (_, index) => ({ id: `${index}` })) },
    },
  };
}

function manyDetails(): SubgraphFixture {
  return {
    name: 'right',
    typeDefs: 'type Thing @key(fields: "id") { id: ID! detail: String }',
    resolvers: {
      Thing: {
        detail: () => {
          throw new Error('no detail');
        },
      },
    },
  };
}
