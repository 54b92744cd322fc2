import type { AuditEvent } from './event.ts';

type Cell = string | number | null;

const COLUMNS: readonly (readonly [name: string, of: (event: AuditEvent) => Cell])[] = [
  ['time', ({ time }) => time],
  ['request_id', ({ requestId }) => requestId],
  ['severity', ({ severity }) => severity],
  ['remote_address', ({ remoteAddress }) => remoteAddress],
  ['kind', ({ principal }) => principal?.kind ?? null],
  ['tenant', ({ principal }) => principal?.tenant ?? null],
  ['application', ({ principal }) => principal?.application ?? null],
  ['subject', ({ principal }) => principal?.subject ?? null],
  ['credential_id', ({ principal }) => principal?.credentialId ?? null],
  ['operation_type', ({ operation }) => operation?.type ?? null],
  ['operation_name', ({ operation }) => operation?.name ?? null],
  ['operation_hash', ({ operation }) => operation?.hash ?? null],
  ['coordinates', ({ operation }) => operation?.coordinates.join(' ') ?? null],
  ['decision', ({ decision }) => decision.effect],
  [
    'refused',
    ({ decision }) =>
      decision.reasons.map(({ code, coordinate }) => `${code}:${coordinate ?? '-'}`).join(' '),
  ],
  ['status', ({ status }) => status],
  ['code', ({ code }) => code],
  ['errors', ({ errors }) => errors],
  ['cost', ({ cost }) => cost?.actual ?? cost?.estimated ?? null],
  ['fetches', ({ fetches }) => fetches.length],
  ['duration_us', ({ durationUs }) => durationUs],
];

/** The names of the columns. Source: RFC 4180, with line feeds. */
export function csvHead(): string {
  return `${COLUMNS.map(([name]) => name).join(',')}\n`;
}

/** One event as a row. */
export function csvRow(event: AuditEvent): string {
  return `${COLUMNS.map(([, of]) => cell(of(event))).join(',')}\n`;
}

/** Spreadsheets run what begins like a formula: an apostrophe makes it text. */
function cell(value: Cell): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[\s]*[=+\-@|%]/u.test(value) || /^[\t\r\n]/u.test(value) ? `'${value}` : value;
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
