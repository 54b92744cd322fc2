import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { negotiateCoding } from './content-coding.ts';
import { SECURITY_HEADERS } from './encode-response.ts';
import { headerValue } from './header-fields.ts';
import type { SandboxKind } from './listener.ts';
import { prefersHtml } from './negotiate.ts';
import { apolloPage, graphiqlPage, type SandboxPage } from './sandbox-page.ts';

/** The sandbox of one endpoint, built when first asked for. */
export interface Sandbox {
  /** Whether this request is a browser that wants to see a page, not run an operation. */
  wants(request: FastifyRequest): boolean;
  sendPage(request: FastifyRequest, reply: FastifyReply): Promise<unknown>;
}

interface Asset {
  readonly type: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
  readonly policy: string;
}

interface Assets {
  readonly page: Asset;
  readonly files: ReadonlyMap<string, Asset>;
}

const gzipAsync = promisify(gzip);

/** Workers load nothing and talk to nobody but the page that started them. */
const FILE_POLICY = "default-src 'none'; frame-ancestors 'none'";

/**
 * Registers the files of the sandbox below the endpoint and returns what serves its page.
 * The page is built at the first visit: it weighs megabytes that a gateway without visitors need not hold.
 */
export function registerSandbox(
  app: FastifyInstance,
  kind: Exclude<SandboxKind, 'off'>,
  path: string,
): Sandbox {
  let built: Promise<Assets> | undefined;
  const assets = (): Promise<Assets> => {
    built ??= build(kind, path).catch((fault: unknown) => {
      built = undefined;
      throw fault;
    });
    return built;
  };
  app.get<{ Params: { name: string } }>(
    `${path.replace(/\/$/, '')}/sandbox/:name`,
    async (request, reply) => {
      const asset = (await assets()).files.get(request.params.name);
      return asset === undefined ? reply.callNotFound() : sendAsset(request, reply, asset);
    },
  );
  return {
    wants({ raw }) {
      const { url = '' } = raw;
      const asks = url.includes('?') && /[?&]query=/.test(url);
      return raw.method === 'GET' && !asks && prefersHtml(headerValue(raw.headers, 'accept'));
    },
    sendPage: async (request, reply) => sendAsset(request, reply, (await assets()).page),
  };
}

async function build(kind: Exclude<SandboxKind, 'off'>, path: string): Promise<Assets> {
  const base = `${path.slice(path.lastIndexOf('/') + 1) || '.'}/sandbox/`.replace(/^\.\//, '');
  const page = kind === 'graphiql' ? await loadGraphiql(base) : apolloPage(base);
  const files = await Promise.all(
    page.files.map(async ({ name, type, text }) => [name, await toAsset(text, type, FILE_POLICY)] as const),
  );
  const html = await toAsset(page.html, 'text/html; charset=utf-8', page.contentSecurityPolicy);
  return { page: html, files: new Map(files) };
}

async function loadGraphiql(base: string): Promise<SandboxPage> {
  const { js, css, editorWorkerService, jsonWorker, graphqlWorker } = await import(
    '@graphql-yoga/render-graphiql/graphiql'
  );
  return graphiqlPage(
    { js, css, workers: { editorWorkerService, json: jsonWorker, graphql: graphqlWorker } },
    base,
  );
}

async function toAsset(text: string, type: string, policy: string): Promise<Asset> {
  const plain = Buffer.from(text);
  const etag = `W/"${hash('sha256', plain, 'base64url')}"`;
  return { type, plain, zipped: await gzipAsync(plain), etag, policy };
}

/** Revalidated each time, so that an upgrade of the gateway reaches every browser at once. */
function sendAsset(request: FastifyRequest, reply: FastifyReply, asset: Asset): FastifyReply {
  const zipped = negotiateCoding(headerValue(request.headers, 'accept-encoding'), ['gzip']) !== null;
  reply.headers({
    ...SECURITY_HEADERS,
    'cache-control': 'no-cache',
    'content-security-policy': asset.policy,
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    etag: asset.etag,
    vary: 'accept, accept-encoding',
  });
  if ((headerValue(request.headers, 'if-none-match') ?? '').includes(asset.etag))
    return reply.code(304).send();
  reply.type(asset.type);
  return zipped ? reply.header('content-encoding', 'gzip').send(asset.zipped) : reply.send(asset.plain);
}
