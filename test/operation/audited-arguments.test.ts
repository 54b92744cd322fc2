import { describe, expect, it } from 'vitest';
import { coordinateRecords } from '../../src/audit/coordinate-records.ts';
import type { ArgumentOutcome } from '../../src/audit/event.ts';
import { publishedText } from '../../src/audit/published-event.ts';
import { type AuditParts, auditEvent } from '../../src/audit/recorder.ts';
import { digestArgument, digestArguments } from '../../src/digest-arguments.ts';
import { membersOf } from '../../src/list-members.ts';
import {
  ARGUMENT_CHARS_MAX,
  ArgumentReader,
  type ArgumentValue,
  OVERSIZED,
} from '../../src/operation/argument-value.ts';
import { AUDITED_ARGUMENTS_MAX } from '../../src/operation/audited-arguments.ts';
import { coerceVariables } from '../../src/operation/variables.ts';
import { linesOf, PARTS } from '../audit/fixtures.ts';
import { compiled, compose, understand } from './graph-kit.ts';

const GRAPH = compose(`
  type Query {
    order(id: ID!): Int @audit(level: DETAILED)
    orders(ids: [ID!], first: Int = 10): Int @audit(level: FULL)
    find(filter: Filter): Int @audit(level: DETAILED)
    raw(json: Json): Int @audit(level: DETAILED)
    login(name: String, password: String @sensitive(class: SECRET), pin: String @audit(redact: true)): Int
      @audit(level: DETAILED)
    quiet(id: ID): Int
    one(id: ID @audit(level: DETAILED), other: ID): Int
    used(id: ID @audit): Int
    but(id: ID @audit(level: NONE), other: ID): Int @audit(level: DETAILED)
    hidden(id: ID): Int @audit(level: DETAILED, redact: true)
    none(id: ID): Int @audit(level: NONE)
    things: [Thing]
  }
  interface Thing { part(key: ID = "k"): Int @audit(level: DETAILED) }
  type A implements Thing { part(key: ID = "k"): Int }
  type B implements Thing { part(key: ID = "k"): Int }
  input Filter { text: String and: [Filter!] size: Int = 3 kind: Kind on: Boolean }
  enum Kind { SMALL LARGE }
  scalar Json
`);
const KEY = new Uint8Array(32).fill(7);
const LIMITS = { aliases: 10_000, rootFields: 10_000 };

interface Asked {
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly tenant?: string | null;
  readonly key?: Uint8Array;
}

/** `Type.field.argument` with what is recorded of it, in the order of the operation. */
function recorded(text: string, { variables: given = {}, tenant = 'acme', key = KEY }: Asked = {}) {
  const operation = compiled(GRAPH, text, { limits: LIMITS });
  const variables = coerceVariables(operation, given, GRAPH);
  const outcomes = digestArguments({ operation, variables }, { tenant }, { key, ofMembers: false });
  return operation.auditedArguments.listed.map(({ slot, name }, index) => [
    `${operation.coordinates[slot]}.${name}`,
    outcomes?.[index] ?? null,
  ]);
}

/** The one outcome of an operation that has one. */
function only(text: string, asked?: Asked): unknown {
  const all = recorded(text, asked);
  expect(all).toHaveLength(1);
  return all[0]?.[1];
}

const DIGEST = expect.stringMatching(/^[\w-]{22}$/u);

describe('an argument of a detailed field is recorded', () => {
  const literal = only('{ order(id: "7") }');

  it('by a digest, the same however the value was written', () => {
    expect(literal).toEqual(DIGEST);
    const same = [
      only('{ order(id: 7) }'),
      only('query ($id: ID!) { order(id: $id) }', { variables: { id: 7 } }),
      only('query ($id: ID! = "7") { order(id: $id) }'),
      only('{ a: order(id: "7") }'),
      only('{ ...F } fragment F on Query { ... on Query { x: order(id: "7") } }'),
    ];
    expect(new Set(same)).toEqual(new Set([literal]));
  });

  it.each<[string, string, string, unknown, Asked]>([
    ['a text', '{ order(id: 7) }', 'id', '7', {}],
    ['nobody', '{ order(id: 7) }', 'id', '7', { tenant: null }],
    ['a list', '{ orders(ids: 1, first: null) }', 'ids', ['1'], {}],
    ['an object', '{ find(filter: { text: "a" }) }', 'filter', { size: 3, text: 'a' }, {}],
    ['nothing', '{ order: raw(json: null) }', 'json', null, {}],
  ])(
    'by the digest that who knows the value and holds the key gets of it: %s',
    (_, text, name, value, asked) => {
      const [[coordinate = '', expected] = []] = recorded(text, asked);
      const field = String(coordinate).slice(0, -name.length - 1);
      const { tenant = 'acme' } = asked;
      const domain = { tenant, argument: `${field}(${name}:)` };
      expect(digestArgument(value, domain, KEY)).toBe(expected);
      expect(digestArgument(value, domain, new Uint8Array(32))).not.toBe(expected);
      expect(digestArgument('another', domain, KEY)).not.toBe(expected);
    },
  );

  it.each([
    ['another value', '{ order(id: "8") }', {}],
    ['another tenant', '{ order(id: "7") }', { tenant: 'globex' }],
    ['no tenant', '{ order(id: "7") }', { tenant: null }],
    ['a tenant of that name', '{ order(id: "7") }', { tenant: 'null' }],
    ['another argument', '{ orders(ids: "7", first: null) }', {}],
    ['another key', '{ order(id: "7") }', { key: new Uint8Array(32) }],
  ])('with another digest for %s', (_, text, asked) => {
    const [first] = recorded(text, asked);
    expect(first?.[1]).toEqual(DIGEST);
    expect(first?.[1]).not.toBe(literal);
  });

  it('once for each value that its aliases give it', () => {
    const all = recorded('{ a: order(id: 1) b: order(id: 2) c: order(id: 1) }');
    expect(all.map(([name]) => name)).toEqual(['Query.order.id', 'Query.order.id']);
    expect(new Set(all.map(([, outcome]) => outcome)).size).toBe(2);
  });

  it('with its default where it is not given, and the same as where that is given', () => {
    const absent = recorded('{ orders }');
    expect(absent).toEqual([['Query.orders.first', DIGEST]]);
    expect(recorded('{ orders(first: 10) }')).toEqual(absent);
    expect(recorded('query ($n: Int) { orders(first: $n) }')).toEqual(absent);
    expect(recorded('query ($n: Int) { orders(first: $n) }', { variables: { n: null } })).not.toEqual(absent);
  });

  it('as not given where a variable brings nothing', () => {
    expect(recorded('query ($ids: [ID!]) { orders(ids: $ids) }')).toEqual([
      ['Query.orders.ids', null],
      ['Query.orders.first', DIGEST],
    ]);
  });

  it('as not given where its field is switched off', () => {
    const text = 'query ($id: ID!, $on: Boolean!) { order(id: $id) @include(if: $on) }';
    expect(only(text, { variables: { id: 1, on: false } })).toBeNull();
    expect(only(text, { variables: { id: 1, on: true } })).toEqual(DIGEST);
    expect(recorded('{ order(id: 1) @skip(if: true) quiet }')).toEqual([]);
  });

  it('with lists and objects whole, whatever of them variables bring', () => {
    const whole = only('{ find(filter: { text: "a", and: [{ on: true, kind: LARGE, size: 3 }], size: 3 }) }');
    const filter = { and: { kind: 'LARGE', on: true }, text: 'a' };
    const pieces =
      'query ($t: String, $k: Kind, $s: Int) { find(filter: { and: { kind: $k, on: true, size: $s }, text: $t }) }';
    expect([
      only('query ($f: Filter) { find(filter: $f) }', { variables: { f: filter } }),
      only(pieces, { variables: { t: 'a', k: 'LARGE' } }),
    ]).toEqual([whole, whole]);
    expect(only(pieces, { variables: { t: 'a', k: 'LARGE', s: 4 } })).not.toBe(whole);
    expect(only(pieces, { variables: { t: 'a' } })).not.toBe(whole);
    const items = 'query ($a: ID!, $b: ID!) { orders(ids: [$a, $b], first: null) }';
    const [listed] = recorded(items, { variables: { a: 1, b: 2 } });
    expect(listed).toEqual(recorded('{ orders(ids: [1, "2"], first: null) }')[0]);
    expect(listed).not.toEqual(recorded(items, { variables: { a: 2, b: 1 } })[0]);
  });

  it('with values of its own scalars in one order of keys, and those of prototypes like any other', () => {
    const text = 'query ($j: Json) { raw(json: $j) }';
    const of = (json: string) => only(text, { variables: { j: JSON.parse(json) } });
    const value = of('{"a":1,"__proto__":{"x":2},"constructor":[]}');
    expect(of('{"constructor":[],"__proto__":{"x":2},"a":1}')).toBe(value);
    expect(of('{"a":1,"constructor":[]}')).not.toBe(value);
    expect(only('query ($x: Int) { raw(json: { a: [1, $x] }) }', { variables: { x: 2 } })).toBe(
      of('{"a":[1,2]}'),
    );
    expect(of('"1"')).not.toBe(of('1'));
  });

  it('on every concrete type that an interface may be, by itself', () => {
    const all = recorded('{ things { part(key: "z") } }');
    expect(all.map(([name]) => name)).toEqual(['A.part.key', 'B.part.key']);
    expect(new Set(all.map(([, outcome]) => outcome)).size).toBe(2);
    expect(recorded('{ things { ... on B { part } } }')).toEqual([['B.part.key', DIGEST]]);
  });
});

describe('an argument', () => {
  it.each([
    ['of a field that nothing is said of', '{ quiet(id: 1) }'],
    ['of a field that is not recorded', '{ none(id: 1) }'],
    ['beside one that is recorded', '{ one(other: 1) }'],
    ['that is kept out itself', '{ but(id: 1) }'],
  ])('%s is not recorded, and costs nothing', (_, text) => {
    const operation = compiled(GRAPH, text);
    expect(operation.auditedArguments).toEqual({ listed: [], truncated: 0 });
    expect(
      digestArguments({ operation, variables: {} }, { tenant: 'acme' }, { key: KEY, ofMembers: true }),
    ).toBeNull();
  });

  it.each([
    ['that its own rule names', '{ one(id: 1) }', 'Query.one.id'],
    ['beside one that is kept out', '{ but(other: 1) }', 'Query.but.other'],
  ])('%s is recorded by a digest', (_, text, name) => {
    expect(recorded(text)).toEqual([[name, DIGEST]]);
  });

  it.each([
    ['that is redacted', 'query ($v: String) { login(pin: $v) }'],
    ['that is sensitive', 'query ($v: String) { login(password: $v) }'],
    ['of a field that is redacted', 'query ($v: ID) { hidden(id: $v) }'],
    ['whose use alone is recorded', 'query ($v: ID) { used(id: $v) }'],
  ])('%s is only told to have been given', (_, text) => {
    expect([only(text, { variables: { v: 'x' } }), only(text)]).toEqual(['redacted', null]);
    expect(only(text.replace(/^.*?\{/u, '{').replace('$v', '"x"'))).toBe('redacted');
  });

  it('is oversized where its variable nests too deep', () => {
    const nested = `${'['.repeat(100)}${']'.repeat(100)}`;
    const text = 'query ($j: Json) { a: raw(json: $j) b: raw(json: [$j]) }';
    const all = recorded(text, { variables: { j: JSON.parse(nested) } });
    expect(all.map(([, outcome]) => outcome)).toEqual(['oversized', 'oversized']);
  });

  it('that is huge is recorded, and those after the bound of one request are oversized', () => {
    const variables = { j: 'x'.repeat(ARGUMENT_CHARS_MAX / 2) };
    const text =
      'query ($j: Json) { a: raw(json: $j) b: raw(json: [$j]) c: raw(json: [$j, $j, $j]) d: raw(json: 1) }';
    expect(recorded(text, { variables }).map(([, outcome]) => outcome)).toEqual([
      DIGEST,
      'oversized',
      'oversized',
      'oversized',
    ]);
  });

  it.each([
    ['given', 'y', '["y"]'],
    ['oversized', 'x'.repeat(ARGUMENT_CHARS_MAX + 1), OVERSIZED],
  ])('that stands on many types is put together once for a request, also where it is %s', (_, x, text) => {
    let reads = 0;
    const list: ArgumentValue = {
      kind: 'list',
      get items() {
        reads += 1;
        return [{ kind: 'variable', name: 'x' } as const];
      },
    };
    const reader = new ArgumentReader({ x });
    expect([reader.read(list, null), reader.read(list, null)]).toEqual([text, text]);
    expect(reads).toBe(1);
  });

  it('that stands on many types is one value to all of them', () => {
    const { listed } = understand(GRAPH, 'query ($k: ID) { things { part(key: $k) } }').facts
      .auditedArguments;
    expect(listed.map(({ value }) => value)).toEqual([listed[0]?.value, listed[0]?.value]);
    expect(listed[1]?.value).toBe(listed[0]?.value);
  });

  it('is counted and not recorded beyond as many as are', () => {
    const fields = Array.from({ length: AUDITED_ARGUMENTS_MAX + 2 }, (_, id) => `a${id}: order(id: ${id})`);
    const { listed, truncated } = understand(GRAPH, `{ ${fields.join(' ')} }`, { limits: LIMITS }).facts
      .auditedArguments;
    expect([listed.length, truncated]).toEqual([AUDITED_ARGUMENTS_MAX, 2]);
  });

  it('is known to name something by its type, or by what it is called', () => {
    const { listed } = understand(GRAPH, '{ orders(ids: 1) login(name: "n") }').facts.auditedArguments;
    expect(listed.map(({ name, isId }) => [name, isId])).toEqual([
      ['ids', true],
      ['first', false],
      ['name', false],
    ]);
  });
});

/** What a request leaves in the log, and what of it leaves the log. */
async function written(text: string, given: Readonly<Record<string, unknown>>) {
  const operation = compiled(GRAPH, text);
  const variables = coerceVariables(operation, given, GRAPH);
  const outcomes = digestArguments(
    { operation, variables },
    { tenant: 'acme' },
    { key: KEY, ofMembers: true },
  );
  const slots = operation.coordinates.map(() => 1);
  const event = auditEvent({
    ...PARTS,
    ...{ operation, arguments: outcomes, variant: await operation.planFor('') },
    counts: { resolved: slots, sizes: slots, exceptions: [], sensitive: {} },
  } satisfies AuditParts);
  return { event, lines: [...linesOf(event), publishedText(event)] };
}

describe('an event', () => {
  it('tells with each coordinate what was given for its arguments', async () => {
    const { event } = await written(
      'query ($p: String) { a: order(id: 1) b: order(id: 2) login(pin: $p) }',
      {},
    );
    expect(coordinateRecords(event).map((each) => [each.coordinate, each.arguments])).toEqual([
      [
        'Query.order',
        [
          { name: 'id', value: DIGEST },
          { name: 'id', value: DIGEST },
        ],
      ],
      ['Query.login', []],
    ]);
  });

  it('has no record and no count of what is not to be recorded', async () => {
    const { event } = await written('{ quiet none }', {});
    expect(coordinateRecords(event).map(({ coordinate }) => coordinate)).toEqual(['Query.quiet']);
    expect(event.counts).toMatchObject({ resolved: [1, 0], sizes: [1, 0] });
  });

  it('holds no value that was planted in a literal, a variable, a default, a list or an object', async () => {
    const text = `query ($v: ID!, $d: String = "planted-default", $f: Filter, $j: Json, $p: String) {
      a: order(id: $v) b: order(id: "planted-literal") orders(ids: ["planted-item", $v])
      c: find(filter: $f) e: find(filter: { text: $d, and: { text: "planted-inner" } })
      raw(json: $j) login(name: "planted-name", password: $p, pin: "planted-pin") hidden(id: "planted-id")
    }`;
    const { event, lines } = await written(text, {
      ...{ v: 'planted-variable', p: 'planted-password', f: { text: 'planted-field' } },
      j: { 'planted-key': ['planted-scalar'] },
    });
    expect(event.arguments).toHaveLength(11);
    for (const line of lines) expect(line).not.toContain('planted');
    expect(lines[2]).toContain('redacted');
  });
});

describe('members of a list of ids', () => {
  function membersIn(text: string, given: Readonly<Record<string, unknown>> = {}, ofMembers = true) {
    const operation = compiled(GRAPH, text);
    const variables = coerceVariables(operation, given, GRAPH);
    const outcomes = digestArguments({ operation, variables }, { tenant: 'acme' }, { key: KEY, ofMembers });
    return { outcomes: outcomes as readonly ArgumentOutcome[], members: membersOf(outcomes ?? []) };
  }

  it('have digests of their own beside that of the list, equal for equal ids', () => {
    const { members } = membersIn('query ($v: [ID!]) { orders(ids: $v) }', { v: ['1', '2', '1'] });
    const [digests] = [...(members?.values() ?? [])];
    expect(members?.size).toBe(1);
    expect(digests?.map((digest) => digest.length)).toEqual([22, 22, 22]);
    expect(new Set(digests).size).toBe(2);
    const written = membersIn('{ orders(ids: ["2", 3]) }').members;
    expect([...(written?.values() ?? [])][0]?.[0]).toBe(digests?.[1]);
  });

  it('are no part of what is recorded', () => {
    const { outcomes, members } = membersIn('{ orders(ids: ["1", "2"]) }');
    const [digests = []] = [...(members?.values() ?? [])];
    expect(digests).toHaveLength(2);
    for (const digest of digests) expect(JSON.stringify(outcomes)).not.toContain(digest);
  });

  it('go with the event of the request to who watches it', async () => {
    const { event } = await written('{ orders(ids: ["1", "2"]) }', {});
    expect([...(membersOf(event.arguments ?? [])?.values() ?? [])].map(({ length }) => length)).toEqual([2]);
  });

  it('are no more than a thousand in a request, however many lists there are, and then the list counts itself', () => {
    const v = Array.from({ length: 700 }, (_, index) => `id-${index}`);
    const { members } = membersIn(
      'query ($v: [ID!], $w: [ID!], $x: [ID!]) { a: orders(ids: $v) b: orders(ids: $w) c: orders(ids: $x) }',
      { v, w: [...v, '1'], x: ['2'] },
    );
    expect([...(members?.values() ?? [])].map(({ length }) => length)).toEqual([700, 301]);
  });

  it.each([
    ['where nobody counts them', '{ orders(ids: ["1", "2"]) }', false],
    ['of a single id', '{ order(id: 7) }', true],
    ['of what is no id', '{ raw(json: [1, 2]) }', true],
    ['of what is redacted', '{ hidden(id: 1) }', true],
  ])('are not digested %s', (_, text, ofMembers) => {
    expect(membersIn(text, {}, ofMembers).members).toBeNull();
  });
});
