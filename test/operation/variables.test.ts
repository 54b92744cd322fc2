import { describe, expect, it } from 'vitest';
import { coerceVariables } from '../../src/operation/variables.ts';
import { compiled, compose, refusalOf } from './graph-kit.ts';

const GRAPH = compose(`
  type Query {
    x(int: Int, float: Float, text: String, flag: Boolean, id: ID, role: Role, input: Input, list: [Int!], grid: [[Int]], json: Json): Int
  }
  enum Role { ADMIN HIDDEN @inaccessible }
  scalar Json
  input Input { need: Int! name: String = "default" nested: [Input!] secretField: Int @inaccessible }
`);
const SECRET = 'hunter2-secret';

const coerce = (type: string, argument: string, given: Readonly<Record<string, unknown>>) =>
  coerceVariables(compiled(GRAPH, `query($v: ${type}) { x(${argument}: $v) }`), given, GRAPH);

describe('variables', () => {
  it.each(
    [
      ['Int', 'int', SECRET, 'v'],
      ['Int', 'int', 1.5, 'v'],
      ['Int', 'int', 2_147_483_648, 'v'],
      ['Int', 'int', '1', 'v'],
      ['Int', 'int', true, 'v'],
      ['Int', 'int', [1], 'v'],
      ['Int', 'int', {}, 'v'],
      ['Float', 'float', SECRET, 'v'],
      ['Float', 'float', Number.NaN, 'v'],
      ['String', 'text', 1, 'v'],
      ['String', 'text', { toString: SECRET }, 'v'],
      ['Boolean', 'flag', 'true', 'v'],
      ['Boolean', 'flag', 0, 'v'],
      ['ID', 'id', 1.5, 'v'],
      ['ID', 'id', true, 'v'],
      ['Role', 'role', SECRET, 'v'],
      ['Role', 'role', 'HIDDEN', 'v'],
      ['Role', 'role', 'constructor', 'v'],
      ['Role', 'role', 0, 'v'],
      ['Input', 'input', SECRET, 'v'],
      ['Input', 'input', [], 'v.0'],
      ['Input', 'input', {}, 'v'],
      ['Input', 'input', { need: null }, 'v.need'],
      ['Input', 'input', { need: SECRET }, 'v.need'],
      ['Input', 'input', { need: 1, [SECRET]: 1 }, 'v'],
      ['Input', 'input', { need: 1, secretField: 1 }, 'v'],
      ['Input', 'input', JSON.parse('{"need":1,"__proto__":{"need":2}}'), 'v'],
      ['Input', 'input', { need: 1, constructor: 1 }, 'v'],
      ['Input', 'input', { need: 1, nested: [{ need: 1 }, { need: SECRET }] }, 'v.nested.1.need'],
      ['[Int!]', 'list', [1, null], 'v.1'],
      ['[Int!]', 'list', [1, SECRET], 'v.1'],
      ['[[Int]]', 'grid', [[1], [SECRET]], 'v.1.0'],
    ].filter(([, , value]) => !(Array.isArray(value) && value.length === 0)),
  )('refuse a value for %s in %s: %j, naming the place and not the value', (type, argument, value, place) => {
    const error = refusalOf(() => coerce(type as string, argument as string, { v: value }));
    expect(error.code).toBe('BAD_USER_INPUT');
    expect(error.details[0]?.message).toBe(`Variable "$v" has an invalid value at "${place}".`);
    expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain('hunter2');
  });

  it.each([
    ['Int', 'int', 2_147_483_647, 2_147_483_647],
    ['Int', 'int', -2_147_483_648, -2_147_483_648],
    ['Float', 'float', 1, 1],
    ['ID', 'id', 7, '7'],
    ['Role', 'role', 'ADMIN', 'ADMIN'],
    ['Int', 'int', null, null],
    ['[Int!]', 'list', 3, [3]],
    ['[[Int]]', 'grid', [1, null, [2]], [[1], null, [2]]],
    ['Input', 'input', { need: 1 }, { need: 1, name: 'default' }],
    ['Input', 'input', { need: 1, name: null }, { need: 1, name: null }],
    ['Json', 'json', { any: ['thing'] }, { any: ['thing'] }],
  ])('coerce %s in %s from %j', (type, argument, value, expected) => {
    expect(coerce(type, argument, { v: value })['v']).toEqual(expected);
  });

  it('refuse a missing value where one is required, naming it', () => {
    const error = refusalOf(() => coerce('Int!', 'int', {}));
    expect(error.details[0]?.message).toBe('Variable "$v" of required type "Int!" was not provided.');
    expect(refusalOf(() => coerce('Int!', 'int', { v: undefined })).code).toBe('BAD_USER_INPUT');
    expect(refusalOf(() => coerce('Int!', 'int', { v: null })).code).toBe('BAD_USER_INPUT');
  });

  it('take defaults only where nothing is given', () => {
    expect(coerce('Int = 5', 'int', {})).toEqual({ v: 5 });
    expect(coerce('Int = 5', 'int', { v: null })).toEqual({ v: null });
    expect(coerce('Int! = 5', 'int', {})).toEqual({ v: 5 });
    expect(refusalOf(() => coerce('Int! = 5', 'int', { v: null })).code).toBe('BAD_USER_INPUT');
    expect(coerce('Int = null', 'int', {})).toEqual({ v: null });
    expect('v' in coerce('Int', 'int', {})).toBe(false);
  });

  it('keep only what the operation declares', () => {
    expect(Object.keys(coerce('Int', 'int', { v: 1, admin: true, __proto__: { w: 1 } }))).toEqual(['v']);
  });

  it('never find an inherited value', () => {
    const inherited = Object.create({ v: 1 }) as Record<string, unknown>;
    expect('v' in coerce('Int', 'int', inherited)).toBe(false);
    const values = coerceVariables(
      compiled(
        GRAPH,
        'query($constructor: String, $toString: String) { x(text: $constructor) y: x(text: $toString) }',
      ),
      {},
      GRAPH,
    );
    expect(Object.getPrototypeOf(values)).toBeNull();
    expect(Object.keys(values)).toEqual([]);
  });

  it('tell at most ten faults', () => {
    const names = Array.from({ length: 30 }, (_, i) => `v${i}`);
    const text = `query(${names.map((name) => `$${name}: Int`).join(' ')}) { ${names.map((name) => `${name}: x(int: $${name})`).join(' ')} }`;
    const operation = compiled(GRAPH, text, { limits: { aliases: 30 } });
    const given = Object.fromEntries(names.map((name) => [name, SECRET]));
    expect(refusalOf(() => coerceVariables(operation, given, GRAPH)).details).toHaveLength(10);
  });

  it.each(['@skip', '@include'])(
    'refuse null for what decides %s, which would leave open what runs',
    (directive) => {
      const text = `query($v: Boolean = true) { x ${directive}(if: $v) y: x }`;
      const operation = compiled(GRAPH, text);
      expect(coerceVariables(operation, {}, GRAPH)).toEqual({ v: true });
      const error = refusalOf(() => coerceVariables(operation, { v: null }, GRAPH));
      expect(error).toMatchObject({
        code: 'BAD_USER_INPUT',
        details: [{ message: expect.stringContaining('"$v"') }],
      });
    },
  );
});
