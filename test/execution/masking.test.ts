import { describe, expect, it } from 'vitest';
import { maskingFor, seenCounts } from '../../src/execution/sensitive-values.ts';
import { compose, understand } from '../operation/graph-kit.ts';
import { shape, type Viewed } from './execution-kit.ts';
import { UNMASKING } from './masking-kit.ts';

const GRAPH = compose(`
  type Query { me: Person people: [Person!] any: [Any] node: Node }
  interface Node { id: ID! secret: String }
  type Person implements Node {
    id: ID! @sensitive(class: PERSONAL, mask: HASH)
    name: String
    iban: String! @sensitive(class: FINANCIAL, mask: PARTIAL)
    note: String @sensitive(class: HEALTH)
    must: String! @sensitive(class: HEALTH)
    both: String @sensitive(class: HEALTH) @sensitive(class: SECRET)
    secret: String @sensitive(class: SECRET)
    numbers: [Int]! @sensitive(class: SECRET)
    words: [String!]! @sensitive(class: SECRET)
    doctor: Person @sensitive(class: HEALTH)
  }
  type Robot implements Node { id: ID! secret: String }
  union Any = Person | Robot
`);

const ADA = {
  id: '1',
  name: 'Ada',
  iban: 'DE02120300000000202051',
  note: 'note',
  must: 'must',
  both: 'both',
  secret: 'secret',
  numbers: [1, 2],
  words: ['a', 'b'],
  doctor: { name: 'Who' },
};

function seen(text: string, scopes: readonly string[] = [], data: unknown = { me: ADA }): unknown {
  const { data: shown, misfits } = shape(GRAPH, { text, scopes, tenant: 'acme' }, data);
  expect(misfits).toEqual([]);
  return shown;
}

describe('a value that the caller must not see', () => {
  it.each([
    ['note', null],
    ['must', ''],
    ['both', null],
    ['iban', '******************2051'],
    ['numbers', [null, null]],
    ['words', ['', '']],
    ['doctor { name }', null],
  ])('is masked as its field says: %s', (field, value) => {
    expect(Object.values((seen(`{ me { ${field} } }`) as { me: object }).me)).toEqual([value]);
  });

  it.each([
    ['note', 'unmask:health', 'note'],
    ['iban', 'unmask:financial', ADA.iban],
    ['id', 'unmask:personal', '1'],
    ['numbers', 'unmask:secret', [1, 2]],
    ['words', 'unmask:secret', ['a', 'b']],
    ['doctor { name }', 'unmask:health', { name: 'Who' }],
  ])('is shown with the scope of its class, and not with others: %s', (field, scope, value) => {
    const of = (...scopes: string[]) =>
      Object.values((seen(`{ me { ${field} } }`, scopes) as { me: object }).me)[0];
    expect(of(scope)).toEqual(value);
    const others = [...UNMASKING.unmaskScopes.values()].filter((each) => each !== scope);
    expect(of(...others)).not.toEqual(value);
  });

  it('needs the scope of each of its classes', () => {
    expect(seen('{ me { both } }', ['unmask:health'])).toEqual({ me: { both: null } });
    expect(seen('{ me { both } }', ['unmask:secret'])).toEqual({ me: { both: null } });
    expect(seen('{ me { both } }', ['unmask:health', 'unmask:secret'])).toEqual({ me: { both: 'both' } });
  });

  it.each([
    ['an alias', '{ me { name: note } }', { me: { name: null } }],
    ['a fragment', '{ me { ...F } } fragment F on Person { note }', { me: { note: null } }],
    ['a list', '{ people { note } }', { people: [{ note: null }, { note: null }] }],
    ['a union', '{ any { ... on Person { note } } }', { any: [{ note: null }, {}] }],
    ['an interface', '{ node { secret } }', { node: { secret: null } }],
  ])('is masked through %s', (_, text, shown) => {
    const person = { __typename: 'Person', ...ADA };
    const renamed = { ...ADA, name: ADA.note };
    const any = [person, { __typename: 'Robot', secret: 'open' }];
    const data = { me: text.includes('name: note') ? renamed : ADA, people: [ADA, ADA], any, node: person };
    expect(seen(text, [], data)).toEqual(shown);
  });

  it('is not masked on a type that does not say so', () => {
    expect(seen('{ node { secret } }', [], { node: { __typename: 'Robot', secret: 'open' } })).toEqual({
      node: { secret: 'open' },
    });
  });

  it.each([
    ['1234567', '*******'],
    ['12345678', '****5678'],
    ['', ''],
    ['👩‍🚀🦄🦄🦄🦄🦄🦄🦄', '******🦄🦄🦄🦄'],
  ])('shows its last four characters where there are enough: %s', (iban, shown) => {
    expect(seen('{ me { iban } }', [], { me: { ...ADA, iban } })).toEqual({ me: { iban: shown } });
  });

  it('has a digest that is equal for equal values of one tenant, and for no others', () => {
    const digest = (id: unknown, tenant: string) =>
      String(Object(shape(GRAPH, { text: '{ me { id } }', tenant }, { me: { id } }).data?.['me']).id);
    expect(digest('1', 'acme')).toBe(digest('1', 'acme'));
    expect(digest(1, 'acme')).toBe(digest('1', 'acme'));
    const others = [digest('2', 'acme'), digest('1', 'globex'), digest('e1', 'acm'), digest('1', '')];
    expect(new Set([...others, digest('1', 'acme')]).size).toBe(5);
    expect(digest('1', 'acme')).toMatch(/^[\w-]{22}$/u);
  });

  it('is not told by where it does not fit either', () => {
    const { data, misfits } = shape(
      GRAPH,
      { text: '{ me { note doctor { name } } }' },
      { me: { note: 7, doctor: 'x' } },
    );
    expect([data, misfits]).toEqual([{ me: { note: null, doctor: null } }, []]);
  });
});

describe('the values that a caller sees', () => {
  const viewed = (scopes: readonly string[]): Viewed => ({ text: '{ people { note both iban } }', scopes });
  const countsOf = (scopes: readonly string[]) => {
    const data = { people: [ADA, { ...ADA, note: null }, ADA] };
    const { counts } = shape(GRAPH, viewed(scopes), data);
    const { sensitive } = understand(GRAPH, viewed([]).text).variant('').audited;
    const masking = maskingFor({ scopes: new Set(scopes), tenant: 'acme' }, UNMASKING);
    return counts === null ? null : seenCounts(counts, sensitive, masking).sensitive;
  };

  it.each([
    [[], {}],
    [['unmask:health'], { HEALTH: 2 }],
    [['unmask:health', 'unmask:secret'], { HEALTH: 5, SECRET: 3 }],
    [['unmask:financial'], { FINANCIAL: 3 }],
  ])('are counted by class, nulls not, for who has %s', (scopes, expected) => {
    expect(countsOf(scopes)).toEqual(expected);
  });
});
