import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import { ControlError } from '../../src/control/control-error.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { adminChanges } from '../../subgraphs/admin/admin-changes.ts';
import { adminObjects } from '../../subgraphs/admin/admin-objects.ts';
import { adminQueries } from '../../subgraphs/admin/admin-queries.ts';
import { principal } from './support.ts';

const AT = Date.UTC(2026, 10, 24);
const BODY = {
  ...{ id: 'bdy_1', tenantId: 'ten_a', applicationId: null, subject: 'ada', field: 'Mutation.chat' },
  ...{ model: 'house/m', mode: 'redacted', at: AT, expiresAt: AT + 1_000 },
};

let asked: unknown[] = [];
const aiBodies = {
  list: async (_: Actor, page: unknown) => {
    asked.push(page);
    return { items: [BODY], next: null };
  },
  open: async (_: Actor, { id, ...input }: { readonly id: string }) => {
    asked.push(input);
    if (id !== BODY.id) throw new ControlError({ code: 'NOT_FOUND', entity: 'aiBody' });
    return { ...BODY, text: '{"question":"?"}' };
  },
  setMode: async (_: Actor, input: unknown) => {
    asked.push(input);
    return { id: 'ten_a', slug: 'acme' };
  },
};
const control = { aiBodies } as unknown as ControlPlane;
const schema = buildSubgraphSchema([
  {
    typeDefs: parse(readFileSync('schema/admin.graphql', 'utf8')),
    resolvers: { ...adminQueries(control), ...adminObjects(control), ...adminChanges(control, null) },
  },
]);

async function ask(source: string, scope: string) {
  asked = [];
  const contextValue = {
    principal: principal({ scopes: new Set([scope]) }),
    loaders: { actor: async () => SYSTEM, changes: [] },
  };
  const { data, errors } = await graphql({ schema, source, contextValue });
  const codes = (errors ?? []).map(({ extensions }) => extensions['code']);
  return { data: JSON.parse(JSON.stringify(data ?? null)), codes, asked };
}

const LIST = '{ admin { aiBodies(tenantId: "ten_a") { nodes { id mode subject at expiresAt } } } }';
const READ = (id: string) =>
  `mutation { controlReadAiBody(input: { bodyId: "${id}", reason: "case 1" }) { body { id text } errors { code } } }`;

describe('kept questions and answers in the admin schema', () => {
  it('are listed without what they say', async () => {
    const { data, codes, asked } = await ask(LIST, 'portcullis:security');
    expect(codes).toEqual([]);
    expect(data.admin.aiBodies.nodes).toEqual([
      {
        ...{ id: 'bdy_1', mode: 'REDACTED', subject: 'ada' },
        ...{ at: '2026-11-24T00:00:00.000Z', expiresAt: '2026-11-24T00:00:01.000Z' },
      },
    ]);
    expect(asked).toEqual([{ tenantId: 'ten_a', first: 20 }]);
  });

  it('are read one by one, with a reason', async () => {
    const { data, asked } = await ask(READ('bdy_1'), 'portcullis:admin');
    expect(data.controlReadAiBody).toEqual({ body: { id: 'bdy_1', text: '{"question":"?"}' }, errors: [] });
    expect(asked).toEqual([{ reason: 'case 1' }]);
    const none = await ask(READ('bdy_2'), 'portcullis:admin');
    expect(none.data.controlReadAiBody).toEqual({ body: null, errors: [{ code: 'NOT_FOUND' }] });
  });

  it('are kept where a tenant says so', async () => {
    const { data, asked } = await ask(
      'mutation { controlSetLogBodies(input: { tenantId: "ten_a", logBodies: FULL, reason: "case 1" }) { tenant { slug } } }',
      'portcullis:security',
    );
    expect(data.controlSetLogBodies).toEqual({ tenant: { slug: 'acme' } });
    expect(asked).toEqual([{ tenantId: 'ten_a', logBodies: 'full', reason: 'case 1' }]);
  });

  it.each(['portcullis:audit', 'portcullis:develop', 'portcullis:models'])(
    'are not for %s',
    async (scope) => {
      expect((await ask(READ('bdy_1'), scope)).codes).toEqual(['FORBIDDEN']);
      const listed = await ask(LIST, scope);
      expect([listed.codes, listed.asked]).toEqual([['FORBIDDEN'], []]);
    },
  );
});
