import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../src/errors.ts';
import type { ExecutionError } from '../../src/execution/executor.ts';
import { ERRORS_MAX, maskErrors } from '../../src/execution/mask-errors.ts';
import { compose } from '../operation/graph-kit.ts';
import { settings, variantOf } from './execution-kit.ts';

const GRAPH = compose(
  'type Query { a: Item list: [Item] grid: [[Item]] } type Item { b: String items: [Item] }',
);
const SHAPE = variantOf(GRAPH, { text: '{ a { b items { b } } x: list { b } grid { b } }' }).shape;
type Isolated = Pick<Parameters<typeof maskErrors>[1], 'withheld' | 'isConfidential'>;

const NOT_ISOLATED: Isolated = { withheld: [], isConfidential: false };
const SECRET = 'connection to db-7 failed: hunter2';

const mask = (
  error: Partial<ExecutionError>,
  passthrough: readonly string[] | null = null,
  isolated: Isolated = NOT_ISOLATED,
) => {
  const subgraphs = new Map([
    ['closed', settings('closed')],
    ['open', settings('open', { errors: 'passthrough', allowedExtensions: passthrough ?? [] })],
  ]);
  const full = { message: SECRET, path: null, subgraph: 'closed', extensions: {}, ...error };
  return maskErrors([full], { subgraphs, shape: SHAPE, requestId: 'r-1', ...isolated })[0];
};

describe('errors of subgraphs', () => {
  it.each([
    [
      'a closed subgraph',
      { subgraph: 'closed', extensions: { code: 'INTERNAL', stack: SECRET, exception: { x: SECRET } } },
    ],
    ['an unknown subgraph', { subgraph: 'unknown', extensions: { stack: SECRET } }],
    ['an inherited name', { subgraph: 'constructor', extensions: { stack: SECRET } }],
    ['execution itself', { subgraph: null, extensions: { stack: SECRET } }],
  ])('of %s say only what the catalogue says', (_, error) => {
    expect(mask(error)).toEqual({
      message: CATALOGUE.DOWNSTREAM_SERVICE_ERROR.message,
      extensions: { code: 'DOWNSTREAM_SERVICE_ERROR', requestId: 'r-1' },
    });
  });

  it.each(['DOWNSTREAM_SERVICE_ERROR', 'SUBGRAPH_TIMEOUT', 'REQUEST_ABORTED'] as const)(
    'keep our own code %s',
    (code) => {
      expect(mask({ extensions: { code } })).toMatchObject({
        message: CATALOGUE[code].message,
        extensions: { code },
      });
    },
  );

  it.each([
    'UNAUTHENTICATED',
    'FORBIDDEN',
    'UNAUTHORIZED_FIELD_OR_TYPE',
    'INTERNAL_SERVER_ERROR',
    'constructor',
    '',
    0,
    null,
    ['SUBGRAPH_TIMEOUT'],
    { code: 1 },
  ])('cannot pose as another code: %j', (code) => {
    expect(mask({ extensions: { code } })?.extensions['code']).toBe('DOWNSTREAM_SERVICE_ERROR');
  });

  it('of a trusted subgraph keep their text and the keys that config lists, and no other', () => {
    const extensions = { code: 'OUT_OF_STOCK', hint: 'try later', stack: SECRET, requestId: 'forged' };
    expect(mask({ subgraph: 'open', message: 'Out of stock', extensions }, ['code', 'hint'])).toEqual({
      message: 'Out of stock',
      extensions: { code: 'OUT_OF_STOCK', hint: 'try later', requestId: 'r-1' },
    });
    expect(mask({ subgraph: 'open', message: 'Out of stock', extensions })?.extensions).toEqual({
      code: 'DOWNSTREAM_SERVICE_ERROR',
      requestId: 'r-1',
    });
  });

  it('pass only own extension keys, and never let one stand for the request', () => {
    const extensions = { requestId: 'forged' };
    const allowed = ['constructor', 'toString', '__proto__', 'requestId'];
    expect(mask({ subgraph: 'open', extensions }, allowed)?.extensions).toEqual({
      code: 'DOWNSTREAM_SERVICE_ERROR',
      requestId: 'r-1',
    });
  });

  it.each([
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [
      ['a', 'items', 3, 'b'],
      ['a', 'items', 3, 'b'],
    ],
    [
      ['x', 0, 'b'],
      ['x', 0, 'b'],
    ],
    [
      ['grid', 1, 2, 'b'],
      ['grid', 1, 2, 'b'],
    ],
    [['list', 0], undefined],
    [['a', SECRET], ['a']],
    [[SECRET], undefined],
    [
      ['a', 'b', SECRET],
      ['a', 'b'],
    ],
    [['a', 0], ['a']],
    [['a', 104, 117, 110], ['a']],
    [
      ['x', 104, 117, 110, 116],
      ['x', 104],
    ],
    [
      ['grid', 1, 2, 3],
      ['grid', 1, 2],
    ],
    [['x', -1], ['x']],
    [['x', 0.5], ['x']],
    [['x', 1e300], ['x']],
    [['x', '0', 'b'], ['x']],
    [[0, 'a'], undefined],
    [['constructor', '__proto__'], undefined],
    [['a', '__typename'], ['a']],
    [[], undefined],
    [null, undefined],
    ['a', undefined],
    [[null, { a: 1 }, ['a']], undefined],
  ])('keep of the path %j what the client wrote: %j', (path, expected) => {
    expect(mask({ path: path as ExecutionError['path'] })?.path).toEqual(expected);
  });

  it(`are no more than ${ERRORS_MAX}`, () => {
    const many = (count: number): ExecutionError[] =>
      Array.from({ length: count }, () => ({
        message: SECRET,
        path: null,
        subgraph: 'closed',
        extensions: {},
      }));
    const context = { subgraphs: new Map(), shape: SHAPE, requestId: 'r', ...NOT_ISOLATED };
    expect(maskErrors(many(ERRORS_MAX), context)).toHaveLength(ERRORS_MAX);
    expect(maskErrors(many(ERRORS_MAX + 1), context)).toHaveLength(ERRORS_MAX);
  });
});
