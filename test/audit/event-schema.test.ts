import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { auditEventJsonSchema, auditEventSchema } from '../../src/audit/event-schema.ts';
import { publishedEvent } from '../../src/audit/published-event.ts';
import { eventOf } from './fixtures.ts';

const FILE = new URL('../../schema/audit-event.schema.json', import.meta.url);

describe('the audit event schema', () => {
  it('is published as it is, or `npm run generate` is due', () => {
    expect(readFileSync(FILE, 'utf8')).toBe(`${JSON.stringify(auditEventJsonSchema(), null, 2)}\n`);
  });

  it('accepts an event', () => {
    expect(auditEventSchema.safeParse(publishedEvent(eventOf('r-1'))).success).toBe(true);
  });

  it('is closed: an object of JSON Schema that allows further members has none', () => {
    const open: unknown[] = [];
    const visit = (node: unknown) => {
      if (typeof node !== 'object' || node === null) return;
      if ('properties' in node && !('additionalProperties' in node && node.additionalProperties === false))
        open.push(node);
      for (const child of Object.values(node)) visit(child);
    };
    visit(auditEventJsonSchema());
    expect(open).toEqual([]);
  });

  it.each<[string, object]>([
    ['a further member', { variables: { password: 'x' } }],
    ['another version', { version: 2 }],
    ['a time with an offset', { time: '2025-01-31T12:00:00+01:00' }],
    ['an unknown code', { code: 'NO_SUCH_CODE' }],
    ['a request id longer than the bound', { requestId: 'x'.repeat(129) }],
    ['a negative duration', { durationUs: -1 }],
    ['a missing decision', { decision: undefined }],
    ['an unknown effect', { decision: { effect: 'allow', reasons: [], reasonsTruncated: 0 } }],
  ])('refuses %s', (_, change) => {
    expect(auditEventSchema.safeParse({ ...publishedEvent(eventOf('r-1')), ...change }).success).toBe(false);
  });
});
