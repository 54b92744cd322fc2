import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../src/errors.ts';
import type { ExecutionError } from '../../src/execution/executor.ts';
import { maskErrors } from '../../src/execution/mask-errors.ts';
import { entitiesAt, entityPathsAt } from '../../src/execution/native/entities.ts';
import { FoundEntities } from '../../src/execution/native/found-entities.ts';
import { wantedEntities } from '../../src/execution/native/wanted-entities.ts';
import { TOLD_MAX } from '../../src/execution/shape-result.ts';
import { belongsTo } from '../../src/execution/tenant.ts';
import type { FetchStep } from '../../src/operation/plan.ts';
import { compose } from '../operation/graph-kit.ts';
import { settings, shape, variantOf } from './execution-kit.ts';

const GRAPH = compose(`
  type Query { row: Row rows: [Row] strict: [Row!]! any: Any }
  union Any = Row | Other
  type Row @tenantScoped { id: ID tenantId: ID child: Row strictChild: Row! }
  type Other { id: ID }`);

const of = (owner: unknown, more: object = {}) => ({ __tenant_Row: owner, id: 'x', ...more });
const shaped = (text: string, data: unknown, tenant = 'acme') => shape(GRAPH, { text, tenant }, data);

describe('an object that belongs to a tenant', () => {
  it('leaves for its own tenant, without its owner', () => {
    expect(shaped('{ row { id } }', { row: of('acme') })).toMatchObject({
      data: { row: { id: 'x' } },
      foreign: [],
      foreignObjects: 0,
    });
  });

  it.each([
    ['another', 'globex'],
    ['one that begins alike', 'acme2'],
    ['one in another case', 'Acme'],
    ['an empty one', ''],
    ['null', null],
    ['a number', 1],
    ['true', true],
    ['a list of its own', ['acme']],
    ['an object', { toString: 'acme' }],
  ])('is withheld where the owner is %s', (_, owner) => {
    const { data, foreign, misfits } = shaped('{ row { id } }', { row: of(owner) });
    expect(data).toEqual({ row: null });
    expect(foreign).toEqual([['row']]);
    expect(misfits).toEqual([]);
  });

  it('is withheld where the owner is missing, also where the client asked for the field itself', () => {
    const data = { row: { id: 'x', tenantId: 'acme' } };
    expect(shaped('{ row { id tenantId } }', data)).toMatchObject({ data: { row: null } });
  });

  it('is withheld from a caller without tenant, whoever owns it', () => {
    const text = '{ row { id } }';
    for (const owner of ['acme', '', null, undefined, 'null']) {
      expect(shape(GRAPH, { text }, { row: of(owner) }).data).toEqual({ row: null });
      expect(shaped(text, { row: of(owner) }, '').data).toEqual({ row: null });
    }
  });

  it('is withheld with all below it, own objects included', () => {
    const data = { row: of('globex', { child: of('acme') }) };
    const { data: left, foreign } = shaped('{ row { child { id } } }', data);
    expect(left).toEqual({ row: null });
    expect(foreign).toEqual([['row']]);
  });

  it('takes the object above with it where null may not be', () => {
    const data = { row: of('acme', { strictChild: of('globex') }) };
    const { data: left, foreign, misfits } = shaped('{ row { id strictChild { id } } }', data);
    expect(left).toEqual({ row: null });
    expect(foreign).toEqual([['row', 'strictChild']]);
    expect(misfits).toEqual([]);
    expect(shaped('{ strict { id } }', { strict: [of('acme'), of('globex')] }).data).toBeNull();
  });

  it('is told by its concrete type behind an abstract one', () => {
    const text = '{ any { ... on Other { id } } }';
    expect(shaped(text, { any: { __typename: 'Row', ...of('globex') } }).data).toEqual({ any: null });
    expect(shaped(text, { any: { __typename: 'Row', ...of('acme') } }).data).toEqual({ any: {} });
    expect(shaped(text, { any: { __typename: 'Other', id: 'y' } }).data).toEqual({ any: { id: 'y' } });
  });

  it('is counted beyond the number of paths that are told', () => {
    const rows = Array.from({ length: TOLD_MAX + 1 }, () => of('globex'));
    const { foreign, foreignObjects } = shaped('{ rows { id } }', { rows });
    expect(foreign).toHaveLength(TOLD_MAX);
    expect(foreignObjects).toBe(TOLD_MAX + 1);
  });

  it('costs what it costs by itself and nothing for what is below it', () => {
    const { cost } = shaped('{ row { child { id } } }', { row: of('globex', { child: of('globex') }) });
    expect(cost).toBe(1);
  });
});

describe('an owner', () => {
  it('is the caller’s tenant only where both are the same text', () => {
    expect(belongsTo('acme', 'acme')).toBe(true);
    expect(belongsTo(null, null)).toBe(false);
    expect(belongsTo(undefined, null)).toBe(false);
    expect(belongsTo('', '')).toBe(false);
    expect(belongsTo(new String('acme'), 'acme')).toBe(false);
  });
});

describe('errors of subgraphs in an operation that reaches objects of tenants', () => {
  const variant = variantOf(GRAPH, { text: '{ rows { id child { id } } }' });
  const masked = (path: ExecutionError['path'], isConfidential: boolean) =>
    maskErrors([{ message: 'row of globex', path, subgraph: 'a', extensions: { code: 'globex' } }], {
      subgraphs: new Map([['a', settings('a', { errors: 'passthrough', allowedExtensions: ['code'] })]]),
      shape: variant.shape,
      requestId: 'r',
      withheld: [['rows', 1]],
      isConfidential,
    });

  it.each([[['rows', 1]], [['rows', 1, 'id']], [['rows', 1, 'child', 'id']]])(
    'are dropped at and below an object that was withheld: %j',
    (path) => {
      expect(masked(path, true)).toEqual([]);
    },
  );

  it.each([[['rows', 0, 'id']], [['rows', 11]], [['rows']], [null]])(
    'are told elsewhere without the text of the subgraph: %j',
    (path) => {
      const [error] = masked(path, true);
      expect(error?.message).toBe(CATALOGUE.DOWNSTREAM_SERVICE_ERROR.message);
      expect(JSON.stringify(error)).not.toContain('globex');
      expect(masked(path, false)[0]?.message).toBe('row of globex');
    },
  );
});

describe('objects that are withheld', () => {
  const withheld = (object: Record<string, unknown>) => object['owner'] === 'globex';
  const data = {
    rows: [
      { __typename: 'Row', id: '1', owner: 'acme', child: { __typename: 'Row', id: '4' } },
      { __typename: 'Row', id: '2', owner: 'globex', child: { __typename: 'Row', id: '5' } },
      { __typename: 'Row', id: '3', child: { __typename: 'Row', id: '6', owner: 'globex' } },
    ],
  };

  it('are passed over with all below them, and the paths of the others stay with their objects', () => {
    for (const path of [
      ['rows', '@'],
      ['rows', '@', 'child'],
    ]) {
      const objects = entitiesAt(data, path, withheld);
      const paths = entityPathsAt(data, path, withheld);
      const at = paths.map((steps) =>
        steps.reduce<unknown>((value, step) => (value as Record<string | number, unknown>)[step], data),
      );
      expect(at).toEqual(objects);
    }
    expect(entitiesAt(data, ['rows', '@'], withheld).map(({ id }) => id)).toEqual(['1', '3']);
    expect(entitiesAt(data, ['rows', '@', 'child'], withheld).map(({ id }) => id)).toEqual(['4']);
  });

  it('are in no representation', () => {
    const fetch = {
      kind: 'fetch',
      paths: [['rows', '@']],
      requires: [
        {
          kind: 'fragment',
          types: ['Row'],
          selections: [
            { kind: 'field', key: '__typename', selections: null },
            { kind: 'field', key: 'id', selections: null },
          ],
        },
      ],
      inputRewrites: [],
      outputRewrites: [],
    } as unknown as FetchStep & { requires: NonNullable<FetchStep['requires']> };
    const printed = wantedEntities(new FoundEntities(data, withheld), fetch).map((group) => group.printed);
    expect(printed).toEqual(['{"__typename":"Row","id":"1"}', '{"__typename":"Row","id":"3"}']);
  });
});
