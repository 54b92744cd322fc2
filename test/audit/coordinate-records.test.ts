import { describe, expect, it } from 'vitest';
import { addCounts, coordinateRecords } from '../../src/audit/coordinate-records.ts';
import { type AuditParts, auditEvent } from '../../src/audit/recorder.ts';
import type { AuditedFields } from '../../src/operation/operation.ts';
import { PARTS } from './fixtures.ts';

function recordsOf(changes: Partial<AuditParts>) {
  return coordinateRecords(auditEvent({ ...PARTS, ...changes }));
}

function audited(changes: Partial<AuditedFields>): AuditParts['variant'] {
  return { audited: { refused: [], unreached: [], sensitive: [], plan: [], ...changes } };
}

const SCOPES = { rule: 'scopes', code: 'UNAUTHORIZED_FIELD_OR_TYPE', path: ['p'] } as const;

describe('the records of an event', () => {
  it('tell of each coordinate what was counted and which fetches asked for it', () => {
    const fetch = { subgraph: 'catalog', durationUs: 1, status: 200, errors: 0 };
    const variant = audited({
      plan: [
        { subgraph: 'catalog', coordinates: [0, 1] },
        { subgraph: 'prices', coordinates: [1] },
        { subgraph: 'never', coordinates: [0] },
      ],
    });
    const fetches = [
      { ...fetch, planned: 1 },
      { ...fetch, planned: 0 },
      { ...fetch, planned: null },
    ];
    expect(recordsOf({ variant, fetches })).toEqual([
      {
        ...{ coordinate: 'Query.products', decision: 'permit', rule: null, code: null },
        ...{
          resolved: 1,
          nulls: 0,
          refused: 0,
          errors: 0,
          sizeClass: 0,
          fetches: [1],
          arguments: [],
          resolvers: null,
          changes: [],
        },
      },
      {
        ...{ coordinate: 'Product.price', decision: 'permit', rule: null, code: null },
        ...{
          resolved: 20,
          nulls: 2,
          refused: 0,
          errors: 1,
          sizeClass: 8,
          fetches: [0, 1],
          arguments: [],
          resolvers: null,
          changes: [],
        },
      },
    ]);
  });

  it.each([
    ['the coordinate', 'Product.price'],
    ['a type that it leads to', 'Money'],
  ])('say which rule refused one by %s', (_, because) => {
    const variant = audited({ refused: [{ slot: 1, because }] });
    const decision = { effect: 'filter', mask: '0', reasons: [{ ...SCOPES, coordinate: because }] } as const;
    expect(recordsOf({ variant, decision })).toMatchObject([
      { coordinate: 'Query.products', decision: 'permit', rule: null },
      { coordinate: 'Product.price', decision: 'refuse', rule: 'scopes', code: 'UNAUTHORIZED_FIELD_OR_TYPE' },
    ]);
  });

  it('leave undecided what stands below what was refused, and what was never judged', () => {
    expect(recordsOf({ variant: audited({ unreached: [1] }) })).toMatchObject([
      { decision: 'permit' },
      { decision: 'none' },
    ]);
    const early = { decision: null, variant: null, counts: null };
    expect(recordsOf(early)).toMatchObject([
      { decision: 'none', resolved: 0 },
      { decision: 'none', resolved: 0 },
    ]);
  });

  it('refuse all of an operation that was denied, by its first reason where none names the coordinate', () => {
    const reasons = [
      { rule: 'introspection', code: 'INTROSPECTION_DISABLED', coordinate: null, path: null },
      { ...SCOPES, coordinate: 'Product.price' },
    ] as const;
    const denied = { decision: { effect: 'deny', reasons }, variant: null, counts: null } as const;
    expect(recordsOf(denied)).toMatchObject([
      { decision: 'refuse', rule: 'introspection', resolved: 0 },
      { decision: 'refuse', rule: 'scopes', resolved: 0 },
    ]);
  });

  it('tell a rule that only would have refused', () => {
    const reasons = [{ ...SCOPES, coordinate: 'Product.price' }];
    const [, price] = recordsOf({ decision: { effect: 'permit', mask: '', reasons } });
    expect(price).toMatchObject({ decision: 'permit', rule: 'scopes' });
  });

  it('are none where there is no operation', () => {
    expect(recordsOf({ operation: null, variant: null, counts: null })).toEqual([]);
  });

  it('are cut with the coordinates, and keep no count of those that are gone', () => {
    const length = 1_001;
    const operation = {
      ...(PARTS.operation as NonNullable<AuditParts['operation']>),
      coordinates: Array(length).fill('A.b'),
    };
    const counts = {
      resolved: Array(length).fill(1),
      sizes: Array(length).fill(1),
      exceptions: [5, 1, 0, 0, 1_000, 1, 0, 0],
      sensitive: {},
    };
    const variant = audited({ refused: [{ slot: 1_000, because: 'A.b' }], unreached: [1_000] });
    const event = auditEvent({ ...PARTS, operation, variant, counts });
    expect(event.counts?.resolved).toHaveLength(1_000);
    expect(event.counts?.exceptions).toEqual([5, 1, 0, 0]);
    expect(event.operation?.audited).toMatchObject({ refused: [], unreached: [] });
    expect(coordinateRecords(event)).toHaveLength(1_000);
  });
});

describe('counts of several answers', () => {
  it('add up, and their exceptions with them', () => {
    const one = { resolved: [1, 2], sizes: [3, 0], exceptions: [1, 1, 0, 0], sensitive: { HEALTH: 1 } };
    const other = {
      resolved: [1, 5],
      sizes: [3, 4],
      exceptions: [0, 0, 2, 0, 1, 1, 0, 1],
      sensitive: { HEALTH: 2, SECRET: 1 },
    };
    expect(addCounts(one, other)).toEqual({
      resolved: [2, 7],
      sizes: [4, 4],
      exceptions: [0, 0, 2, 0, 1, 2, 0, 1],
      sensitive: { HEALTH: 3, SECRET: 1 },
    });
  });
});
