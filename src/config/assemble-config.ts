import { byName } from './by-name.ts';
import type { Config, ParsedConfig } from './config.ts';
import { isUrl } from './config-keys.ts';
import { deepFreeze } from './deep-freeze.ts';

/** The contents of the small files that the configuration names. */
export interface ReadFiles {
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly assertionKey: Readonly<Record<string, string>> | null;
  readonly policies: readonly { readonly path: string; readonly text: string }[];
}

interface Assembly {
  readonly parsed: ParsedConfig;
  readonly files: ReadFiles;
  /** Makes a path of the document absolute. */
  toAbsolute(path: string): string;
}

function supergraphOf({ parsed, toAbsolute }: Assembly): Config['supergraph'] {
  const { file, subgraphs = [], watch, pollMs } = parsed.supergraph;
  if (file !== undefined) {
    return { file: toAbsolute(file), watch, pollMs };
  }
  return {
    subgraphs: subgraphs.map((entry) => ({ ...entry, schema: toAbsolute(entry.schema) })),
    watch,
    pollMs,
  };
}

const EMBEDDED = 'pglite://';

function stateOf({ parsed, toAbsolute }: Assembly): Config['state'] {
  const { database, pepperFile, ...state } = parsed.state;
  const path = database.startsWith(EMBEDDED) ? database.slice(EMBEDDED.length) : null;
  return {
    ...state,
    database: path === null || path === 'memory' ? database : `${EMBEDDED}${toAbsolute(path)}`,
    ...(pepperFile === undefined ? {} : { pepperFile: toAbsolute(pepperFile) }),
  };
}

/** The configuration as the gateway uses it: paths absolute, files read, frozen. */
export function assembleConfig(assembly: Assembly): Config {
  const { parsed, files, toAbsolute } = assembly;
  const { tls: _tlsFiles, ...listen } = parsed.listen;
  const { keyFile: _keyFile, ...assertion } = parsed.assertion;
  return deepFreeze({
    ...parsed,
    listen: files.tls === null ? listen : { ...listen, tls: files.tls },
    supergraph: supergraphOf(assembly),
    subgraphs: byName(parsed.subgraphs),
    cost: { ...parsed.cost, perSubgraph: byName(parsed.cost.perSubgraph) },
    identity: {
      ...parsed.identity,
      jwt: parsed.identity.jwt.map((issuer) => ({
        ...issuer,
        jwks: isUrl(issuer.jwks) ? { url: issuer.jwks } : { file: toAbsolute(issuer.jwks) },
      })),
    },
    authorization: { ...parsed.authorization, policies: files.policies },
    assertion: files.assertionKey === null ? assertion : { ...assertion, key: files.assertionKey },
    state: stateOf(assembly),
    audit: {
      ...parsed.audit,
      directory: toAbsolute(parsed.audit.directory),
      ...(parsed.audit.keyFile === undefined ? {} : { keyFile: toAbsolute(parsed.audit.keyFile) }),
    },
  });
}
