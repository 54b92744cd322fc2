import { type Fault, type SubgraphCall, sendJson } from './subgraph-fixture.ts';

/** A way for a subgraph to fail, and how Apollo takes it. */
export interface NamedFault {
  readonly name: string;
  readonly fault: Fault;
  /**
   * `same`: both engines answer alike. `loses data`: Apollo throws, or drops answers that ours keeps, those of healthy
   * subgraphs among them. `differs`: the reason says how.
   */
  readonly apollo: 'same' | 'loses data' | 'differs';
  readonly reason?: string;
}

type Json = Record<string, unknown>;

const raw =
  (text: string, status = 200): Fault =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  };

/** The true answer, changed. */
const changed =
  (change: (data: Json, body: Json) => void): Fault =>
  async (response, _call, answer) => {
    const body = JSON.parse(JSON.stringify(await answer())) as Json;
    change((body['data'] ?? {}) as Json, body);
    sendJson(response, body);
  };

/** Visits every object of an answer, innermost first. */
function everyObject(value: unknown, visit: (object: Json) => void): void {
  if (Array.isArray(value)) for (const item of value) everyObject(item, visit);
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) everyObject(item, visit);
    visit(value as Json);
  }
}

/** The true answer with other errors. */
const withErrors = (errors: unknown): Fault =>
  changed((_, body) => {
    body['errors'] = errors;
  });

const setAll = (key: string, to: (present: unknown) => unknown): Fault =>
  changed((data) => {
    everyObject(data, (object) => {
      if (Object.hasOwn(object, key)) object[key] = to(object[key]);
    });
  });

/** The list of entities, changed; `ids` says whom each stands for, since the engines ask for equal ones once or each time. */
const entities =
  (change: (list: unknown[], ids: readonly unknown[]) => unknown[]): Fault =>
  (response, call, answer) =>
    changed((data) => {
      const list = data['_entities'];
      if (Array.isArray(list)) data['_entities'] = change(list, idsOf(call));
    })(response, call, answer);

function idsOf({ variables }: SubgraphCall): unknown[] {
  const { representations } = variables as { readonly representations?: readonly Json[] };
  return (representations ?? []).map((each) => each['id']);
}

/** Nulls the text of a review of the first user, and says where. */
const failOfFirst: Fault = (response, call, answer) =>
  changed((data, body) => {
    const list = data['_entities'];
    const errors: Json[] = [];
    idsOf(call).forEach((id, index) => {
      const reviews =
        id === '1' && Array.isArray(list) ? (list[index]?.reviews as Json[] | undefined) : undefined;
      if (reviews?.[1] === undefined || !Object.hasOwn(reviews[1], 'body')) return;
      reviews[1]['body'] = null;
      errors.push({ message: 'no body', path: ['_entities', index, 'reviews', 1, 'body'] });
    });
    if (errors.length > 0) body['errors'] = errors;
  })(response, call, answer);

const DEPTH = 50_000;
const MANY = 2_000;
const BIG = 10 * 1024 * 1024;

export const FAULTS: readonly NamedFault[] = [
  {
    name: 'status 500 with GraphQL errors',
    fault: (response) => sendJson(response, { errors: [{ message: 'no' }] }, 500),
    apollo: 'same',
  },
  { name: 'status 500 with text', fault: raw('<html>', 500), apollo: 'same' },
  { name: 'status 200 with text', fault: raw('fine'), apollo: 'same' },
  { name: 'a lost connection', fault: (response) => void response.socket?.destroy(), apollo: 'same' },
  {
    name: 'errors and data null',
    fault: (response) => sendJson(response, { data: null, errors: [{ message: 'no', path: ['x'] }] }),
    apollo: 'same',
  },
  { name: 'an empty object', fault: raw('{}'), apollo: 'same' },
  {
    name: 'data null without an error',
    fault: raw('{"data":null}'),
    apollo: 'differs',
    reason: 'Apollo passes it over in silence; we tell that the subgraph gave no answer.',
  },
  { name: 'a JSON list', fault: raw('[]'), apollo: 'same' },
  { name: 'truncated JSON', fault: raw('{"data":{"_entities":[{"rev'), apollo: 'same' },
  { name: 'an error at a nested path beside partial data', fault: failOfFirst, apollo: 'same' },
  { name: 'too few entities', fault: entities((list) => list.slice(1)), apollo: 'same' },
  { name: 'too many entities', fault: entities((list) => [...list, null]), apollo: 'same' },
  { name: 'null for every entity', fault: entities((list) => list.map(() => null)), apollo: 'same' },
  {
    name: 'null for one of the entities',
    fault: entities((list, ids) => list.map((item, index) => (ids[index] === '1' ? null : item))),
    apollo: 'same',
  },
  {
    name: 'text for entities',
    fault: entities((list) => list.map(() => 'x')),
    apollo: 'differs',
    reason: 'Apollo spreads the characters over the object.',
  },
  {
    name: 'a number for the list of entities',
    fault: changed((data) => {
      data['_entities'] = 5;
    }),
    apollo: 'same',
  },
  {
    name: 'another __typename',
    fault: setAll('__typename', () => 'Query'),
    apollo: 'differs',
    reason: 'Apollo applies what fits the false type; we go by the schema.',
  },
  {
    name: 'a __typename nobody knows',
    fault: setAll('__typename', () => 'Nobody'),
    apollo: 'differs',
    reason: 'As before.',
  },
  { name: 'a __typename that is no text', fault: setAll('__typename', () => 7), apollo: 'loses data' },
  { name: 'scalars of the wrong type', fault: setAll('stars', () => 'many'), apollo: 'same' },
  { name: 'an object for a scalar', fault: setAll('id', () => ({ a: 1 })), apollo: 'same' },
  { name: 'a missing non-null field', fault: setAll('stars', () => undefined), apollo: 'same' },
  { name: 'a scalar for an object', fault: setAll('author', () => 5), apollo: 'loses data' },
  { name: 'a list for an object', fault: setAll('author', (author) => [author]), apollo: 'same' },
  { name: 'an object for a list', fault: setAll('reviews', (list) => ({ list })), apollo: 'loses data' },
  {
    name: 'errors that are no list',
    fault: withErrors({ message: 'no' }),
    apollo: 'loses data',
  },
  {
    name: 'errors that are no objects',
    fault: withErrors([null, 'x', 5]),
    apollo: 'loses data',
  },
  {
    name: 'a path that is no list',
    fault: withErrors([{ message: 'no', path: { a: 1 } }]),
    apollo: 'loses data',
  },
  {
    name: 'keys that every object inherits',
    fault: raw(
      '{"data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"_entities":[],"latest":[]}}',
    ),
    apollo: 'same',
  },
  {
    name: 'an answer over the limit of size',
    fault: raw(`{"data":{"x":"${'x'.repeat(BIG)}"}}`),
    apollo: 'same',
  },
  {
    name: 'more errors than anyone reads',
    fault: withErrors(Array.from({ length: MANY }, () => ({ message: 'no' }))),
    apollo: 'same',
  },
];

/** JSON of an object nested as deep as no walk that recurs can follow. */
export function deepJson(): string {
  return `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`;
}
