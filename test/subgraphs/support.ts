import { readFileSync } from 'node:fs';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { type ExecutionResult, type GraphQLSchema, graphql } from 'graphql';
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose';
import type { SubgraphPrincipal } from '../../subgraphs/kit/assertion.ts';
import { readTypeDefs } from '../../subgraphs/kit/schema-source.ts';
import {
  type RunningSubgraph,
  type SubgraphOptions,
  type SubgraphResolvers,
  startSubgraph,
} from '../../subgraphs/kit/subgraph-server.ts';

export interface AssertionParts {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Units: seconds since the epoch. */
  readonly nowSeconds?: number;
}

/** A gateway as far as subgraphs can tell: keys, and assertions signed with them. */
export async function createSigner(kid = 'key-1') {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  const jwks: JSONWebKeySet = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }] };
  const sign = ({ claims = {}, header = {}, nowSeconds = epochSeconds() }: AssertionParts = {}) =>
    new SignJWT(withoutUndefined({ ...goodClaims(nowSeconds), ...claims }))
      .setProtectedHeader({ alg: 'EdDSA', typ: 'portcullis-assertion+jwt', kid, ...header })
      .sign(privateKey);
  return { jwks, sign, privateKey, publicKey };
}

export function goodClaims(nowSeconds: number): Record<string, unknown> {
  return {
    iss: 'portcullis',
    aud: 'portcullis-subgraphs',
    sub: 'acme-ada',
    tenant: 'acme',
    scope: 'accounts:read orders:read',
    client_id: 'web',
    kind: 'user',
    iat: nowSeconds,
    exp: nowSeconds + 60,
  };
}

export function epochSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

export function principal(parts: Partial<SubgraphPrincipal> = {}): SubgraphPrincipal {
  return {
    subject: 'acme-ada',
    tenant: 'acme',
    scopes: new Set(),
    clientId: 'web',
    kind: 'user',
    acr: null,
    amr: [],
    authTime: null,
    budget: null,
    ...parts,
  };
}

/** The URL of a subgraph's folder, to read its files by. */
export function subgraphFolder(name: string): URL {
  return new URL(`../../subgraphs/${name}/`, import.meta.url);
}

export function readSchemaText(name: string): string {
  return readFileSync(new URL('schema.graphql', subgraphFolder(name)), 'utf8');
}

export function subgraphSchema(name: string, resolvers: SubgraphResolvers): GraphQLSchema {
  return buildSubgraphSchema([{ typeDefs: readTypeDefs(subgraphFolder(name).href), resolvers }]);
}

export interface Run {
  readonly schema: GraphQLSchema;
  readonly context: unknown;
  readonly variables?: Readonly<Record<string, unknown>>;
}

export function run(source: string, { schema, context, variables = {} }: Run): Promise<ExecutionResult> {
  return graphql({ schema, source, contextValue: context, variableValues: variables });
}

export const ENTITIES = 'query ($representations: [_Any!]!) { _entities(representations: $representations)';

export function codes(result: ExecutionResult): unknown[] {
  return (result.errors ?? []).map((error) => error.extensions['code']);
}

/** A deep copy with ordinary prototypes, to compare with. */
export function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null));
}

export interface Posted {
  readonly status: number;
  readonly body: { readonly data?: Record<string, unknown> | null; readonly errors?: PostedError[] };
}

interface PostedError {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** Sends one operation over HTTP. */
export async function post(
  url: string,
  operation: unknown,
  headers: Record<string, string>,
): Promise<Posted> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(operation),
  });
  return { status: response.status, body: (await response.json()) as Posted['body'] };
}

function withoutUndefined(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}

/** Loaders that tell which set of them they are. */
export interface TurnLoaders {
  readonly turn: number;
}

/** A subgraph of the kit under test: each set of loaders is counted, and what is logged is kept. */
export async function startProbe(
  parts: Pick<SubgraphOptions<TurnLoaders>, 'typeDefs' | 'resolvers' | 'trust'>,
  lines: string[],
): Promise<RunningSubgraph> {
  let turn = 0;
  return startSubgraph({
    ...parts,
    name: 'probe',
    port: 0,
    createLoaders: (): TurnLoaders => {
      turn += 1;
      return { turn };
    },
    log: (line) => lines.push(line),
  });
}
