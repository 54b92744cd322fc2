import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileAuditSink } from '../../src/audit/audit-file-sink.ts';
import { AuditLogStore } from '../../src/audit/audit-log-store.ts';
import { createAuditSigner, publicAuditKey } from '../../src/audit/audit-signature.ts';
import { auditEventSchema } from '../../src/audit/event-schema.ts';
import { type AuditParts, auditEvent, auditIntent } from '../../src/audit/recorder.ts';
import { digestArgument } from '../../src/digest-arguments.ts';
import { ANONYMOUS } from '../../src/identity/principal.ts';
import { PARTS } from '../audit/fixtures.ts';
import { portcullis } from './command-line.ts';

const root = mkdtempSync(join(tmpdir(), 'portcullis-events-'));
const directory = join(root, 'log');
const NOON = Date.UTC(2026, 0, 10, 12);
const HOUR_MS = 3_600_000;
const DIGEST = 'A'.repeat(22);
const HOSTILE = '=HYPERLINK("x")\u001b[2J\u202eevil,"\n';

/** Hours after noon, and what differs from an ordinary event. */
const EVENTS: readonly (readonly [id: string, hours: number, part: Partial<AuditParts>])[] = [
  ['first', 0, {}],
  [
    'globex',
    1,
    { principal: { ...ANONYMOUS, kind: 'user', subject: 'don', tenant: 'globex', application: 'app' } },
  ],
  [
    'refused',
    2,
    {
      code: 'RATE_LIMITED',
      status: 429,
      decision: {
        effect: 'filter',
        mask: '0',
        reasons: [{ rule: 'scopes', code: 'FORBIDDEN', coordinate: 'Book.cost', path: ['book', 'cost'] }],
      },
    },
  ],
  [
    'hostile',
    3,
    {
      principal: { ...ANONYMOUS, kind: 'user', subject: HOSTILE, tenant: 'acme' },
      arguments: [null, DIGEST],
    },
  ],
  ['nobody', 4, { principal: null, operation: null, decision: null, code: 'UNAUTHENTICATED', status: 401 }],
];

async function writeLog(entries: typeof EVENTS, segmentBytesMax: number): Promise<void> {
  const store = await AuditLogStore.open({
    ...{ directory, keyPath: join(root, 'key.json'), segmentBytesMax, onRecovery: () => undefined },
    clock: () => NOON,
  });
  const sink = await FileAuditSink.open({
    ...{ directory, clock: () => NOON, openFile: store.openFile },
    onFault: (fault) => {
      throw fault;
    },
  });
  for (const [id, hours, part] of entries) {
    const request = { ...PARTS.request, id, receivedAtMs: NOON + hours * HOUR_MS };
    await sink.intend(auditIntent(request, ANONYMOUS, { hash: 'ab12', name: null }));
    sink.record(auditEvent({ ...PARTS, ...part, request }));
  }
  await sink.close();
  await store.close();
}

beforeAll(() => writeLog(EVENTS, 65_536));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const query = async (...options: readonly string[]) => {
  const { code, stdout, stderr } = await portcullis([
    'audit',
    'query',
    '-d',
    directory,
    '--json',
    ...options,
  ]);
  expect([code, stderr]).toEqual([0, '']);
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).requestId);
};

describe('audit query', () => {
  it.each([
    ['nothing asked', [], ['first', 'globex', 'refused', 'hostile', 'nobody']],
    ['a tenant', ['--tenant', 'acme'], ['first', 'refused', 'hostile']],
    ['another tenant and its subject', ['--tenant', 'globex', '--subject', 'don'], ['globex']],
    ['a tenant and a subject of another', ['--tenant', 'globex', '--subject', 'ada'], []],
    ['an application', ['--application', 'app'], ['globex']],
    [
      'a coordinate that was asked for',
      ['--coordinate', 'Product.price'],
      ['first', 'globex', 'refused', 'hostile'],
    ],
    ['a coordinate that was refused', ['--coordinate', 'Book.cost'], ['refused']],
    ['part of a coordinate', ['--coordinate', 'Product'], []],
    ['a decision', ['--decision', 'filter'], ['refused']],
    ['the code of a refusal', ['--code', 'RATE_LIMITED'], ['refused']],
    ['the code of a reason', ['--code', 'FORBIDDEN'], ['refused']],
    ['a name of an operation', ['--operation', 'Prices', '--limit', '1'], ['first']],
    ['a request', ['--request', 'nobody'], ['nobody']],
    ['a digest of a value', ['--digest', DIGEST], ['hostile']],
    ['a digest of another value', ['--digest', 'B'.repeat(22)], []],
    [
      'a time, its end not included',
      ['--since', '2026-01-10T13:00:00Z', '--until', '2026-01-10T15:00:00Z'],
      ['globex', 'refused'],
    ],
    ['a time of which nothing is left', ['--since', '1m'], []],
    ['none at all', ['--limit', '0'], []],
    ['a name of every object', ['--tenant', 'constructor'], []],
  ] as const)('finds what is asked by %s', async (_, options, expected) => {
    expect(await query(...options)).toEqual(expected);
  });

  it('shows people one line for each event, which cannot steer a terminal', async () => {
    const { stdout } = await portcullis(['audit', 'query', '-d', directory]);
    expect(stdout.split('\n')).toHaveLength(EVENTS.length + 1);
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(stdout).toContain('429  filter  query Prices  acme/ada  1.2ms  refused  RATE_LIMITED');
  });

  it.each([
    ['a time that is none', ['--since', 'yesterday'], 1, '--since must be a time such as'],
    ['a decision that is none', ['--decision', 'maybe'], 2, 'Allowed choices are permit'],
    ['a limit that is none', ['--limit', '-1'], 2, 'A count is a whole number'],
    ['a digest that is none', ['--digest', 'redacted'], 2, 'A digest has 22 characters'],
    ['no directory', ['-d', join(root, 'none')], 1, 'no such file or directory'],
  ] as const)('refuses %s', async (_, options, status, text) => {
    const { code, stdout, stderr } = await portcullis(['audit', 'query', '-d', directory, ...options]);
    expect([code, stdout]).toEqual([status, '']);
    expect(stderr).toContain(text);
  });
});

describe('audit export', () => {
  const run = (...options: readonly string[]) => portcullis(['audit', 'export', '-d', directory, ...options]);

  it('writes events that refer to nothing, without markers, intents and tables', async () => {
    const { stdout, stderr } = await run();
    const written = readFileSync(join(directory, 'audit-2026-01-10.ndjson'), 'utf8');
    const lines = stdout.split('\n').slice(0, -1);
    for (const line of lines) {
      const { seq, ...event } = JSON.parse(line);
      expect(written).toMatch(new RegExp(`"requestId":"${event.requestId}".*"seq":${seq}\\}`, 'u'));
      expect(auditEventSchema.parse(event)).toEqual(event);
    }
    expect(lines.map((line) => JSON.parse(line).operation?.name ?? null)).toEqual([
      ...new Array(4).fill('Prices'),
      null,
    ]);
    // Whether a caller has a table, too, is for who called before in this process.
    expect(written.match(/^\{"table":\d+,"operation":/gmu)).toHaveLength(1);
    expect(stderr).toBe('5 events exported\n');
  });

  it('writes CSV that a spreadsheet takes for text, one record for each event', async () => {
    const { stdout } = await run('--format', 'csv');
    expect(stdout.split('\n')[0]).toMatch(/^time,request_id,severity,/u);
    expect(stdout).toContain(`,"'=HYPERLINK(""x"")`);
    expect(stdout.match(/^2026-/gmu)).toHaveLength(EVENTS.length);
  });

  it('writes API activities of OCSF', async () => {
    const { stdout } = await run('--format', 'ocsf');
    const events = stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    expect(events[0]).toMatchObject({
      ...{
        class_uid: 6003,
        category_uid: 6,
        activity_id: 2,
        type_uid: 600_302,
        status_id: 1,
        severity_id: 1,
      },
      time: NOON,
      metadata: { uid: 'first', product: { name: 'Portcullis' } },
      actor: { user: { name: 'ada', org: { uid: 'acme' } } },
      api: { operation: 'Prices', response: { code: 200 } },
    });
    expect(events[2]).toMatchObject({ status_id: 2, status_code: 'RATE_LIMITED', severity_id: 3 });
    expect(events[4]).toMatchObject({ type_uid: 600_300, actor: {}, api: { operation: 'unknown' } });
  });

  it('writes a new file that only its owner reads, and never over another', async () => {
    const out = join(root, 'out.csv');
    expect(await run('--format', 'csv', '--tenant', 'globex', '--out', out)).toMatchObject({
      code: 0,
      stdout: '',
    });
    expect(readFileSync(out, 'utf8').split('\n')).toHaveLength(3);
    const again = await run('--out', out);
    expect([again.code, again.stderr]).toEqual([1, `${out} exists already: give --out a path of its own\n`]);
  });
});

describe('audit digest', () => {
  const key = join(root, 'key.json');
  const run = (...options: readonly string[]) =>
    portcullis(['audit', 'digest', '-d', directory, '--key', key, ...options]);
  const argument = ['--argument', 'Query.order(id:)', '--value'] as const;

  it('prints what the gateway writes for a value of an argument, for each tenant another', async () => {
    const jwk: unknown = JSON.parse(readFileSync(key, 'utf8'));
    const domain = { tenant: 'acme', argument: 'Query.order(id:)' };
    const digest = digestArgument('7', domain, createAuditSigner(jwk).secretFor('audited arguments'));
    expect(await run('--tenant', 'acme', ...argument, '"7"')).toMatchObject({
      code: 0,
      stdout: `${digest}\n`,
    });
    expect((await run('--tenant', 'globex', ...argument, '"7"')).stdout).toMatch(/^[\w-]{22}\n$/u);
    expect((await run('--tenant', 'globex', ...argument, '"7"')).stdout).not.toBe(`${digest}\n`);
  });

  it.each([
    ['a value that is no JSON, without saying it', [...argument, 'hush'], 1, 'the value must be JSON'],
    ['an argument that is none', ['--argument', 'Query.order', '--value', '1'], 2, 'as in Query.order(id:)'],
    [
      'a key that only verifies',
      [...argument, '1', '--key', join(root, 'public.json')],
      1,
      'digests are made with the private key',
    ],
  ] as const)('refuses %s', async (_, options, status, text) => {
    const jwk: unknown = JSON.parse(readFileSync(key, 'utf8'));
    writeFileSync(join(root, 'public.json'), JSON.stringify(publicAuditKey(jwk)));
    const { code, stdout, stderr } = await run(...options);
    expect([code, stdout]).toEqual([status, '']);
    expect(stderr).toContain(text);
    expect(stderr).not.toContain('hush');
  });
});

describe('audit unanswered', () => {
  it('lists the mutations of which the log tells no more, and no other', async () => {
    const crashed = join(root, 'crashed');
    const store = await AuditLogStore.open({
      ...{ directory: crashed, keyPath: join(root, 'key.json'), segmentBytesMax: 65_536 },
      ...{ clock: () => NOON, onRecovery: () => undefined },
    });
    const sink = await FileAuditSink.open({
      ...{ directory: crashed, clock: () => NOON, openFile: store.openFile, onFault: () => undefined },
    });
    for (const id of ['done', 'cut', 'also-done']) {
      const request = { ...PARTS.request, id };
      await sink.intend(auditIntent(request, ANONYMOUS, { hash: 'ab12', name: null }));
      if (id !== 'cut') sink.record(auditEvent({ ...PARTS, request }));
    }
    await sink.close();
    await store.close();
    const { code, stdout, stderr } = await portcullis(['audit', 'unanswered', '-d', crashed]);
    expect([code, stderr]).toEqual([0, 'mutations without an event: 1\n']);
    expect(JSON.parse(stdout)).toMatchObject({ requestId: 'cut' });
    expect((await portcullis(['audit', 'unanswered', '-d', directory])).stdout).toBe('');
  });
});

describe('audit tail', () => {
  it('shows the last events', async () => {
    const { stdout } = await portcullis(['audit', 'tail', '-d', directory, '-n', '2', '--json']);
    expect(
      stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).requestId),
    ).toEqual(['hostile', 'nobody']);
  });

  it('follows into further segments, and stops when it is told to', async () => {
    const main = join(import.meta.dirname, '../../src/main.ts');
    const child = spawn(
      process.execPath,
      [main, 'audit', 'tail', '-d', directory, '-n', '1', '-f', '--json'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await vi.waitFor(() => expect(text).toContain('nobody'), { timeout: 10_000 });
    await writeLog([['later', 5, {}]], 65_536);
    await writeLog([['last', 6, {}]], 65_536);
    await vi.waitFor(() => expect(text).toContain('"last"'), { timeout: 5000 });
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    const ids = text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).requestId);
    expect(ids).toEqual(['nobody', 'later', 'last']);
  });
});
