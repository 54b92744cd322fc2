import { describe, expect, it } from 'vitest';
import { auditSinksKey } from '../../src/config/audit-sinks-section.ts';

const SECRET = 's'.repeat(32);
const HOOK = { type: 'webhook', url: 'https://siem.example/in', secret: SECRET };

const pathsOf = (sinks: unknown): string[] =>
  (auditSinksKey.safeParse(sinks).error?.issues ?? []).map(({ path }) => path.join('.'));

describe('audit.sinks', () => {
  it('takes one of each type as short as it can be', () => {
    expect(
      pathsOf([
        { type: 'database', retentionDays: 30 },
        { type: 'otlp', url: 'http://127.0.0.1:4318', headers: { 'X-Token': 't' } },
        HOOK,
        { type: 'stdout', format: 'ocsf' },
      ]),
    ).toEqual([]);
  });

  it.each([
    ['0.url', { type: 'otlp' }],
    ['0.secret', { type: 'webhook', url: HOOK.url }],
    ['0.secret', { ...HOOK, secret: 'short' }],
    ['0.secret', { type: 'otlp', url: 'https://otlp.example', secret: SECRET }],
    ['0.url', { type: 'database', url: 'https://elsewhere.example' }],
    ['0.retentionDays', { ...HOOK, retentionDays: 5 }],
    ['0.format', { type: 'otlp', url: 'https://otlp.example', format: 'ocsf' }],
    ['0.url', { ...HOOK, url: 'http://siem.example/in' }],
    ['0.url', { ...HOOK, url: 'https://me:secret@siem.example/in' }],
    ['0.headers.a b', { ...HOOK, headers: { 'a b': 'x' } }],
    ['0.headers.token', { ...HOOK, headers: { token: 'a\r\nb: c' } }],
    ['0.name', { ...HOOK, name: '../up' }],
    ['0.type', { type: 'kafka' }],
    ['0', { type: 'stdout', colour: 'red' }],
  ])('refuses at %s: %j', (path, sink) => {
    expect(pathsOf([sink])).toContain(path);
  });

  it('tells two of one type apart by their names', () => {
    expect(pathsOf([HOOK, HOOK])).toEqual(['1.name']);
    expect(pathsOf([HOOK, { ...HOOK, name: 'second' }])).toEqual([]);
    expect(pathsOf([HOOK, { type: 'stdout', name: 'webhook' }])).toEqual(['1.name']);
  });
});
