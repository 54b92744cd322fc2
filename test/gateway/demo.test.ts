import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { budgetTour } from '../../demo/demo-budget.ts';
import { type DemoAnswer, PEOPLE, REQUESTS } from '../../demo/demo-requests.ts';
import { type DemoSystem, startDemo } from '../../demo/demo-system.ts';
import type { AuditEvent } from '../../src/audit/event.ts';
import { copyDatabase } from '../control/copy-database.ts';
import { type Answer, ask, auditOf, type Folder, folder } from './gateway-kit.ts';

describe('the demo', () => {
  let where: Folder;
  let demo: DemoSystem;
  beforeAll(async () => {
    where = folder();
    // As one that has just been initialized.
    copyDatabase(inject('pgliteTemplates').empty, join(where.path, 'db'));
    demo = await startDemo({ directory: where.path, port: 0 });
  });
  afterAll(async () => {
    await demo?.close();
    where.remove();
  });

  async function tokenOf(person: keyof typeof PEOPLE | 'nobody' | 'forger'): Promise<string | undefined> {
    if (person === 'nobody') return undefined;
    if (person !== 'forger') return demo.issuer.token(PEOPLE[person]);
    const genuine = await demo.issuer.token(PEOPLE['administrator of acme']);
    return `${genuine.slice(0, genuine.lastIndexOf('.'))}.${'A'.repeat(86)}`;
  }

  async function askAs(
    person: Parameters<typeof tokenOf>[0],
    query: string,
    variables = {},
  ): Promise<Answer> {
    const token = await tokenOf(person);
    return ask(demo.url, query, { variables, ...(token === undefined ? {} : { token }) });
  }

  it.each(REQUESTS)('shows what it should: $title', async ({ person, query, variables, showed }) => {
    const answer = await askAs(person, query, variables);
    expect(showed(answer as unknown as DemoAnswer)).not.toBe('');
    const event = await auditOf(where, answer.requestId);
    expect(event).toMatchObject({ status: answer.status, errors: answer.body.errors?.length ?? 0 });
  });

  it('shows an application that is approved for models, chats, streams and comes to the ends of its plan', async () => {
    const shown: string[] = [];
    for await (const { showed } of budgetTour(demo)) shown.push(showed);
    expect(shown).toHaveLength(5);
  });

  const OPERATION =
    'query Shop { me { email } products(first: 1) { nodes { sku costPrice { amountMinor } } } }';

  const summary = ({ principal, decision, operation, code }: AuditEvent) => ({
    kind: principal?.kind,
    subject: principal?.subject,
    effect: decision.effect,
    reasons: decision.reasons.map(({ rule, coordinate }) => `${rule} ${coordinate}`),
    coordinates: operation?.coordinates,
    code,
  });
  const COORDINATES = [
    'Query.me',
    'User.email',
    'Query.products',
    'ProductPage.nodes',
    'Book.sku',
    'Device.sku',
    'Book.costPrice',
    'Device.costPrice',
    'Money.amountMinor',
  ];

  it.each([
    {
      person: 'nobody',
      sees: { me: null, costPrice: null },
      decision: {
        effect: 'filter',
        reasons: ['authenticated Query.me', 'policies Book.costPrice', 'policies Device.costPrice'],
      },
      principal: { kind: 'anonymous' },
    },
    {
      person: 'reader of acme',
      sees: { me: { email: 'ada@acme.example' }, costPrice: null },
      decision: { effect: 'filter', reasons: ['policies Book.costPrice', 'policies Device.costPrice'] },
      principal: { kind: 'user', subject: 'acme-ada' },
    },
    {
      person: 'administrator of acme',
      sees: { me: { email: expect.any(String) }, costPrice: { amountMinor: expect.any(Number) } },
      decision: { effect: 'permit', reasons: [] },
      principal: { kind: 'user', subject: 'acme-alan' },
    },
  ] as const)('answers one operation for $person as they may see it, and audits why', async (expected) => {
    const { me, costPrice } = expected.sees;
    const answer = await askAs(expected.person, OPERATION);
    expect(answer.body.data).toEqual({
      me,
      products: { nodes: [{ sku: expect.any(String), costPrice }] },
    });
    const event = summary(await auditOf(where, answer.requestId));
    expect(event).toMatchObject({ ...expected.decision, ...expected.principal, code: null });
    expect(new Set(event.coordinates)).toEqual(new Set(COORDINATES));
  });
});
