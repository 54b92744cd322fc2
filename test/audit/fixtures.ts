import { expect } from 'vitest';
import { auditLine } from '../../src/audit/audit-line.ts';
import { AuditQueue } from '../../src/audit/audit-queue.ts';
import type { AuditEvent } from '../../src/audit/event.ts';
import { SegmentEvents } from '../../src/audit/logged-event.ts';
import { type AuditParts, auditEvent } from '../../src/audit/recorder.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';

const MEASURES = { tokens: 9, directives: 0, depth: 2, height: 3, aliases: 1, rootFields: 1, selections: 4 };

/** What a pipeline knows at the end of an ordinary request. */
export const PARTS: AuditParts = {
  request: { id: 'r-1', receivedAtMs: Date.UTC(2025, 0, 31, 12), remoteAddress: '127.0.0.1', method: 'POST' },
  principal: { ...ANONYMOUS, kind: 'user', subject: 'ada', tenant: 'acme', issuer: 'https://idp.example' },
  operation: {
    hash: 'ab12',
    supergraphId: 'cd34',
    name: 'Prices',
    type: 'query',
    measures: MEASURES,
    warnings: [],
    coordinates: ['Query.products', 'Product.price'],
    auditedArguments: { listed: [], truncated: 0 },
  },
  variant: {
    audited: {
      refused: [],
      unreached: [],
      sensitive: [],
      plan: [{ subgraph: 'catalog', coordinates: [0, 1] }],
    },
  },
  decision: { effect: 'permit', mask: '', reasons: [] },
  cost: null,
  fetches: [{ subgraph: 'catalog', durationUs: 812, status: 200, errors: 0, planned: 0 }],
  counts: { resolved: [1, 20], sizes: [0, 8], exceptions: [1, 2, 0, 1], sensitive: {} },
  arguments: null,
  times: null,
  changes: null,
  status: 200,
  code: null,
  errors: 0,
  foreignObjects: 0,
  events: null,
  durationUs: 1_200,
};

/** An event told apart by its request id. */
export function eventOf(id: string): AuditEvent {
  return auditEvent({ ...PARTS, request: { ...PARTS.request, id } });
}

/** Lines of events and of their tables as they would stand in a segment, each with its line feed. */
export function linesOf(...events: readonly AuditEvent[]): readonly string[] {
  const queue = new AuditQueue({ linesMax: events.length, bytesMax: Number.POSITIVE_INFINITY });
  for (const event of events) queue.push(0, auditLine(event));
  const text = Buffer.from(queue.batch(Number.POSITIVE_INFINITY, {})).toString();
  return text.split(/(?<=\n)/u);
}

/** Events as whoever reads a segment gets them, but for their numbers. */
export function readBack(lines: readonly string[]): readonly AuditEvent[] {
  const reader = new SegmentEvents();
  return lines.flatMap((line) => {
    const logged = reader.read(line.slice(0, -1));
    if (logged === null) return [];
    const { seq: _, ...event } = logged;
    return [event];
  });
}

/** Takes events as an audit does that writes them later; tells whether one changed after it was taken. */
export function keptEvents() {
  const events: AuditEvent[] = [];
  const told: string[] = [];
  return {
    events,
    record: (event: AuditEvent): void => {
      events.push(event);
      told.push(JSON.stringify(event));
    },
    expectUnchanged: (): void => expect(events.map((event) => JSON.stringify(event))).toEqual(told),
  };
}
