import type { JSONWebKeySet } from 'jose';
import type { Clock } from '../clock.ts';
import type { ControlPlane } from '../control/control-plane.ts';
import type { DatabaseConnections } from '../control/database-pool.ts';
import type { Entitlements } from '../control/entitlements.ts';
import type { KillSwitches } from '../control/kill-switches.ts';
import type { Restraints } from '../control/restraints.ts';
import type { CredentialDirectory } from '../identity/credential-directory.ts';
import type { Log } from '../telemetry/log-sink.ts';

/** The control plane of this process, and what its request path knows of it; null where nothing needs it. */
export interface RunningControl {
  readonly control: ControlPlane | null;
  /** The API keys that it has issued. */
  readonly keys: CredentialDirectory | null;
  /** Null where approvals are not enforced. */
  readonly entitlements: Entitlements | null;
  /** Where the admin subgraph is served; null where it is not. */
  readonly adminUrl: string | null;
  /** Those to the database; null where there is none. */
  connections(): DatabaseConnections | null;
  /** What has to hold for this gateway to be ready. */
  checks(): Readonly<Record<string, boolean>>;
  close(): Promise<void>;
}

/** A gateway without one. */
export const NO_CONTROL: RunningControl = Object.freeze({
  ...{ control: null, keys: null, entitlements: null, adminUrl: null },
  connections: () => null,
  checks: () => ({}),
  close: async () => undefined,
});

/** What opening a control plane takes. */
export interface ControlDeps {
  /** Told whenever what is known of callers was replaced. */
  onReplaced(): void;
  readonly clock: Clock;
  readonly log: Log;
  /** Told what is switched off. */
  readonly switches: Pick<KillSwitches, 'replace'>;
  /** Told whom incidents restrain. */
  readonly restraints: Pick<Restraints, 'replace'>;
  /** Keys of this gateway's assertions: nobody else is believed by the admin subgraph. */
  readonly jwks: JSONWebKeySet;
}
