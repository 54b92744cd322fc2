import {
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isObjectType,
} from 'graphql';

/** An operation with values for its variables. */
export interface RandomOperation {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

const FRAGMENT_TYPES = ['Node', 'Work', 'Book', 'Film', 'Person', 'Secret', 'Any'];
const SWITCHES = ['@include(if: $a)', '@skip(if: $a)', '@include(if: $b)', '@skip(if: $b)'];
const LITERALS = ['@include(if: true)', '@skip(if: true)', '@skip(if: false)', '@include(if: false)'];
const FRAGMENTS: Readonly<Record<string, string>> = {
  Node: '{ id rel @include(if: $a) { id ... on Film { budget } } }',
  Film: '{ budget @skip(if: $a) name peers { ... on Work { maker { name } } } }',
  Any: '{ ... on Secret { id } ... on Person { salary rel { name } } }',
};
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  node: [
    'role: ADMIN',
    'role: $r',
    'role: null',
    'filter: $f',
    'filter: { role: $r }',
    'filter: {text: "x"}',
    'filter: { and: [{ tokens: ["t"] }] }',
    'filter: { and: [{ and: [{ text: "x" }] }], tokens: null }',
  ],
  grid: ['tokens: [["t"]]', 'tokens: [[]]', 'tokens: [null]', 'tokens: []'],
  count: ['role: USER'],
};
const DEFINITIONS: Readonly<Record<string, string>> = {
  a: '$a: Boolean!',
  b: '$b: Boolean! = true',
  r: '$r: Role',
  f: '$f: Filter',
};
const FILTERS: readonly unknown[] = [
  null,
  {},
  { text: 'x' },
  { role: 'USER' },
  { role: null, and: [{ text: 'x' }] },
  { and: [{ and: [{ role: 'ADMIN' }] }] },
  { tokens: [] },
  { tokens: ['t'] },
];

/** Writes an operation as a tape of numbers decides; the same tape gives the same operation. */
export function randomOperation(schema: GraphQLSchema, tape: readonly number[]): RandomOperation {
  let at = 0;
  const pick = (below: number): number => {
    const value = tape[at % tape.length] ?? 0;
    at += 1;
    return value % below;
  };
  const oneOf = <T>(items: readonly T[]): T => items[pick(items.length)] as T;

  const directives = (): string => {
    const kind = pick(10);
    if (kind === 0) return ` ${oneOf(SWITCHES)} ${oneOf(SWITCHES.slice(0, 1))}`.replace(/(@\w+).*\1/u, ' $1');
    if (kind < 4) return ` ${oneOf(SWITCHES)}`;
    return kind === 4 ? ` ${oneOf(LITERALS)}` : '';
  };

  const field = (typeName: string, depth: number): string => {
    const type = schema.getType(typeName);
    if (pick(6) === 0 || !(isObjectType(type) || isInterfaceType(type))) return `__typename${directives()}`;
    const fields = Object.values(type.getFields());
    const { name, type: of } = oneOf(fields);
    const known = ARGUMENTS[name] ?? [];
    const chosen = pick(known.length + 1);
    const argument = known[chosen];
    const alias = argument !== undefined ? `${name}${chosen}: ` : pick(5) === 0 ? `${name}_x: ` : '';
    const head = `${alias}${name}${argument === undefined ? '' : `(${argument})`}${directives()}`;
    const named = getNamedType(of);
    if (!isCompositeType(named)) return head;
    return `${head} ${depth === 0 ? '{ __typename }' : selections(named.name, depth - 1)}`;
  };

  const fragment = (typeName: string, depth: number): string => {
    const type = schema.getType(typeName);
    const mine = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
    const overlapping = FRAGMENT_TYPES.filter((name) => {
      const other = schema.getType(name);
      return isAbstractType(other)
        ? mine.some((each) => isObjectType(each) && schema.isSubType(other, each))
        : mine.includes(other as never);
    });
    if (overlapping.length === 0 || pick(8) === 0) return `...${directives()} ${selections(typeName, depth)}`;
    const spread = overlapping.filter((name) => name in FRAGMENTS);
    if (spread.length > 0 && pick(4) === 0) return `...F${oneOf(spread)}${directives()}`;
    const on = oneOf(overlapping);
    return `... on ${on}${directives()} ${selections(on, depth)}`;
  };

  const selections = (typeName: string, depth: number): string => {
    const parts = Array.from({ length: 1 + pick(4) }, () =>
      pick(3) === 0 && depth > 0 ? fragment(typeName, depth - 1) : field(typeName, depth),
    );
    return `{ ${parts.join(' ')} }`;
  };

  const body = selections('Query', 4);
  const fragments = Object.entries(FRAGMENTS).flatMap(([on, set]) =>
    body.includes(`...F${on}`) ? [`fragment F${on} on ${on} ${set}`] : [],
  );
  const all = [body, ...fragments].join(' ');
  const used = Object.entries(DEFINITIONS).flatMap(([name, text]) =>
    new RegExp(`\\$${name}\\b`, 'u').test(all) ? [text] : [],
  );
  const head = used.length === 0 ? 'query' : `query(${used.join(', ')})`;
  const variables = {
    a: pick(2) === 0,
    b: pick(2) === 0,
    r: oneOf([null, 'ADMIN', 'USER']),
    f: oneOf(FILTERS),
  };
  return { text: `${head} ${all}`, variables };
}
