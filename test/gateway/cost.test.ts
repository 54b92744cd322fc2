import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  ask,
  askBatch,
  auditOf,
  type Section,
  type Sections,
  startTestGateway,
  type TestGateway,
} from './gateway-kit.ts';
import { startItems, startReviews, type TinySubgraph } from './tiny-subgraph.ts';

let parts: TinySubgraph[];
let running: TestGateway | null = null;
beforeAll(async () => {
  parts = [await startItems(), await startReviews()];
});
afterEach(() => running?.close());
afterAll(async () => {
  await Promise.all(parts.map((part) => part.close()));
});

async function gatewayWith(cost: Section, sections: Sections = {}): Promise<TestGateway> {
  running = await startTestGateway(parts, { ...sections, cost });
  return running;
}
const received = () => parts.reduce((sum, part) => sum + part.received.length, 0);
const ITEMS = '{ items { name } }';

describe('an operation whose cost is enforced', () => {
  it('runs at the limit, and tells what it cost', async () => {
    const { url, where } = await gatewayWith({ mode: 'enforce', max: 5, listSize: 5 });
    const answer = await ask(url, ITEMS);
    expect(answer.codes).toEqual([]);
    const items = answer.body.data?.['items'] as unknown[];
    expect(answer.headers.get('x-cost-estimated')).toBe('5');
    expect(answer.headers.get('x-cost-actual')).toBe(String(items.length));
    expect(answer.headers.get('x-cost-max')).toBe('5');
    const { cost } = await auditOf(where, answer.requestId);
    expect(cost).toEqual({ estimated: 5, actual: items.length, max: 5 });
  });

  it('is refused above the limit before any subgraph is called', async () => {
    const { url, where } = await gatewayWith({ mode: 'enforce', max: 4, listSize: 5 });
    const before = received();
    const answer = await ask(url, ITEMS);
    expect(answer.status).toBe(400);
    expect(answer.body.data).toBeUndefined();
    expect(answer.codes).toEqual(['COST_ESTIMATED_TOO_EXPENSIVE']);
    expect(answer.body.errors?.[0]?.extensions['cost']).toEqual({ estimated: 5, max: 4 });
    expect(answer.headers.get('x-cost-estimated')).toBe('5');
    expect(received()).toBe(before);
    const { cost, code } = await auditOf(where, answer.requestId);
    expect({ cost, code }).toEqual({
      cost: { estimated: 5, actual: null, max: 4 },
      code: 'COST_ESTIMATED_TOO_EXPENSIVE',
    });
  });

  it('is refused once its batch has used up the limit', async () => {
    const batching = { limits: { batching: { enabled: true, max: 10 } } };
    const { url } = await gatewayWith({ mode: 'enforce', max: 10, listSize: 5 }, batching);
    const before = received();
    const { answers } = await askBatch(
      url,
      Array.from({ length: 3 }, () => ({ query: ITEMS })),
    );
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions.code ?? null);
    expect(codes.filter((code) => code === null)).toHaveLength(2);
    expect(codes).toContain('COST_ESTIMATED_TOO_EXPENSIVE');
    expect(received()).toBeLessThanOrEqual(before + 2);
  });

  it('is refused above the limit of one subgraph', async () => {
    const name = parts[0]?.name ?? '';
    const { url } = await gatewayWith({
      mode: 'enforce',
      max: 100,
      perSubgraph: { [name]: { max: 2, listSize: 3 } },
    });
    const before = received();
    const answer = await ask(url, ITEMS);
    expect(answer.codes).toEqual(['SUBGRAPH_COST_ESTIMATED_TOO_EXPENSIVE']);
    expect(answer.body.errors?.[0]?.extensions['cost']).toEqual({ estimated: 3, max: 2 });
    expect(received()).toBe(before);
  });
});

describe('an operation whose cost is measured', () => {
  it('runs above the limit', async () => {
    const { url } = await gatewayWith({ mode: 'measure', max: 0 });
    const answer = await ask(url, ITEMS);
    expect(answer.codes).toEqual([]);
    expect(answer.headers.get('x-cost-estimated')).toBe('10');
  });
});

describe('an operation whose cost is not counted', () => {
  it('has no cost in headers and audit', async () => {
    const { url, where } = await gatewayWith({});
    const answer = await ask(url, ITEMS);
    expect(answer.headers.get('x-cost-estimated')).toBeNull();
    expect((await auditOf(where, answer.requestId)).cost).toBeNull();
  });
});
