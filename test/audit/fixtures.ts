import type { AuditEvent } from '../../src/audit/event.ts';
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
