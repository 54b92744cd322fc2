import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import type { CompiledOperation, OperationVariant } from '../../src/operation/operation.ts';
import { type AuditDemands, requireAudit } from '../../src/require-audit.ts';
import { request } from '../execution/execution-kit.ts';
import { eventOf } from './fixtures.ts';

let isFull: boolean;
let written: string;
let sink: FileAuditSink;

beforeEach(async () => {
  isFull = false;
  written = '';
  sink = await FileAuditSink.open({
    ...{ directory: '/nowhere', clock: Date.now, onFault: () => undefined },
    limits: { flushMs: 1, retryMs: 1, retryMsMax: 2 },
    openFile: async () => ({
      nextSeq: 0,
      append: async (bytes) => {
        if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        written += Buffer.from(bytes).toString();
        return bytes.length;
      },
      ...{ sync: async () => undefined, inPlace: async () => true, full: () => false },
      close: async () => undefined,
    }),
  });
});
afterEach(() => {
  isFull = false;
  return sink.close();
});

const REFUSE: AuditDemands = { whenUnwritable: 'refuse', durability: 'strict' };
const PERMIT: AuditDemands = { whenUnwritable: 'permitQueries', durability: 'strict' };

/** The code that an operation is refused with; null where it may run. */
async function refusalOf(type: CompiledOperation['type'], demands: AuditDemands): Promise<unknown> {
  const operation = { type, hash: 'ab', name: null } as CompiledOperation;
  const variant = { text: '{ a }' } as OperationVariant;
  const asked = { request: request('application/json'), principal: ANONYMOUS, operation, variant };
  return Promise.try(requireAudit, asked, sink, demands).then(
    () => null,
    (fault: { code: unknown }) => fault.code,
  );
}

describe('a disk that is full', () => {
  it('refuses the mutation that finds it so, whatever the configuration', async () => {
    isFull = true;
    expect(await refusalOf('mutation', PERMIT)).toBe('AUDIT_UNAVAILABLE');
  });

  it.each([
    ['query', REFUSE, 'AUDIT_UNAVAILABLE'],
    ['query', PERMIT, null],
    ['mutation', REFUSE, 'AUDIT_UNAVAILABLE'],
    ['mutation', PERMIT, 'AUDIT_UNAVAILABLE'],
    ['mutation', { ...PERMIT, durability: 'relaxed' }, 'AUDIT_UNAVAILABLE'],
    ['subscription', PERMIT, 'AUDIT_UNAVAILABLE'],
  ] as const)('once known, lets a %s under %o end with %s', async (type, demands, expected) => {
    isFull = true;
    sink.record(eventOf('before'));
    await vi.waitFor(() => expect(sink.healthy()).toBe(false));
    expect(await refusalOf(type, demands)).toBe(expected);
  });

  it('gets what waited once there is room, in order, and all runs again', async () => {
    isFull = true;
    for (const id of ['r-1', 'r-2']) sink.record(eventOf(id));
    await vi.waitFor(() => expect(sink.healthy()).toBe(false));
    isFull = false;
    await vi.waitFor(() => expect(sink.healthy()).toBe(true));
    expect(await refusalOf('mutation', REFUSE)).toBeNull();
    expect([...written.matchAll(/"requestId":"([^"]+)"/gu)].map(([, id]) => id)).toEqual([
      'r-1',
      'r-2',
      'request-1',
    ]);
    expect(sink.dropped).toBe(0);
  });
});
