import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/audit/event.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { AuditIndexStore, type IndexedEvent } from '../../src/control/audit-index-store.ts';
import { SYSTEM } from '../../src/control/control-plane.ts';
import { PARTS } from '../audit/fixtures.ts';
import { START_MS } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const DAY_MS = 86_400_000;
const RUN = '11111111-1111-4111-8111-111111111111';

const test = useTestControl();
let index: AuditIndexStore;

beforeEach(async () => {
  index = new AuditIndexStore(test.database);
  await test.database.transact(null, async (tx) => {
    await tx.execute(sql`DELETE FROM audit_events`);
    await tx.execute(sql`DELETE FROM audit_usage`);
    await tx.execute(sql`DELETE FROM audit_shapes`);
  });
});

interface Part {
  readonly id?: string;
  readonly atMs?: number;
  readonly tenant?: string | null;
  readonly coordinates?: readonly string[];
}

function eventOf({ id = 'r', atMs = START_MS, tenant = 'acme', coordinates }: Part = {}): AuditEvent {
  const { principal, operation } = PARTS;
  return auditEvent({
    ...PARTS,
    request: { ...PARTS.request, id, receivedAtMs: atMs },
    principal: principal === null ? null : { ...principal, tenant },
    operation: operation === null || coordinates === undefined ? operation : { ...operation, coordinates },
  });
}

const indexed = (seq: number, part: Part = {}, run = RUN): IndexedEvent => ({
  run,
  seq,
  event: eventOf(part),
});

async function rowsOf(table: string): Promise<Record<string, unknown>[]> {
  const { rows } = await test.database.transact(null, (tx) => tx.execute(sql.raw(`SELECT * FROM ${table}`)));
  return rows;
}

describe('the index of the audit', () => {
  it('has an event once and counts it once, however often it comes', async () => {
    await index.write([indexed(1), indexed(2)]);
    await index.write([indexed(2), indexed(3)]);
    await new AuditIndexStore(test.database).write([indexed(1), indexed(3)]);
    expect(await rowsOf('audit_events')).toHaveLength(3);
    expect(await rowsOf('audit_usage')).toMatchObject([{ tenant: 'acme', events: '3' }]);
    expect(await rowsOf('audit_shapes')).toHaveLength(1);
  });

  it('takes equal numbers of different runs for different events', async () => {
    await index.write([indexed(1)]);
    await index.write([indexed(1, {}, '22222222-2222-4222-8222-222222222222'), indexed(1, {}, 'no uuid')]);
    expect(await rowsOf('audit_events')).toHaveLength(3);
  });

  it('is written by several at once, the same events among them', async () => {
    const batch = Array.from({ length: 40 }, (_, seq) =>
      indexed(seq, { coordinates: [`Query.f${seq % 7}`] }),
    );
    const writers = [index, new AuditIndexStore(test.database), new AuditIndexStore(test.database)];
    await Promise.all(writers.map((writer) => writer.write(batch)));
    expect(await rowsOf('audit_events')).toHaveLength(40);
    expect(await rowsOf('audit_shapes')).toHaveLength(7);
    const counted = (await rowsOf('audit_usage')).reduce((sum, { events }) => sum + Number(events), 0);
    expect(counted).toBe(40);
  });

  it('takes all of a batch or nothing', async () => {
    const broken = { ...indexed(2), seq: Number.NaN };
    await expect(index.write([indexed(1), broken])).rejects.toThrow();
    expect(await rowsOf('audit_events')).toEqual([]);
    expect(await rowsOf('audit_shapes')).toEqual([]);
    await index.write([indexed(1)]);
    expect(await rowsOf('audit_events')).toHaveLength(1);
  });

  it('says which fields were read: none of a refused operation, and none that was taken out', async () => {
    const filtered: AuditEvent = {
      ...eventOf(),
      decision: {
        effect: 'filter',
        reasons: [
          { rule: 'scopes', code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate: 'Product.price', path: null },
        ],
        reasonsTruncated: 0,
      },
    };
    const denied: AuditEvent = {
      ...filtered,
      code: 'FORBIDDEN',
      decision: { ...filtered.decision, effect: 'deny' },
    };
    await index.write([
      { run: RUN, seq: 1, event: eventOf() },
      { run: RUN, seq: 2, event: filtered },
      { run: RUN, seq: 3, event: denied },
    ]);
    const read = (await rowsOf('audit_shapes')).map(({ fields, read }) => [fields, read]);
    const fields = ['Product.price', 'Query.products'];
    expect(read).toHaveLength(3);
    expect(read).toEqual(
      expect.arrayContaining([
        [fields, fields],
        [fields, ['Query.products']],
        [fields, []],
      ]),
    );
  });

  it('holds up nothing by a line that was tampered with', async () => {
    const hostile = {
      ...eventOf(),
      time: 'yesterday',
      requestId: `a\0b'; DROP TABLE audit_events; --`,
      status: 'many',
      errors: -5,
      durationUs: 1e300,
      cost: { estimated: 1, actual: 'x', max: 1 },
      principal: { kind: 7, subject: 'x'.repeat(100_000), tenant: '\ud800', application: ['a'] },
      decision: { effect: null, reasons: [null, 'x', { code: 'a\0', coordinate: 9 }] },
      operation: { hash: {}, name: 5, type: null, coordinates: ['A.b', 4, null, 'A.b'] },
    } as unknown as AuditEvent;
    await index.write([{ run: '', seq: 1, event: hostile }, indexed(2)]);
    const rows = await rowsOf('audit_events');
    expect(rows).toHaveLength(2);
    expect(rows.find(({ seq }) => seq === '1')).toMatchObject({
      ...{ status: 0, errors: '0', cost: '0', tenant: '\ufffd' },
      request_id: `a\ufffdb'; DROP TABLE audit_events; --`,
    });
  });
});

describe('a tenant', () => {
  it('sees its own rows only, though the statement forgets to ask', async () => {
    const { control, database } = test;
    const mine = await control.tenants.create(SYSTEM, { slug: 'audit-mine', name: 'Mine' });
    await control.tenants.create(SYSTEM, { slug: 'audit-theirs', name: 'Theirs' });
    await index.write([
      indexed(1, { tenant: 'audit-mine' }),
      indexed(2, { tenant: 'audit-theirs' }),
      indexed(3, { tenant: null }),
      indexed(4, { tenant: mine.id }),
    ]);
    for (const table of ['audit_events', 'audit_usage']) {
      const seen = (scope: string | null) =>
        database.transact(scope, (tx) =>
          tx.execute<{ tenant: string }>(sql.raw(`SELECT tenant FROM ${table}`)),
        );
      expect((await seen(mine.id)).rows).toEqual([{ tenant: 'audit-mine' }]);
      expect((await seen('')).rows).toEqual([]);
      expect((await seen('audit-theirs')).rows).toEqual([]);
      expect((await seen(null)).rows).toHaveLength(4);
    }
  });
});

describe('what is old', () => {
  it('is forgotten as each tenant says, and as the sink says for all others', async () => {
    const { control } = test;
    await control.tenants.create(SYSTEM, { slug: 'audit-short', name: 'Short', retentionDays: 10 });
    await control.tenants.create(SYSTEM, { slug: 'audit-long', name: 'Long', retentionDays: 500 });
    const ages = [0, 5, 20, 400, 600];
    const tenants = ['audit-short', 'audit-long', 'audit-unknown', null];
    await index.write(
      tenants.flatMap((tenant, at) =>
        ages.map((days) =>
          indexed(at * 1000 + days, {
            ...{ tenant, atMs: START_MS - days * DAY_MS },
            coordinates: [`Query.of${String(tenant).replaceAll('-', '')}${days}`],
          }),
        ),
      ),
    );
    await index.forget(START_MS, 100);
    const left = (await rowsOf('audit_events'))
      .map(({ tenant, seq }) => `${String(tenant)} ${Number(seq) % 1000}`)
      .sort();
    expect(left).toEqual([
      ...[' 0', ' 20', ' 5', 'audit-long 0', 'audit-long 20', 'audit-long 400', 'audit-long 5'],
      ...['audit-short 0', 'audit-short 5', 'audit-unknown 0', 'audit-unknown 20', 'audit-unknown 5'],
    ]);
    expect(await rowsOf('audit_usage')).toHaveLength(12);
    expect(await rowsOf('audit_shapes')).toHaveLength(12);
    const { rows } = await test.database.asOwner((client) =>
      client.query("SELECT 1 FROM pg_class WHERE relname = 'audit_events_2025_05'"),
    );
    expect(rows).toEqual([]);
    // What was dropped is made again where a log is shipped anew.
    await index.write([indexed(9, { tenant: null, atMs: START_MS - 600 * DAY_MS })]);
    expect(await rowsOf('audit_events')).toHaveLength(13);
  });
});
