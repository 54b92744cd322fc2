import { describe, expect, it } from 'vitest';
import { findingsIn } from '../../../src/execution/native/findings-in.ts';
import { ModelReport } from '../../../subgraphs/ai/model-report.ts';

const FOUND = { guardrail: 'pii', kind: 'EMAIL', direction: 'input', action: 'mask', count: 2 } as const;
const answer = (guardrails: unknown) =>
  ({ kind: 'answer', body: { data: null, extensions: { guardrails } } }) as unknown as Parameters<
    typeof findingsIn
  >[0];

describe('findings of guardrails', () => {
  it('are added up by the subgraph, and taken out of its answer', () => {
    const report = new ModelReport();
    report.add({ guardrails: [FOUND] });
    report.add({ guardrails: [FOUND] });
    expect(findingsIn(answer(report.extensions()?.guardrails))).toEqual({
      findings: [{ ...FOUND, count: 4 }],
    });
  });

  it('are nothing where nothing was found', () => {
    expect(new ModelReport().extensions()).toBeNull();
    for (const told of [undefined, [], 'none', {}]) expect(findingsIn(answer(told))).toBeNull();
  });

  it.each([
    [{ ...FOUND, kind: 'jane@example.com' }],
    [{ ...FOUND, guardrail: 'x'.repeat(33) }],
    [{ ...FOUND, direction: 'sideways' }],
    [{ ...FOUND, action: 'shout' }],
    [{ ...FOUND, count: 0 }],
    [{ ...FOUND, count: 1.5 }],
    [null],
  ])('are left out where they are none: %j', (told) => {
    expect(findingsIn(answer([told]))).toBeNull();
    expect(findingsIn(answer([told, FOUND]))).toEqual({ findings: [FOUND] });
  });

  it('have a bound', () => {
    expect(findingsIn(answer(Array(1000).fill(FOUND)))?.findings).toHaveLength(64);
  });
});
