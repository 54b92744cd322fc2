import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  ask,
  auditOf,
  auditText,
  createIssuer,
  type Folder,
  folder,
  type Issuer,
  post,
  trusting,
  writeConfig,
} from './gateway-kit.ts';
import { type Outside, startOutside } from './outside-kit.ts';
import { type Served, serve } from './serve-kit.ts';
import { json, startRawSubgraph, type TinySubgraph } from './tiny-subgraph.ts';

const SDL = `
extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@composeDirective"])
  @link(url: "https://portcullis.dev/security/v1.0", import: ["@audit"])
  @composeDirective(name: "@audit")
directive @audit(level: security__AuditLevel! = ACCESS, redact: Boolean! = false) on OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION
enum security__AuditLevel { NONE ACCESS DETAILED FULL }
type Query { find(text: String, n: Int): String @audit(level: FULL) fails: String breaks: String strict: String! listed: [Int] }
type Mutation { keep(text: String): String @audit(level: DETAILED) }
`;

const WITHIN = { timeout: 30_000, interval: 50 };

const planted: string[] = [];
/** Text that must stay where it was put. */
function secret(what: string): string {
  const text = `PLANTED-${what}-${crypto.randomUUID().replaceAll('-', '')}`;
  planted.push(text);
  return text;
}

describe('planted secrets', () => {
  let vault: TinySubgraph;
  let outside: Outside;
  let where: Folder;
  let issuer: Issuer;
  let served: Served;
  let url: string;
  const inError = secret('subgraph-error');
  const inStack = secret('subgraph-extension');
  const inBody = secret('subgraph-body');
  const inHeader = secret('subgraph-header');
  const inValue = secret('subgraph-value');

  beforeAll(async () => {
    vault = await startRawSubgraph('vault', SDL, ({ body: { query } }, response) => {
      response.setHeader('x-powered-by', inHeader);
      response.setHeader('set-cookie', `session=${inHeader}`);
      if (query.includes('breaks')) {
        response.writeHead(500, { 'content-type': 'text/html' });
        response.end(`<h1>${inBody}</h1>`);
        return;
      }
      if (query.includes('listed')) return json(response, { data: { listed: inValue } });
      if (query.includes('strict')) return json(response, { data: { strict: { text: inValue } } });
      if (query.includes('find')) return json(response, { data: { find: null } });
      if (query.includes('keep')) return json(response, { data: { keep: null } });
      const error = {
        message: `cannot read ${inError}`,
        path: ['fails', inError],
        extensions: { code: inStack, stacktrace: [inStack], [inStack]: inStack, exception: { inStack } },
      };
      json(response, { data: { fails: null }, errors: [error], extensions: { debug: inStack } });
    });
    outside = await startOutside();
    where = folder();
    issuer = await createIssuer(where);
    const config = writeConfig(where, [vault], {
      identity: trusting(issuer),
      log: { level: 'debug' },
      limits: { batching: { enabled: true } },
      authorization: { mode: 'filter' },
      audit: { shipPollMs: 50, sinks: outside.sinks },
      telemetry: outside.telemetry,
    });
    served = serve(config);
    url = await served.url;
  });
  afterAll(async () => {
    await served?.stop();
    await vault?.close();
    outside?.close();
    where?.remove();
  });

  it('appear in no answer, audit, log, metric, trace or sink, whatever goes wrong with them', async () => {
    const token = await issuer.token();
    planted.push(token, token.split('.')[2] ?? '');
    const forged = `${token.slice(0, token.lastIndexOf('.') + 1)}${secret('signature')}`;
    const cookie = { cookie: `session=${secret('cookie')}`, 'x-api-key': secret('header') };
    const find = 'query Find($text: String, $n: Int) { find(text: $text, n: $n) }';
    const answers = await Promise.all([
      ask(url, find, { token, variables: { text: secret('variable') }, headers: cookie }),
      ask(url, find, { token, variables: { n: secret('wrong-type') } }),
      ask(url, find, { token, variables: { text: { [secret('key')]: 1 } } }),
      ask(url, find, { token, variables: { [secret('unused')]: secret('unused') } }),
      ask(url, `{ find(text: "${secret('literal')}") }`, { token }),
      ask(url, `mutation { keep(text: """${secret('block')}""") }`, { token }),
      ask(url, `{ a: find(text: "${secret('alone')}") ${'b '.repeat(10_001)} }`, { token }),
      ask(url, '{ find }', { token: forged, headers: cookie }),
      ask(url, '{ find }', { headers: { authorization: `Basic ${secret('basic')}` } }),
      ask(url, '{ find }', { headers: { authorization: `DPoP ${secret('dpop')}` } }),
      ask(url, '{ fails }', { token, headers: cookie }),
      ask(url, '{ breaks }', { token }),
      ask(url, '{ listed }', { token }),
      ask(url, '{ strict }', { token }),
      post(url, `{"query": "{ find }", "variables": {"text": "${secret('torn-json')}`, { token }),
      post(url, `[{"query": "{ find }"}, "${secret('batch')}"]`, { token }),
      post(url, JSON.stringify({ query: '{ find }', extensions: { x: secret('extension') } }), { token }),
      ask(`${url}?token=${secret('query-string')}`, '{ find }', { token }),
      ask(new URL(`/${secret('path')}`, url).href, '{ find }', { token }),
    ]);
    for (const { requestId } of answers.slice(0, 15)) await auditOf(where, requestId);
    // Each way out has told of the last of them, or more than once.
    const last = answers[12]?.requestId ?? '';
    await vi.waitFor(() => {
      expect(outside.sent.filter((each) => each.includes(last)).length).toBeGreaterThanOrEqual(2);
      for (const kind of ['resourceSpans', 'resourceMetrics', 'resourceLogs', 'class_uid'])
        expect(
          outside.sent.some((each) => each.includes(kind)),
          kind,
        ).toBe(true);
      expect(served.output().stdout).toContain(last);
    }, WITHIN);
    // The answers that went to all of these callers, their headers, the audit, the log and all that left: one text to look through.
    const seen = [
      ...outside.sent,
      await (await fetch(outside.metrics)).text(),
      ...answers.map(({ text, headers }) => text + JSON.stringify([...headers])),
      auditText(where),
      served.output().stderr,
      served.output().stdout,
    ].join('\n');
    expect(planted.filter((text) => seen.includes(text))).toEqual([]);
    expect(seen).not.toContain('PLANTED');
    expect(answers.map(({ codes }) => codes[0] ?? null)).toEqual([
      null,
      'BAD_USER_INPUT',
      'BAD_USER_INPUT',
      null,
      null,
      null,
      'MAX_TOKENS_LIMIT',
      'UNAUTHENTICATED',
      'UNAUTHENTICATED',
      'UNAUTHENTICATED',
      'DOWNSTREAM_SERVICE_ERROR',
      'DOWNSTREAM_SERVICE_ERROR',
      'DOWNSTREAM_SERVICE_ERROR',
      'DOWNSTREAM_SERVICE_ERROR',
      'BAD_REQUEST',
      null,
      null,
      null,
      'NOT_FOUND',
    ]);
  });
});
