import { describe, expect, it } from 'vitest';
import { Grants, type OpenCoordinates } from '../../src/control/grants.ts';
import type { ProductFacts } from '../../src/control/snapshot.ts';
import { compose } from '../operation/graph-kit.ts';
import { CLOSED, product } from './control-kit.ts';

const GRAPH = compose(`
  extend schema @link(url: "https://specs.apollo.dev/tag/v0.3", import: [{ name: "@tag", as: "@label" }])
  type Query { cat: Cat pets: [Pet!] any: Any open: String }
  interface Pet { id: ID! @label(name: "ids") name: String }
  type Cat implements Pet @label(name: "cats") { id: ID! name: String lives: Int }
  type Dog implements Pet { id: ID! name: String barks: Boolean @label(name: "loud") }
  union Any = Cat | Dog
`);
const ALL = [
  ...['Query.cat', 'Query.pets', 'Query.any', 'Query.open'],
  ...['Cat.id', 'Cat.name', 'Cat.lives', 'Dog.id', 'Dog.name', 'Dog.barks'],
];

function covered(
  products: readonly ProductFacts[],
  ids: readonly string[],
  open: Partial<OpenCoordinates> = {},
) {
  const grant = new Grants(products, GRAPH, { ...CLOSED, ...open }).of(ids);
  return ALL.filter((coordinate) => grant.covers(coordinate));
}
const of = (part: Partial<ProductFacts>) => covered([product('p', part)], ['prd_p']);

describe('a product', () => {
  it.each([
    ['a field', ['Query.cat'], ['Query.cat']],
    ['an object type', ['Cat'], ['Cat.id', 'Cat.name', 'Cat.lives']],
    ['an interface', ['Pet'], ['Cat.id', 'Cat.name', 'Dog.id', 'Dog.name']],
    ['a field of an interface', ['Pet.name'], ['Cat.name', 'Dog.name']],
    ['a union', ['Any'], ['Cat.id', 'Cat.name', 'Cat.lives', 'Dog.id', 'Dog.name', 'Dog.barks']],
    ['what the graph does not have', ['Nothing', 'Query.nothing', 'Pet.lives', 'String', '__Schema'], []],
    ['names of every object', ['__proto__', 'Query.constructor', 'Query.toString', '.', ''], []],
  ])('covers by naming %s', (_, coordinates, expected) => {
    expect(of({ coordinates })).toEqual(expected);
  });

  it.each([
    ['a type', 'cats', ['Cat.id', 'Cat.name', 'Cat.lives']],
    ['a field', 'loud', ['Dog.barks']],
    ['a field of an interface', 'ids', ['Cat.id', 'Dog.id']],
    ['nothing', 'none', []],
    ['nothing, though objects have the name', 'constructor', []],
  ])('covers by a tag on %s', (_, tag, expected) => {
    expect(of({ tags: [tag] })).toEqual(expected);
  });

  it.each([
    ['draft', []],
    ['published', ['Query.cat']],
    ['deprecated', ['Query.cat']],
    ['retired', []],
  ] as const)('that is %s covers what it should', (status, expected) => {
    expect(of({ status, coordinates: ['Query.cat'] })).toEqual(expected);
  });
});

describe('a grant', () => {
  const CATS = product('cats', { coordinates: ['Query.cat', 'Cat'] });
  const OPEN = product('open', { coordinates: ['Query.open'] });

  it('joins its products and nothing else', () => {
    expect(covered([CATS, OPEN], ['prd_open'])).toEqual(['Query.open']);
    expect(covered([CATS, OPEN], ['prd_cats', 'prd_open'])).toContain('Query.open');
    expect(covered([CATS, OPEN], ['prd_unknown', '__proto__'])).toEqual([]);
  });

  it('holds what is open to everybody', () => {
    expect(covered([CATS], [], { open: { coordinates: ['Query.open'], tags: ['loud'] } })).toEqual([
      'Query.open',
      'Dog.barks',
    ]);
  });

  it('holds what no product holds where config says so, and not what a product holds', () => {
    const free = covered([CATS], [], { uncovered: 'permit' });
    expect(free).toEqual(['Query.pets', 'Query.any', 'Query.open', 'Dog.id', 'Dog.name', 'Dog.barks']);
  });

  it('does not hold a coordinate that the graph does not have, whatever is permitted', () => {
    const grant = new Grants([], GRAPH, { ...CLOSED, uncovered: 'permit' }).of([]);
    expect([grant.covers('Query.new'), grant.covers('__proto__')]).toEqual([false, false]);
  });

  it('offers public published products by name, private ones to nobody', () => {
    const products = [
      product('z', { coordinates: ['Query.cat'] }),
      product('b', { coordinates: ['Query'] }),
      product('old', { coordinates: ['Query'], status: 'deprecated' }),
      product('secret', { coordinates: ['Query'], visibility: 'private' }),
    ];
    const grant = new Grants(products, GRAPH, CLOSED).of([]);
    expect(grant.offers('Query.cat')).toEqual([
      { id: 'prd_b', name: 'b' },
      { id: 'prd_z', name: 'z' },
    ]);
    expect(grant.offers('Cat.id')).toEqual([]);
  });

  it('hides what only private products hold from who does not have it', () => {
    const products = [
      product('secret', { coordinates: ['Query.cat', 'Query.open'], visibility: 'private' }),
      product('public', { coordinates: ['Query.open'] }),
    ];
    const grants = new Grants(products, GRAPH, CLOSED);
    const hidden = (ids: readonly string[]) => grants.of(ids).hidden;
    expect(hidden([])).toEqual(['Query.cat']);
    expect(hidden(['prd_secret'])).toEqual([]);
    expect(grants.of([]).hidesAny({ coordinates: ['Query.open', 'Query.cat'] })).toBe(true);
    expect(grants.of([]).hidesAny({ coordinates: ['Query.open', 'Query.any'] })).toBe(false);
    expect(grants.of(['prd_secret']).hidesAny({ coordinates: ['Query.cat'] })).toBe(false);
  });
});
