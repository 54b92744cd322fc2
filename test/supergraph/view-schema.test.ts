import fc from 'fast-check';
import {
  buildClientSchema,
  buildSchema,
  introspectionFromSchema,
  parse,
  validate,
  validateSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { viewSchema } from '../../src/supergraph/view-schema.ts';

const SCHEMA = buildSchema(`
  directive @open(mode: Mode) on FIELD
  directive @strict(mode: Mode!) on FIELD
  type Query {
    node: Node any: Any film: Film secret: Secret book: Book
    count(mode: Mode = ON, filter: Filter): Int needs(mode: Mode!): Int wants(input: Wants): Int
    deep: Deep
  }
  type Mutation { purge: Int }
  interface Node { id: ID! name: String }
  type Film implements Node { id: ID! name: String }
  type Book implements Node { id: ID! name: String }
  type Secret implements Node { id: ID! name: String }
  union Any = Film | Secret
  enum Mode { ON OFF }
  input Filter { mode: Mode text: String }
  input Wants { mode: Mode! }
  type Deep { secret: Secret }
`);

const without = (...hidden: readonly string[]) =>
  viewSchema(SCHEMA, (coordinate) => !hidden.includes(coordinate));
const fieldsOf = (hidden: readonly string[], type: string): readonly string[] => {
  const found = without(...hidden)?.getType(type);
  return found !== undefined && 'getFields' in found ? Object.keys(found.getFields()) : [];
};

describe('the view of a schema', () => {
  it('loses a hidden type, what returns it, and what is empty without it', () => {
    const view = without('Secret');
    expect(view?.getType('Secret')).toBeUndefined();
    expect(view?.getType('Deep')).toBeUndefined();
    expect(fieldsOf(['Secret'], 'Query')).not.toContain('secret');
    expect(fieldsOf(['Secret'], 'Query')).not.toContain('deep');
  });

  it('keeps the siblings of a hidden implementation or member', () => {
    const view = without('Secret');
    const names = (type: string) =>
      view?.getPossibleTypes(view.getType(type) as never).map(({ name }) => name);
    expect([names('Node'), names('Any')]).toEqual([['Film', 'Book'], ['Film']]);
  });

  it('loses an interface and a union of which no type is left', () => {
    const view = without('Secret', 'Film', 'Book');
    expect([view?.getType('Node'), view?.getType('Any')]).toEqual([undefined, undefined]);
  });

  it('loses a field of an interface that a visible type lacks, and only then', () => {
    expect(fieldsOf(['Secret.name'], 'Node')).toEqual(['id']);
    expect(fieldsOf(['Secret.name', 'Secret'], 'Node')).toEqual(['id', 'name']);
    expect(fieldsOf(['Secret.name', 'Secret.id'], 'Node')).toEqual(['id', 'name']);
  });

  it('loses arguments of a hidden type, and fields and inputs that cannot do without', () => {
    const view = without('Mode');
    const query = view?.getQueryType()?.getFields();
    expect(query?.['count']?.args.map(({ name }) => name)).toEqual(['filter']);
    expect(fieldsOf(['Mode'], 'Filter')).toEqual(['text']);
    expect([query?.['needs'], view?.getType('Wants')]).toEqual([undefined, undefined]);
    expect(query?.['wants']?.args).toEqual([]);
  });

  it('loses arguments of directives, and a directive that must have them', () => {
    const view = without('Mode');
    expect(view?.getDirective('open')?.args).toEqual([]);
    expect(view?.getDirective('strict')).toBeUndefined();
  });

  it('loses hidden values, and an enum without values', () => {
    expect(validate(without('Mode.OFF') ?? SCHEMA, parse('{ count(mode: OFF) }'))).toHaveLength(1);
    expect(without('Mode.OFF', 'Mode.ON')?.getType('Mode')).toBeUndefined();
  });

  it('has no mutations where none is left, and is null where no query is', () => {
    expect(without('Mutation.purge')?.getMutationType() ?? null).toBeNull();
    expect(without('Query')).toBeNull();
  });

  it('loses what nothing leads to', () => {
    expect(without('Query.count')?.getType('Filter')).toBeUndefined();
  });

  it('is a valid schema of visible parts only, whatever is hidden of whatever schema', () => {
    const tapes = fc.array(fc.nat(1_000_000), { minLength: 40, maxLength: 80 });
    fc.assert(
      fc.property(tapes, fc.nat(100), (tape, seed) => {
        const schema = buildSchema(randomSdl(tape));
        expect(validateSchema(schema)).toEqual([]);
        const hides = (coordinate: string) => (hashOf(coordinate) + seed) % 6 === 0;
        const view = viewSchema(schema, (coordinate) => !hides(coordinate));
        if (view === null) return;
        expect(validateSchema(view)).toEqual([]);
        const told = buildClientSchema(introspectionFromSchema(view));
        for (const type of Object.values(told.getTypeMap())) {
          if (type.name.startsWith('__') || ['Int', 'String', 'Boolean'].includes(type.name)) continue;
          expect(hides(type.name)).toBe(false);
          if (!('getFields' in type)) continue;
          for (const field of Object.keys(type.getFields()))
            expect(hides(`${type.name}.${field}`)).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });
});

function hashOf(text: string): number {
  let hash = 7;
  for (const char of text) hash = (hash * 31 + char.charCodeAt(0)) % 1_000_003;
  return hash;
}

/** A schema of objects, interfaces, unions, enums and inputs that lead to each other as the tape decides. */
function randomSdl(tape: readonly number[]): string {
  let at = 0;
  const pick = <T>(from: readonly T[]): T => from[(tape[at++ % tape.length] ?? 0) % from.length] as T;
  const outputs = ['Int', 'A', '[B!]', 'C!', 'I', '[J]', 'U', 'E', '[E!]!'];
  const inputs = ['Int', 'E', 'X', '[Y!]', 'E!', 'X!'];
  const shared = [`i: ${pick(outputs)}`, `j(e: ${pick(inputs)}): ${pick(outputs)}`];
  const own = (count: number) =>
    Array.from(
      { length: count },
      (_, n) => `f${n}(a: ${pick(inputs)}, b: ${pick(inputs)} ): ${pick(outputs)}`,
    ).join(' ');
  const object = (name: string) => {
    const implemented = pick([[], ['I'], ['J'], ['I', 'J']]);
    const head = implemented.length === 0 ? '' : `implements ${implemented.join(' & ')}`;
    return `type ${name} ${head} { ${shared.join(' ')} ${own(3)} }`;
  };
  return `type Query { ${own(6)} } type Mutation { ${own(2)} }
    interface I { ${shared[0]} } interface J { ${shared[1]} }
    ${['A', 'B', 'C'].map(object).join('\n')}
    union U = ${pick(['A', 'A | B', 'B | C'])} enum E { P Q }
    input X { e: ${pick(['E', 'E!', 'Int'])} y: [Y] } input Y { n: Int x: X e: ${pick(['E', 'E!'])} }`;
}
