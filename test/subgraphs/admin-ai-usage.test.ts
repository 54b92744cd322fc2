import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { graphql, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { type Actor, SYSTEM } from '../../src/control/actor.ts';
import type { AiUsage, AiUsageFilter } from '../../src/control/ai-usage-store.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { adminObjects } from '../../subgraphs/admin/admin-objects.ts';
import { adminQueries } from '../../subgraphs/admin/admin-queries.ts';
import { principal } from './support.ts';

const AT = Date.UTC(2026, 10, 24);
const CALL: AiUsage = {
  ...{ id: 'use_1', tenantId: 'ten_a', applicationId: 'app_a', credentialId: null, subscriptionId: 'sub_1' },
  ...{
    model: 'house/m',
    providerKey: 'house/main',
    priceVersion: 'v1',
    reservedTokens: 9,
    reservedMicroUsd: 9_007_199_254_740_991,
  },
  ...{ settledTokens: 5, settledMicroUsd: 3, inputTokens: 4, cacheReadTokens: 0, cacheWriteTokens: 0 },
  ...{
    outputTokens: 1,
    reasoningTokens: 0,
    savedTokens: 0,
    savedMicroUsd: 4e15,
    source: 'estimated',
    finish: 'aborted',
    findings: null,
    at: AT,
    settledAt: null,
  },
};
const FIELDS = `nodes { id reservedMicroUsd settledMicroUsd savedMicroUsd source finish findings { kind } at settledAt }
  pageInfo { hasNextPage endCursor }`;
const SPAN = 'since: "2026-11-01T00:00:00Z", until: "2026-12-01T00:00:00Z"';

async function ask(query: string, scope: string, actor: Partial<Actor> = {}) {
  const filters: AiUsageFilter[] = [];
  const aiUsage = {
    list: async (_: Actor, filter: AiUsageFilter) => {
      filters.push(filter);
      return { items: [CALL], next: 'bmV4dA' };
    },
    spend: async (_: Actor, filter: AiUsageFilter, by: string) => {
      filters.push(filter);
      return [
        {
          ...{
            key: by === 'subscription' ? '' : by,
            calls: 2,
            tokens: 3e9,
            microUsd: 4e15,
            reservedMicroUsd: 0,
          },
          ...{ blocked: 0, cacheHits: 1, savedTokens: 5e9, savedMicroUsd: 6e15 },
        },
      ];
    },
  };
  const control = { aiUsage } as unknown as ControlPlane;
  const schema = buildSubgraphSchema([
    {
      typeDefs: parse(readFileSync('schema/admin.graphql', 'utf8')),
      resolvers: { ...adminQueries(control), ...adminObjects(control) },
    },
  ]);
  const contextValue = {
    principal: principal({ scopes: new Set([scope]) }),
    loaders: { actor: async () => ({ ...SYSTEM, ...actor }) },
  };
  const { data, errors } = await graphql({ schema, source: query, contextValue });
  return {
    data: JSON.parse(JSON.stringify(data ?? null)),
    codes: (errors ?? []).map((e) => e.extensions['code']),
    filters,
  };
}

describe('the use of AI models in the admin schema', () => {
  it('shows calls with their money in digits', async () => {
    const { data, codes } = await ask(`{ admin { aiUsage(first: 1) { ${FIELDS} } } }`, 'portcullis:audit');
    expect(codes).toEqual([]);
    expect(data.admin.aiUsage).toEqual({
      nodes: [
        {
          ...{ id: 'use_1', reservedMicroUsd: '9007199254740991', settledMicroUsd: '3', source: 'ESTIMATED' },
          savedMicroUsd: '4000000000000000',
          ...{ finish: 'ABORTED', at: '2026-11-24T00:00:00.000Z', settledAt: null, findings: [] },
        },
      ],
      pageInfo: { hasNextPage: true, endCursor: 'bmV4dA' },
    });
  });

  it('shows sums, also of what has nothing in common', async () => {
    const query = (by: string) =>
      `{ admin { aiSpend(${SPAN}, by: ${by}) { key calls tokens microUsd cacheHits savedTokens savedMicroUsd } } }`;
    const { data, filters } = await ask(query('SUBSCRIPTION'), 'portcullis:admin');
    expect(data.admin.aiSpend).toEqual([
      {
        ...{ key: null, calls: 2, tokens: '3000000000', microUsd: '4000000000000000' },
        ...{ cacheHits: 1, savedTokens: '5000000000', savedMicroUsd: '6000000000000000' },
      },
    ]);
    expect(filters[0]).toMatchObject({ sinceMs: Date.UTC(2026, 10, 1), untilMs: Date.UTC(2026, 11, 1) });
    expect((await ask(query('TENANT'), 'portcullis:admin')).data.admin.aiSpend[0].key).toBe('tenant');
  });

  it('shows a developer the own tenant, and nothing to who has none', async () => {
    const query = `{ portal { myAiUsage(first: 1) { nodes { id } } myAiSpend(${SPAN}) { calls } } }`;
    const own = await ask(query, 'portcullis:develop', { isPlatform: false, tenantId: 'ten_a' });
    expect(own.filters.map(({ tenantId }) => tenantId)).toEqual(['ten_a', 'ten_a']);
    const none = await ask(query, 'portcullis:develop');
    expect([none.codes, none.filters]).toEqual([['FORBIDDEN', 'FORBIDDEN'], []]);
  });

  it.each(['portcullis:develop', 'portcullis:approve', 'ai:chat'])(
    'shows nothing to the scope %s',
    async (scope) => {
      const { codes, filters } = await ask(
        `{ admin { aiUsage(first: 1) { nodes { id } } aiSpend(${SPAN}) { key } } }`,
        scope,
      );
      expect(codes.length).toBeGreaterThan(0);
      expect(codes.every((code) => code === 'FORBIDDEN')).toBe(true);
      expect(filters).toEqual([]);
    },
  );

  it('refuses what is no time', async () => {
    const { codes } = await ask(
      '{ admin { aiSpend(since: "yesterday", until: "2026-12-01T00:00:00Z") { key } } }',
      'portcullis:admin',
    );
    expect(codes).toEqual(['BAD_USER_INPUT']);
  });
});
