import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { expect, vi } from 'vitest';
import type { AuditEvent } from '../../src/audit/event.ts';
import { SegmentEvents } from '../../src/audit/logged-event.ts';
import { readConfig } from '../../src/config/config-source.ts';
import type { ControlPlane } from '../../src/control/control-plane.ts';
import { startGateway } from '../../src/gateway.ts';

export const ISSUER = 'https://issuer.example';
export const AUDIENCE = 'gateway-test';

/** A folder for one file of tests. */
export interface Folder {
  readonly path: string;
  write(name: string, content: string): string;
  remove(): void;
}

export function folder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'portcullis-gateway-'));
  return {
    path,
    write(name, content) {
      writeFileSync(join(path, name), content);
      return join(path, name);
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Signs tokens with a key made for this run; its JWKS is a file. */
export interface Issuer {
  readonly jwksFile: string;
  token(claims?: Record<string, unknown>): Promise<string>;
}

export async function createIssuer(where: Folder): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256', use: 'sig' };
  return {
    jwksFile: where.write('jwks.json', JSON.stringify({ keys: [jwk] })),
    token: (claims = {}) =>
      new SignJWT({ sub: 'ada', tenant: 'acme', client_id: 'shop', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: 'test', typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(typeof claims['exp'] === 'number' ? claims['exp'] : '1h')
        .sign(privateKey),
  };
}

/** The key that signs assertions: the file that the gateway reads, and the set that subgraphs verify with. */
export async function createAssertionKey(
  where: Folder,
  name = 'assertion-key.json',
): Promise<{ readonly keyFile: string; readonly jwks: { keys: JWK[] } }> {
  const { privateKey, publicKey } = await generateKeyPair('Ed25519', { extractable: true });
  const kid = 'gateway-test';
  return {
    keyFile: where.write(name, JSON.stringify({ ...(await exportJWK(privateKey)), kid })),
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }] },
  };
}

export type Section = Readonly<Record<string, unknown>>;
export type Sections = Readonly<Record<string, Section>>;

/** One subgraph as the gateway composes it. */
export interface Part {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
}

/** Writes a configuration over the given subgraphs; each section replaces keys of the kit's own. */
export function writeConfig(where: Folder, parts: readonly Part[], sections: Sections = {}): string {
  const subgraphs = parts.map(({ name, url, sdl }) => {
    return { name, url, schema: where.write(`${name}.graphql`, sdl) };
  });
  const base: Sections = {
    listen: { port: 0 },
    supergraph: { subgraphs, watch: false },
    audit: { directory: join(where.path, 'audit') },
    log: { level: 'error' },
  };
  const names = new Set([...Object.keys(base), ...Object.keys(sections)]);
  const config = Object.fromEntries(
    [...names].map((name) => [name, { ...base[name], ...sections[name] }] as const),
  );
  const graph = config['supergraph'];
  if (graph !== undefined && 'file' in graph) delete (graph as Record<string, unknown>)['subgraphs'];
  return where.write('portcullis.yaml', JSON.stringify(config));
}

/** The identity section that believes the issuer. */
export function trusting(issuer: Issuer): Section {
  return {
    jwt: [{ issuer: ISSUER, jwks: issuer.jwksFile, audiences: [AUDIENCE], algorithms: ['ES256'] }],
  };
}

export interface TestGateway {
  readonly url: string;
  readonly where: Folder;
  readonly issuer: Issuer;
  /** Null where no approvals are enforced. */
  readonly control: ControlPlane | null;
  readonly adminUrl: string | null;
  close(): Promise<void>;
}

/** Starts a gateway in this process, in a folder of its own, that believes an issuer of its own. */
export async function startTestGateway(
  parts: readonly Part[],
  sections: Sections = {},
): Promise<TestGateway> {
  const where = folder();
  try {
    const issuer = await createIssuer(where);
    const path = writeConfig(where, parts, {
      ...sections,
      identity: { ...trusting(issuer), ...sections['identity'] },
    });
    const gateway = await startGateway(await readConfig(path, {}));
    const close = async () => {
      await gateway.close();
      where.remove();
    };
    const { url, control, adminUrl } = gateway;
    return { url, where, issuer, control, adminUrl, close };
  } catch (fault) {
    where.remove();
    throw fault;
  }
}

export interface ErrorEntry {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

export interface AnswerBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly ErrorEntry[];
  readonly extensions?: { readonly authorizationErrors?: readonly ErrorEntry[] };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly requestId: string;
  readonly body: AnswerBody;
  readonly codes: readonly unknown[];
}

export interface Asking {
  readonly token?: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly operationName?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Sends anything by HTTP and reads the answer, which must be JSON unless it is empty. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  const body: AnswerBody = text === '' ? {} : JSON.parse(text);
  return {
    status: response.status,
    headers: response.headers,
    text,
    requestId: response.headers.get('x-request-id') ?? '',
    body,
    codes: (body.errors ?? []).map(({ extensions }) => extensions['code']),
  };
}

/** Posts a body as it is. */
export function post(url: string, body: string, { token, headers, signal }: Asking = {}): Promise<Answer> {
  return send(url, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Asks one operation by POST. */
export function ask(url: string, query: string, asking: Asking = {}): Promise<Answer> {
  const { variables, operationName } = asking;
  return post(url, JSON.stringify({ query, variables, operationName }), asking);
}

/** Asks several operations in one body. */
export async function askBatch(
  url: string,
  operations: readonly Section[],
  asking: Asking = {},
): Promise<Answer & { readonly answers: readonly AnswerBody[] }> {
  const answer = await post(url, JSON.stringify(operations), asking);
  const parsed: unknown = JSON.parse(answer.text);
  return { ...answer, answers: Array.isArray(parsed) ? parsed : [parsed] };
}

/** All that the audit of a folder holds by now, as text. */
export function auditText(where: Folder): string {
  return segmentTexts(where).join('');
}

function segmentTexts(where: Folder): string[] {
  const directory = join(where.path, 'audit');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.ndjson'))
    .map((name) => readFileSync(join(directory, name), 'utf8'));
}

/** All events that the audit of a folder holds by now. */
export function auditEvents(where: Folder): readonly AuditEvent[] {
  return segmentTexts(where).flatMap((text) => {
    const segment = new SegmentEvents();
    return text.split('\n').flatMap((line) => {
      const logged = segment.read(line);
      if (logged === null) return [];
      const { seq: _seq, ...event } = logged;
      return [event];
    });
  });
}

/** Waits for the one event of a request; two would be as wrong as none. */
export async function auditOf(where: Folder, requestId: string): Promise<AuditEvent> {
  expect(requestId).not.toBe('');
  const matching = await vi.waitFor(
    () => {
      const found = auditEvents(where).filter((event) => event.requestId === requestId);
      expect(found.length, `events of request ${requestId}`).toBeGreaterThan(0);
      return found;
    },
    { timeout: 5_000, interval: 20 },
  );
  expect(matching).toHaveLength(1);
  const [event] = matching;
  if (event === undefined) throw new Error('There is no event.');
  return event;
}
