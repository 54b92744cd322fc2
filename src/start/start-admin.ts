import type { JSONWebKeySet } from 'jose';
import { startAdmin } from '../../subgraphs/admin/admin-server.ts';
import type { RunningSubgraph } from '../../subgraphs/kit/subgraph-server.ts';
import { adminSchemaFile } from '../admin-subgraph.ts';
import type { Config } from '../config/config.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { Log } from '../telemetry/log-sink.ts';

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
    { control: deps.control, provider: config.admin.provider ?? null, schemaFile: adminSchemaFile() },
  );
}
