import { beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../src/audit/event.ts';
import { auditEvent } from '../../src/audit/recorder.ts';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import { AuditIndexStore, type IndexedEvent } from '../../src/control/audit-index-store.ts';
import type { AuditSearch } from '../../src/control/audit-search.ts';
import { AuditSearchStore } from '../../src/control/audit-search-store.ts';
import { sql } from '../../src/control/drizzle.ts';
import { cursorOf, type PageInput } from '../../src/control/input.ts';
import { PARTS } from '../audit/fixtures.ts';
import { faultCodeOf, member, START_MS } from './database-kit.ts';
import { useTestControl } from './use-test-control.ts';

const DAY_MS = 86_400_000;
const DIGEST = 'A'.repeat(22);
const RUN = '11111111-1111-4111-8111-111111111111';

const test = useTestControl();
let index: AuditIndexStore;

beforeEach(async () => {
  index = new AuditIndexStore(test.database);
  await test.database.transact(null, async (tx) => {
    await tx.execute(sql`DELETE FROM audit_events`);
    await tx.execute(sql`DELETE FROM audit_digests`);
    await tx.execute(sql`DELETE FROM audit_usage`);
    await tx.execute(sql`DELETE FROM audit_tenant_shapes`);
    await tx.execute(sql`DELETE FROM audit_shapes`);
  });
});

interface Part {
  readonly id?: string;
  readonly subject?: string;
  readonly application?: string;
  readonly name?: string;
  readonly hash?: string;
  readonly code?: 'FORBIDDEN' | null;
  /** Coordinates that are taken out. */
  readonly refused?: readonly string[];
  readonly atMs?: number;
  readonly tenant?: string | null;
  readonly coordinates?: readonly string[];
  readonly outcomes?: AuditEvent['arguments'];
}

function eventOf(part: Part = {}): AuditEvent {
  const { id = 'r', atMs = START_MS, tenant = 'acme', refused = [], code = null } = part;
  const { subject = 'ada', application = 'shop', name = 'Prices', hash = 'ab12', coordinates } = part;
  const { outcomes = null } = part;
  const { principal, operation } = PARTS;
  const reasons = refused.map((coordinate) => ({
    ...{ rule: 'scopes', code: 'UNAUTHORIZED_FIELD_OR_TYPE' as const, coordinate, path: null },
  }));
  const asked = coordinates ?? operation?.coordinates ?? [];
  const resolved = asked.map((coordinate) => (refused.includes(coordinate) ? 0 : 2));
  return auditEvent({
    ...PARTS,
    // The recorder knows an operation by its variant.
    variant: null,
    counts: code === null ? { resolved, sizes: [], exceptions: [], sensitive: {} } : null,
    request: { ...PARTS.request, id, receivedAtMs: atMs },
    principal: principal === null ? null : { ...principal, tenant, subject, application },
    operation:
      operation === null
        ? operation
        : { ...operation, name, hash, coordinates: coordinates ?? operation.coordinates },
    decision:
      code !== null
        ? { effect: 'deny', reasons }
        : reasons.length > 0
          ? { effect: 'filter', mask: '1', reasons }
          : { effect: 'permit', mask: '', reasons },
    code,
    arguments: outcomes,
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
    const valued = indexed(2, { outcomes: [DIGEST, 'redacted', DIGEST] });
    await index.write([indexed(1), valued, valued]);
    await index.write([valued, indexed(3)]);
    await new AuditIndexStore(test.database).write([indexed(1), indexed(3)]);
    expect(await rowsOf('audit_events')).toHaveLength(3);
    expect(await rowsOf('audit_digests')).toMatchObject([{ tenant: 'acme', digest: DIGEST, seq: '2' }]);
    expect(await rowsOf('audit_usage')).toMatchObject([{ tenant: 'acme', events: '3' }]);
    expect(await rowsOf('audit_shapes')).toHaveLength(1);
  });

  it('that stood there without digests gets them when it is shipped again, and is not counted anew', async () => {
    const valued = indexed(7, { outcomes: [DIGEST] });
    await index.write([valued]);
    const usage = await rowsOf('audit_usage');
    expect(usage).not.toEqual([]);
    await test.database.transact(null, (tx) => tx.execute(sql`DELETE FROM audit_digests`));
    await index.write([valued]);
    expect(await rowsOf('audit_digests')).toMatchObject([{ tenant: 'acme', digest: DIGEST, seq: '7' }]);
    expect(await rowsOf('audit_usage')).toEqual(usage);
    expect(await rowsOf('audit_events')).toHaveLength(1);
  });

  it('takes equal numbers of different runs for different events', async () => {
    await index.write([indexed(1)]);
    await index.write([indexed(1, {}, '22222222-2222-4222-8222-222222222222'), indexed(1, {}, 'no uuid')]);
    expect(await rowsOf('audit_events')).toHaveLength(3);
  });

  it('keeps a text apart from a NUL that is spelled like it', async () => {
    const subject = 'corp\\u0000ada';
    const reasons = { refused: [`Product.\0${subject}`] };
    await index.write([indexed(1, { subject }), indexed(2, { subject: 'corp\\\0ada', ...reasons })]);
    const rows = await rowsOf('audit_events');
    expect(rows.map((row) => row['subject']).sort()).toEqual([subject, 'corp\\\ufffdada'].sort());
    const [told] = rows.flatMap((row) => (row['reasons'] ?? []) as { coordinate: string }[]);
    expect(told?.coordinate).toBe(`Product.\ufffd${subject}`);
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

  it('says which fields were read: by what came back, not by what was asked for', async () => {
    const event = eventOf();
    const withheld = { resolved: [1, 2], sizes: [], exceptions: [1, 0, 2, 0], sensitive: {} };
    await index.write([
      { run: RUN, seq: 1, event },
      { run: RUN, seq: 2, event: eventOf({ refused: ['Product.price'] }) },
      { run: RUN, seq: 3, event: eventOf({ code: 'FORBIDDEN' }) },
      {
        run: RUN,
        seq: 4,
        event: { ...event, counts: { resolved: [1, 0], sizes: [], exceptions: [], sensitive: {} } },
      },
      { run: RUN, seq: 5, event: { ...event, counts: withheld } },
      { run: RUN, seq: 6, event: { ...event, counts: { ...withheld, exceptions: [1, 0, 1, 0] } } },
    ]);
    const { rows } = await test.database.transact(null, (tx) =>
      tx.execute(
        sql`SELECT s.fields, s.read FROM audit_events e JOIN audit_shapes s ON s.id = e.shape_id ORDER BY seq`,
      ),
    );
    const [both, one] = [['Product.price', 'Query.products'], ['Query.products']];
    expect(rows.map(({ read }) => read)).toEqual([both, one, [], one, one, both]);
    for (const { fields } of rows) expect(fields).toEqual(both);
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
      decision: {
        effect: null,
        reasons: [null, 'x', { code: 'a\0', coordinate: 9 }, { rule: '\ud800', path: ['\udc00', 1, [[]]] }],
      },
      operation: { hash: {}, name: 5, type: null, coordinates: ['A.b', 4, null, 'A.b'] },
      arguments: [7, 'x'.repeat(22), `${'\0'.repeat(22)}`, null],
    } as unknown as AuditEvent;
    await index.write([{ run: '', seq: 1, event: hostile }, indexed(2)]);
    const rows = await rowsOf('audit_events');
    expect(rows).toHaveLength(2);
    expect(rows.find(({ seq }) => seq === '1')).toMatchObject({
      ...{ status: 0, errors: '0', cost: '0', tenant: '\ufffd' },
      request_id: `a\ufffdb'; DROP TABLE audit_events; --`,
      reasons: [
        { rule: '', code: 'a\ufffd', coordinate: null, path: null },
        { rule: '\ufffd', code: '', coordinate: null, path: ['\ufffd', 1, ''] },
      ],
    });
  });
});

describe('a tenant', () => {
  it('sees its own rows only, though the statement forgets to ask', async () => {
    const { control, database } = test;
    const mine = await control.tenants.create(SYSTEM, { slug: 'audit-mine', name: 'Mine' });
    await control.tenants.create(SYSTEM, { slug: 'audit-theirs', name: 'Theirs' });
    await index.write([
      indexed(1, { tenant: 'audit-mine', outcomes: [DIGEST] }),
      indexed(2, { tenant: 'audit-theirs', outcomes: [DIGEST] }),
      indexed(3, { tenant: null, outcomes: [DIGEST] }),
      indexed(4, { tenant: mine.id, outcomes: [DIGEST] }),
    ]);
    for (const table of ['audit_events', 'audit_digests', 'audit_usage', 'audit_tenant_shapes']) {
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
            ...{ tenant, atMs: START_MS - days * DAY_MS, outcomes: [DIGEST] },
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
    expect(await rowsOf('audit_digests')).toHaveLength(12);
    expect(await rowsOf('audit_usage')).toHaveLength(12);
    expect(await rowsOf('audit_tenant_shapes')).toHaveLength(12);
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

describe('a search', () => {
  const search = (actor: Actor, what: AuditSearch, page: PageInput = { first: 100 }) =>
    test.control.auditSearch.events(actor, what, page);
  const found = async (actor: Actor, what: AuditSearch) =>
    (await search(actor, what)).items.map(({ requestId }) => requestId);

  let auditor: Actor;
  let tenants = 0;
  /** Slug of the auditor's tenant. */
  let mine: string;

  beforeEach(async () => {
    tenants += 1;
    mine = `searched-${tenants}`;
    const { id } = await test.control.tenants.create(SYSTEM, { slug: mine, name: 'Searched' });
    auditor = member(id, { role: 'auditor' });
    await index.write([
      indexed(1, { id: 'plain', tenant: mine, atMs: START_MS }),
      indexed(2, { id: 'named', tenant: mine, atMs: START_MS + 1, name: 'Other', hash: 'deadbeef01234567' }),
      indexed(3, {
        ...{ id: 'grace', tenant: mine, atMs: START_MS + 2, subject: 'grace', application: 'till' },
        outcomes: ['redacted', DIGEST, null, DIGEST, 'oversized'],
      }),
      indexed(4, { id: 'filtered', tenant: mine, atMs: START_MS + 3, refused: ['Product.price'] }),
      indexed(5, {
        id: 'denied',
        tenant: mine,
        atMs: START_MS + 4,
        code: 'FORBIDDEN',
        coordinates: ['Query.b'],
      }),
      indexed(6, { id: 'theirs', tenant: 'another', atMs: START_MS + 5, outcomes: [DIGEST] }),
      indexed(7, { id: 'nobody', tenant: null, atMs: START_MS + 40 * DAY_MS }),
    ]);
  });

  it.each([
    [{}, ['denied', 'filtered', 'grace', 'named', 'plain']],
    [{ sinceMs: START_MS + 2 }, ['denied', 'filtered', 'grace']],
    [{ untilMs: START_MS + 2 }, ['named', 'plain']],
    [{ application: 'till' }, ['grace']],
    [{ subject: 'grace' }, ['grace']],
    [{ coordinate: 'Product.price' }, ['filtered', 'grace', 'named', 'plain']],
    [{ coordinate: 'Query.b' }, ['denied']],
    [{ coordinate: 'Query.c' }, []],
    [{ decision: 'filter' }, ['filtered']],
    [{ code: 'FORBIDDEN' }, ['denied']],
    [{ code: 'UNAUTHORIZED_FIELD_OR_TYPE' }, ['filtered']],
    [{ operation: 'Other' }, ['named']],
    [{ operation: 'deadbeef' }, ['named']],
    [{ operation: 'deadbee' }, []],
    [{ operation: 'dead%eef' }, []],
    [{ requestId: 'plain' }, ['plain']],
    [{ digest: DIGEST }, ['grace']],
    [{ digest: DIGEST, coordinate: 'Product.price' }, ['grace']],
    [{ digest: DIGEST, coordinate: 'Query.b' }, []],
    [{ digest: 'B'.repeat(22) }, []],
    [{ digest: 'redacted' }, []],
    [{ coordinate: 'Product.price', subject: 'ada', operation: 'Prices' }, ['filtered', 'plain']],
    [{ coordinate: 'Product.price', sinceMs: START_MS + DAY_MS }, []],
  ])('finds by %j, the latest first', async (what, ids) => {
    expect(await found(auditor, what)).toEqual(ids);
    expect(await found(SYSTEM, { ...what, tenant: mine })).toEqual(ids);
  });

  it('tells of an event what the index has of it', async () => {
    const { items } = await search(auditor, { requestId: 'filtered' });
    expect(items).toMatchObject([
      {
        ...{ at: START_MS + 3, run: RUN, seq: '4', tenant: mine, subject: 'ada', operationName: 'Prices' },
        ...{ decision: 'filter', code: '', status: 200, coordinates: ['Product.price', 'Query.products'] },
        reasons: [{ rule: 'scopes', code: 'UNAUTHORIZED_FIELD_OR_TYPE', coordinate: 'Product.price' }],
      },
    ]);
  });

  it('by staff finds all, also what nobody of a tenant asked', async () => {
    expect(await found(SYSTEM, {})).toEqual([
      ...['nobody', 'theirs', 'denied', 'filtered', 'grace', 'named', 'plain'],
    ]);
    expect(await found(SYSTEM, { coordinate: 'Product.price', tenant: 'another' })).toEqual(['theirs']);
    expect(await found(SYSTEM, { tenant: '' })).toEqual(['nobody']);
  });

  it('by a tenant finds nothing of another, whatever it asks for', async () => {
    const other = await test.control.tenants.create(SYSTEM, { slug: `idle-${tenants}`, name: 'Idle' });
    const stranger = member(other.id, { role: 'securityOfficer' });
    for (const what of [
      ...[{}, { tenant: mine }, { tenant: '' }, { tenant: '*' }, { subject: 'ada' }, { requestId: 'plain' }],
      ...[
        { coordinate: 'Product.price' },
        { coordinate: 'Product.price', tenant: mine },
        { decision: 'deny' },
      ],
    ])
      expect(await found(stranger, what)).toEqual([]);
    const { auditSearch } = test.control;
    const price = { coordinate: 'Product.price' };
    expect((await auditSearch.readersOf(stranger, { ...price, tenant: mine }, {})).items).toEqual([]);
    expect((await auditSearch.fieldUsage(stranger, price, {})).items).toEqual([]);
    expect(await found({ ...stranger, tenantId: null }, {})).toEqual([]);
  });

  it.each(['approver', 'developer', null] as const)('is refused to a member who is %s', async (role) => {
    const actor = { ...auditor, role };
    const { auditSearch } = test.control;
    const works = [
      () => search(actor, {}),
      () => auditSearch.readersOf(actor, { coordinate: 'Query.a' }, {}),
      () => auditSearch.fieldUsage(actor, {}, {}),
    ];
    for (const work of works) expect(await faultCodeOf(work())).toBe('FORBIDDEN');
  });

  it('says that there is no index rather than that nothing happened', async () => {
    const without = new AuditSearchStore(test.database, { hasIndex: false });
    expect(await faultCodeOf(without.events(SYSTEM, {}, {}))).toBe('CONFLICT');
  });

  it.each([
    [{ subject: 'x'.repeat(257) }, {}],
    [{ subject: 'a\0' }, {}],
    [{ sinceMs: Number.NaN }, {}],
    [{ untilMs: -1 }, {}],
    [{ sinceMs: 1e300 }, {}],
    [{}, { first: 101 }],
    [{}, { after: cursorOf('nonsense') }],
    [{}, { after: cursorOf(`999999999999999:${RUN}:1`) }],
    [{}, { after: cursorOf(`1:${RUN}:1; DROP TABLE audit_events`) }],
  ])('refuses %j of the page %j', async (what, page) => {
    expect(await faultCodeOf(search(SYSTEM, what, page))).toBe('INVALID_INPUT');
  });

  it('shows each event that was there once, while others are written', async () => {
    const there = Array.from({ length: 25 }, (_, at) =>
      indexed(100 + at, {
        id: `t${at}`,
        tenant: mine,
        atMs: START_MS + 100 + (at >> 1),
        coordinates: [`Query.p${at % 3}`, 'Query.p'],
      }),
    );
    await index.write(there);
    for (const what of [{ sinceMs: START_MS + 100 }, { coordinate: 'Query.p' }]) {
      const seen: string[] = [];
      let after: string | null = null;
      let round = 0;
      do {
        const page: Awaited<ReturnType<typeof search>> = await search(auditor, what, {
          first: 4,
          ...(after === null ? {} : { after }),
        });
        seen.push(...page.items.map(({ requestId }) => requestId));
        after = page.next;
        round += 1;
        const late = { tenant: mine, coordinates: ['Query.p'] };
        await index.write([
          indexed(1000 + round, { ...late, id: `later${round}`, atMs: START_MS + 10_000 + round }, RUN),
          indexed(2000 + round, { ...late, id: `between${round}`, atMs: START_MS + 101 }, RUN),
        ]);
      } while (after !== null);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => id.startsWith('t')).sort()).toEqual(
        there.map(({ event }) => event.requestId).sort(),
      );
    }
  });

  it('finds the same whether a field is in few operations or in many', async () => {
    const many = Array.from({ length: 1300 }, (_, at) =>
      indexed(10_000 + at, {
        id: `m${at}`,
        tenant: mine,
        atMs: START_MS + 500 + at,
        hash: `h${at}`,
        coordinates: ['Query.many', `Query.m${at % 5}`],
      }),
    );
    await index.write(many);
    const { items, next } = await search(auditor, { coordinate: 'Query.many' }, { first: 3 });
    expect(items.map(({ requestId }) => requestId)).toEqual(['m1299', 'm1298', 'm1297']);
    expect(next).not.toBeNull();
    expect(await found(auditor, { coordinate: 'Query.m4', untilMs: START_MS + 515 })).toEqual([
      'm14',
      'm9',
      'm4',
    ]);
  });

  it('tells who has read a field since a time, page by page, and not who was refused it', async () => {
    const { auditSearch } = test.control;
    const price = { coordinate: 'Product.price' };
    const all = await auditSearch.readersOf(auditor, price, {});
    expect(all.items).toEqual([
      {
        tenant: mine,
        application: 'shop',
        subject: 'ada',
        times: 2,
        firstAt: START_MS,
        lastAt: START_MS + 1,
      },
      {
        tenant: mine,
        application: 'till',
        subject: 'grace',
        times: 1,
        firstAt: START_MS + 2,
        lastAt: START_MS + 2,
      },
    ]);
    const first = await auditSearch.readersOf(auditor, price, { first: 1 });
    const second = await auditSearch.readersOf(auditor, price, { first: 1, after: first.next ?? '' });
    expect([...first.items, ...second.items]).toEqual(all.items);
    expect(second.next).toBeNull();
    const late = await auditSearch.readersOf(auditor, { ...price, sinceMs: START_MS + 2 }, {});
    expect(late.items.map(({ subject }) => subject)).toEqual(['grace']);
  });

  it('tells how often each application has read a field', async () => {
    const { auditSearch } = test.control;
    const { items } = await auditSearch.fieldUsage(auditor, {}, {});
    expect(items.map(({ coordinate, application, times }) => [coordinate, application, times])).toEqual([
      ['Product.price', 'shop', 2],
      ['Product.price', 'till', 1],
      ['Query.products', 'shop', 3],
      ['Query.products', 'till', 1],
    ]);
    const one = await auditSearch.fieldUsage(
      auditor,
      { coordinate: 'Query.products', application: 'shop' },
      {},
    );
    expect(one.items.map(({ times }) => times)).toEqual([3]);
    const page = await auditSearch.fieldUsage(auditor, {}, { first: 3 });
    const rest = await auditSearch.fieldUsage(auditor, {}, { first: 3, after: page.next ?? '' });
    expect([...page.items, ...rest.items]).toEqual(items);
    expect(await faultCodeOf(auditSearch.fieldUsage(auditor, {}, { after: cursorOf('["a"]') }))).toBe(
      'INVALID_INPUT',
    );
  });
});
