import { join } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { startAdmin } from '../subgraphs/admin/admin-server.ts';
import type { RunningSubgraph } from '../subgraphs/kit/subgraph-server.ts';
import { packageRoot } from './commands/package-root.ts';
import type { Config } from './config/config.ts';
import type { ControlPlane } from './control/control-plane.ts';
import type { Log } from './telemetry/log-sink.ts';

/** Name of the subgraph that the gateway serves to itself. */
export const ADMIN_SUBGRAPH = 'admin';

/** Tag of all that it adds to the graph: asking for access needs no subscription, its scopes say who may. */
export const ADMIN_TAG = 'portcullis-admin';

/** Where the schema of the admin subgraph is kept. */
export function adminSchemaFile(): string {
  return join(packageRoot(), 'schema', 'admin.graphql');
}

/** Serves the control plane to this gateway alone: who is asking is believed from its own assertions only. */
export function startAdminSubgraph(
  config: Config,
  deps: { readonly control: ControlPlane; readonly jwks: JSONWebKeySet; readonly log: Log },
): Promise<RunningSubgraph> {
  const { issuer, audience } = config.assertion;
  return startAdmin(
    {
      ...{ host: '127.0.0.1', port: config.admin.port },
      trust: { jwks: deps.jwks, issuer, audience },
      log: (line) => deps.log.error('admin subgraph', { line }),
    },
    { control: deps.control, schemaFile: adminSchemaFile() },
  );
}
