import { describe, expect, it } from 'vitest';
import { compose, maskOf, understand } from './graph-kit.ts';
import { without } from './without.ts';

describe('protected values as arguments', () => {
  const RECURSIVE = '{ and: [{ and: [{ text: "x" }, { role: USER }] }] }';

  it.each([
    ['a literal', '{ node(role: ADMIN) { id } }', {}],
    ['a literal in an input object', '{ node(filter: { role: ADMIN }) { id } }', {}],
    ['a literal deep in a recursive input object', `{ node(filter: ${RECURSIVE}) { id } }`, {}],
    ['a literal where a list is taken', '{ node(filter: { and: { role: ADMIN } }) { id } }', {}],
    ['a variable', 'query($r: Role) { node(role: $r) { id } }', { r: 'USER' }],
    ['a variable that must not be null', 'query($r: Role!) { node(role: $r) { id } }', { r: 'USER' }],
    [
      'a variable in an object literal',
      'query($r: Role) { node(filter: { role: $r }) { id } }',
      { r: 'USER' },
    ],
    ['the default of a variable', 'query($r: Role = USER) { node(role: $r) { id } }', {}],
    [
      'the default of an input variable',
      'query($f: Filter = { role: USER }) { node(filter: $f) { id } }',
      {},
    ],
    ['an input variable', 'query($f: Filter) { node(filter: $f) { id } }', { f: { role: 'USER' } }],
    [
      'a recursive input variable',
      'query($f: Filter) { node(filter: $f) { id } }',
      { f: { and: [{ and: [{}, { role: 'ADMIN' }] }] } },
    ],
    [
      'a variable in a list literal',
      'query($f: Filter!) { node(filter: { and: [{ text: "x" }, $f] }) { id } }',
      { f: { role: 'ADMIN' } },
    ],
    [
      'a variable for a list, given one item',
      'query($f: [Filter!]) { node(filter: { and: $f }) { id } }',
      { f: { role: 'USER' } },
    ],
  ])('are judged in %s', (_, text, variables) => {
    expect(without(text, ['role'], variables)).toEqual({ text: null, removed: ['Query.node node'] });
    expect(without(text, ['token'], variables).removed).toEqual([]);
  });

  it.each([
    ['in nested lists', '{ grid(tokens: [[], ["t"]]) { id } }', {}],
    ['as one item for nested lists', '{ grid(tokens: "t") { id } }', {}],
    ['in a list variable', 'query($t: [[Token!]]) { grid(tokens: $t) { id } }', { t: [null, ['t']] }],
    [
      'in a variable for an inner list',
      'query($t: [Token!]) { grid(tokens: [[], $t]) { id } }',
      { t: ['t'] },
    ],
    [
      'in a variable for one item',
      'query($t: Token!) { grid(tokens: [[$t]]) { id } }',
      { t: { any: 'shape' } },
    ],
  ])('are judged %s', (_, text, variables) => {
    expect(without(text, ['token'], variables)).toEqual({ text: null, removed: ['Query.grid grid'] });
  });

  it.each([
    ['null', '{ node(role: null) { id } }', {}],
    ['an object without them', '{ node(filter: { text: "x", and: [{ text: "y" }] }) { id } }', {}],
    ['null in an object', '{ node(filter: { role: null, tokens: null }) { id } }', {}],
    ['an empty list', '{ grid(tokens: [[]]) { id } }', {}],
    ['a list of null', '{ grid(tokens: [null]) { id } }', {}],
    ['a variable that is null', 'query($r: Role) { node(role: $r) { id } }', { r: null }],
    ['a variable that is absent', 'query($r: Role) { node(role: $r) { id } }', {}],
    ['null over a default', 'query($r: Role = ADMIN) { node(role: $r) { id } }', { r: null }],
    ['an input variable without them', 'query($f: Filter) { node(filter: $f) { id } }', { f: { text: 'x' } }],
    [
      'a recursive input variable without them',
      'query($f: Filter) { node(filter: $f) { id } }',
      { f: { and: [{ and: [{ text: 'x', role: null, tokens: [] }] }] } },
    ],
    [
      'a variable for inner lists of nothing',
      'query($t: [[Token!]]) { grid(tokens: $t) { id } }',
      { t: [[], null] },
    ],
    ['the default of the schema', '{ count }', {}],
  ])('are not seen in %s', (_, text, variables) => {
    const { text: emitted, removed } = without(text, ['role', 'token'], variables);
    expect(removed).toEqual([]);
    expect(emitted).not.toBeNull();
  });

  it('do not matter in a field that is switched off', () => {
    const text = 'query($a: Boolean!) { count x: count(role: ADMIN) @include(if: $a) }';
    expect(without(text, ['role'], { a: false }).removed).toEqual([]);
    expect(without(text, ['role'], { a: true }).removed).toEqual(['Query.count x']);
  });

  it('are judged in an argument of an interface field on every concrete type', () => {
    const graph = compose(`type Query { n: N } interface N { x(role: Role): Int }
      type A implements N { x(role: Role): Int } type B implements N { x(role: Role): Int }
      enum Role @requiresScopes(scopes: [["role"]]) { ADMIN }`);
    const understood = understand(graph, '{ n { x(role: ADMIN) } }');
    expect(understood.variant(maskOf(understood, {}, () => true)).text).not.toContain('ADMIN');
  });

  it('are described no larger than the schema where input types refer to each other', () => {
    const names = Array.from({ length: 14 }, (_, i) => `I${i}`);
    const inputs = names.map(
      (name) => `input ${name} { leaf: Int ${names.map((to) => `to${to}: ${to}`).join(' ')} }`,
    );
    const graph = compose(
      `type Query { x(i: I0): String } enum Role @requiresScopes(scopes: [["role"]]) { ADMIN } ${inputs.join(' ').replace('leaf: Int', 'leaf: Role')}`,
    );
    const understood = understand(graph, 'query($i: I0) { x(i: $i) }');
    const isRefused = (i: unknown) => maskOf(understood, { i }, () => true) !== '';
    expect(isRefused({ toI3: { toI7: { toI0: { leaf: 'ADMIN' } } } })).toBe(true);
    expect(isRefused({ toI3: { leaf: 1, toI7: { toI9: { toI0: { leaf: null } } } } })).toBe(false);
  });

  it('are not confused by inherited names', () => {
    const graph = compose(`type Query { x(i: I): String } input I { constructor: Role toString: I }
      enum Role @requiresScopes(scopes: [["role"]]) { ADMIN }`);
    const understood = understand(graph, 'query($i: I) { x(i: $i) }');
    expect(maskOf(understood, { i: {} }, () => true)).toBe('');
    expect(maskOf(understood, { i: { toString: { constructor: 'ADMIN' } } }, () => true)).not.toBe('');
  });
});
