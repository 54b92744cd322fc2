import { describe, expect, it } from 'vitest';
import { coordinateRecords } from '../../src/audit/coordinate-records.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { ChangeLog } from '../../src/change-log.ts';
import { notesOf } from '../../src/operation-notes.ts';
import { PARTS } from '../audit/fixtures.ts';

const OPERATION = { coordinates: ['Mutation.suspend', 'Payload.id'] };
const CHANGE = {
  coordinate: 'Mutation.suspend',
  action: 'application.suspend',
  entity: 'application',
  id: 'app_1',
};

/** What is recorded of what was told. */
function recorded(...told: readonly unknown[]) {
  const log = new ChangeLog(OPERATION);
  log.take(told);
  return log.told();
}

describe('a change', () => {
  it('is recorded with the field that made it, what was before and what is after', () => {
    const before = { status: 'active', version: 1 };
    const after = {
      status: 'suspended',
      version: 2,
      scopes: ['a', 'b'],
      limits: { rate: 5 },
      termDays: null,
    };
    expect(recorded({ ...CHANGE, before, after })).toEqual([
      {
        ...{ slot: 0, action: 'application.suspend', entity: 'application', id: 'app_1' },
        before: [
          { name: 'status', value: 'active' },
          { name: 'version', value: 1 },
        ],
        after: [
          { name: 'status', value: 'suspended' },
          { name: 'version', value: 2 },
          { name: 'scopes', value: ['a', 'b'] },
          { name: 'limits', value: '{"rate":5}' },
          { name: 'termDays', value: null },
        ],
      },
    ]);
    expect(recorded(CHANGE)).toMatchObject([{ before: null, after: null }]);
  });

  it.each([
    'secret',
    'hash',
    'pepper',
    'ciphertext',
    'wrappedKey',
    'reason',
    'endpoint',
    'anything',
    '__proto__',
  ])('keeps the value of %s to itself', (name) => {
    const after = JSON.parse(`{"${name}": "PLANTED", "status": "active"}`);
    const told = recorded({ ...CHANGE, after });
    expect(told[0]?.after).toEqual([
      { name, value: 'redacted' },
      { name: 'status', value: 'active' },
    ]);
    expect(JSON.stringify(told)).not.toContain('PLANTED');
  });

  it.each<[string, unknown]>([
    ['no object', 'suspend'],
    ['null', null],
    ['of a field that was not asked for', { ...CHANGE, coordinate: 'Mutation.other' }],
    ['of no field', { ...CHANGE, coordinate: 7 }],
  ])('is left out where it is %s', (_, told) => {
    expect(recorded(told)).toEqual([]);
  });

  it('is bounded, and so is how many there are', () => {
    const long = 'x'.repeat(1000);
    const wide = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${index}`, 1]));
    const [change] = recorded({
      ...CHANGE,
      id: long,
      before: { name: long, tags: Array(100).fill(long) },
      after: wide,
    });
    expect([change?.id.length, change?.after?.length]).toEqual([256, 64]);
    const [name, tags] = change?.before ?? [];
    expect([name?.value, [tags?.value].flat().length]).toEqual([expect.stringMatching(/^x{255}…$/u), 64]);
    expect(recorded(...Array(101).fill(CHANGE))).toHaveLength(100);
    expect(new ChangeLog(OPERATION).told()).toEqual([]);
    for (const told of [undefined, 'text', {}]) {
      const log = new ChangeLog(OPERATION);
      log.take(told);
      expect(log.told()).toEqual([]);
    }
  });

  it('stands in the record of its field', () => {
    const changes = new ChangeLog({ coordinates: ['Query.products', 'Product.price'] });
    changes.take([{ ...CHANGE, coordinate: 'Product.price', after: { status: 'active' } }]);
    const records = coordinateRecords(auditEvent({ ...PARTS, changes }));
    expect(records.map((each) => each.changes)).toEqual([
      [],
      [
        {
          ...{ action: 'application.suspend', entity: 'application', id: 'app_1', before: null },
          after: [{ name: 'status', value: 'active' }],
        },
      ],
    ]);
    expect('changes' in auditEvent(PARTS)).toBe(false);
  });

  it('can only come of a mutation', () => {
    const variant = { audited: { refused: [], unreached: [], sensitive: [], plan: [] } };
    const noted = (type: 'query' | 'mutation' | 'subscription') =>
      notesOf({ operation: { ...OPERATION, type }, variant, isSampled: () => false });
    expect([noted('query'), noted('subscription')]).toEqual([
      { times: null, changes: null },
      { times: null, changes: null },
    ]);
    expect(noted('mutation').changes?.told()).toEqual([]);
  });
});
