import type { Config } from '../config/config.ts';
import { readConfig } from '../config/config-source.ts';

function graphOf(config: Config): string {
  const { supergraph } = config;
  return 'file' in supergraph ? supergraph.file : `composed of ${supergraph.subgraphs.length} subgraphs`;
}

/** What the configuration comes to, in names and counts: nothing of it can be a secret. */
export function summarize(config: Config): readonly string[] {
  const { listen, identity, authorization, approvals, admin, state, limits, execution, audit } = config;
  const embedded = state.database.startsWith('pglite://');
  return [
    `listen         ${listen.tls === undefined ? 'http' : 'https'}, ${listen.host} port ${listen.port}, path ${listen.path}`,
    `supergraph     ${graphOf(config)}`,
    `identity       ${identity.jwt.length} issuers, anonymous callers ${identity.anonymous ? 'permitted' : 'refused'}`,
    `authorization  ${authorization.mode}, ${authorization.policies.length} policy files`,
    `approvals      ${approvals.enforce ? 'enforced' : 'not enforced'}, admin subgraph ${admin.enabled ? 'on' : 'off'}, ${embedded ? 'embedded database' : 'PostgreSQL'}`,
    `limits         depth ${limits.depth}, introspection ${limits.introspection}`,
    `execution      ${execution.engine}`,
    `audit          ${audit.directory}`,
    ...warnings(config).map((warning) => `warning        ${warning}`),
  ];
}

/** Switches that take protection away; valid, but nobody should leave them on unawares. */
function warnings(config: Config): readonly string[] {
  const { authorization, limits, identity } = config;
  const open = identity.jwt.some((issuer) => issuer.audiences.length === 0);
  return [
    ...(authorization.dryRun ? ['authorization.dryRun is on: no rule is enforced'] : []),
    ...(limits.warnOnly ? ['limits.warnOnly is on: operations over a limit run'] : []),
    ...(open ? ['an issuer has no audiences: tokens meant for other services are accepted'] : []),
    ...(identity.jwt.some((issuer) => !issuer.requireExpiry)
      ? ['an issuer does not require expiry: tokens may never end']
      : []),
  ];
}

/** `portcullis config check`: says whether the configuration is valid, and what it comes to. */
export async function checkConfigFile(path: string, environment: NodeJS.ProcessEnv): Promise<void> {
  const config = await readConfig(path, environment);
  process.stdout.write(`config is valid\n${summarize(config).join('\n')}\n`);
}
