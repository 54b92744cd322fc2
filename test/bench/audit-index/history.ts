import { createHash } from 'node:crypto';
import type { AuditEvent } from '../../../src/audit/event.ts';
import type { IndexedEvent } from '../../../src/control/audit-index-store.ts';

const TENANTS = 50;
const OPERATIONS = 2000;
const FIELDS = 400;
const SUBJECTS = 20_000;
const DAY_MS = 86_400_000;
const HISTORY_DAYS = 30;
const APPLICATIONS = 5;
/** An application asks the same few operations over and over. */
const OPERATIONS_EACH = 40;
/** One event of so many has an argument that is recorded, with one of so many values. */
const RECORDED_EACH = 10;
const VALUES = 20_000;
const DIGEST_CHARS = 22;
const RUN = '00000000-0000-4000-8000-000000000001';

/** Slug of the tenant with the most events: about a third of all. */
export const LARGEST = 'tenant-0';
/** A field that most operations ask for, one that a few do, and one that one does. */
export const COMMON = 'Type0.field0';
export const USUAL = 'Type5.field45';
export const RARE = 'Rare.field';
export const SUBJECT = 'subject-7';

/** Numbers from 0 up to 1, the same in every run. */
export function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A month of a gateway: few tenants and operations do most of it, as everywhere. Ends at a time. Units: milliseconds. */
export function* history(events: number, endMs: number): Generator<IndexedEvent> {
  const random = numbers(7);
  /** Small numbers far more often than large ones. */
  const skewed = (max: number) => Math.floor(max * random() ** 3);
  const operations = Array.from({ length: OPERATIONS }, (_, at) => operationOf(at, random));
  for (let seq = 0; seq < events; seq += 1) {
    const tenant = skewed(TENANTS);
    const application = tenant * APPLICATIONS + skewed(APPLICATIONS);
    const operation = operations[(application * 7 + skewed(OPERATIONS_EACH)) % OPERATIONS] ?? null;
    const atMs = endMs - (1 - seq / events) * HISTORY_DAYS * DAY_MS;
    const outcome = random();
    yield {
      run: RUN,
      seq,
      event: {
        ...BASE,
        time: new Date(atMs).toISOString(),
        requestId: createHash('md5').update(String(seq)).digest('hex'),
        remoteAddress: `10.0.${skewed(256)}.${skewed(256)}`,
        principal: {
          kind: 'user',
          subject: `subject-${skewed(SUBJECTS)}`,
          tenant: `tenant-${tenant}`,
          application: `application-${application}`,
          issuer: 'https://login.example',
          credentialId: `sha256:${skewed(100_000)}`,
        },
        operation,
        ...(outcome < 0.9 ? PERMITTED : outcome < 0.97 ? FILTERED : DENIED),
        counts: outcome < 0.97 ? countsOf(operation, outcome >= 0.9) : null,
        durationUs: Math.floor(random() * 50_000),
        ...(seq % RECORDED_EACH === 0 ? { arguments: [digestOf(skewed(VALUES))] } : {}),
      },
    };
  }
}

/** Stands for the digest of a value of some argument; the smaller the number, the more often it was given. */
export function digestOf(value: number): string {
  return createHash('sha256').update(`value ${value}`).digest('base64url').slice(0, DIGEST_CHARS);
}

/** Each field was answered, but for the common one where it is taken out. */
function countsOf(operation: AuditEvent['operation'], isFiltered: boolean): AuditEvent['counts'] {
  const coordinates = operation?.coordinates ?? [];
  const resolved = coordinates.map((coordinate) => (isFiltered && coordinate === COMMON ? 0 : 1));
  return { resolved, sizes: [], exceptions: [], sensitive: {} };
}

function operationOf(at: number, random: () => number): AuditEvent['operation'] {
  const coordinates = new Set(at % 10 === 0 ? [] : [COMMON]);
  const fields = 3 + Math.floor(random() * 25);
  for (let each = 0; each < fields; each += 1) {
    const field = Math.floor(FIELDS * random() ** 2);
    coordinates.add(`Type${Math.floor(field / 9)}.field${field}`);
  }
  if (at === OPERATIONS_EACH / 2) coordinates.add(RARE);
  return {
    ...OPERATION,
    hash: createHash('sha256').update(String(at)).digest('hex'),
    name: `Operation${at}`,
    coordinates: [...coordinates],
  };
}

const REASON = {
  rule: 'scopes',
  code: 'UNAUTHORIZED_FIELD_OR_TYPE',
  coordinate: COMMON,
  path: null,
} as const;
type Outcome = Pick<AuditEvent, 'decision' | 'code' | 'status'>;
const PERMITTED: Outcome = {
  decision: { effect: 'permit', reasons: [], reasonsTruncated: 0 },
  code: null,
  status: 200,
};
const FILTERED: Outcome = {
  ...PERMITTED,
  decision: { effect: 'filter', reasons: [REASON], reasonsTruncated: 0 },
};
const DENIED: Outcome = {
  decision: { effect: 'deny', reasons: [REASON], reasonsTruncated: 0 },
  code: 'UNAUTHORIZED_FIELD_OR_TYPE',
  status: 403,
};
const MEASURES = {
  ...{ tokens: 0, directives: 0, depth: 0, height: 0, aliases: 0, rootFields: 0, selections: 0 },
};
const OPERATION: NonNullable<AuditEvent['operation']> = {
  ...{ hash: '', name: '', type: 'query', measures: MEASURES, exceeded: [] },
  ...{ coordinates: [], coordinatesTruncated: 0 },
  audited: { refused: [], unreached: [], sensitive: [], plan: [] },
};
const BASE: AuditEvent = {
  ...{ version: 1, severity: 'normal', time: '', requestId: '', remoteAddress: '', method: 'POST' },
  ...{ principal: null, supergraph: null, operation: null, ...PERMITTED, cost: null },
  ...{
    fetches: [],
    fetchesTruncated: 0,
    counts: null,
    errors: 0,
    foreignObjects: 0,
    events: null,
    durationUs: 0,
  },
};
