import type { StepUpRule } from './actor.ts';
import { AiBodiesStore } from './ai-bodies-store.ts';
import { AiUsageStore } from './ai-usage-store.ts';
import { ApplicationsStore } from './applications-store.ts';
import { AuditIndexStore } from './audit-index-store.ts';
import { AuditSearchStore } from './audit-search-store.ts';
import { CredentialsStore } from './credentials-store.ts';
import type { ControlDatabase } from './database-pool.ts';
import type { KeyWrapper } from './envelope.ts';
import { HistoryStore } from './history-store.ts';
import { IncidentsStore } from './incidents-store.ts';
import { KillSwitchesStore } from './kill-switches-store.ts';
import { ProductsStore } from './products-store.ts';
import { ProviderCredentialsStore } from './provider-credentials-store.ts';
import { RequestsStore } from './requests-store.ts';
import { createSnapshotStore, type SnapshotStore } from './snapshot-store.ts';
import { SubscriptionsStore } from './subscriptions-store.ts';
import { TenantsStore } from './tenants-store.ts';
import { ulids } from './ulid.ts';

/** Everything that an administration of the platform can ask for. */
export interface ControlPlane {
  readonly tenants: TenantsStore;
  readonly applications: ApplicationsStore;
  readonly credentials: CredentialsStore;
  readonly products: ProductsStore;
  readonly requests: RequestsStore;
  readonly subscriptions: SubscriptionsStore;
  readonly killSwitches: KillSwitchesStore;
  readonly incidents: IncidentsStore;
  readonly providerCredentials: ProviderCredentialsStore;
  readonly history: HistoryStore;
  readonly snapshots: SnapshotStore;
  readonly auditIndex: AuditIndexStore;
  readonly auditSearch: AuditSearchStore;
  readonly aiUsage: AiUsageStore;
  readonly aiBodies: AiBodiesStore;
}

export interface ControlPlaneOptions {
  readonly database: ControlDatabase;
  /** Keys the digests of secrets; 32 bytes or more. */
  readonly pepper: Uint8Array;
  readonly stepUp: StepUpRule;
  /** Seals keys of AI providers, and opens what is kept of questions to models. Default: none can be added, and none opened. */
  readonly wrapper?: KeyWrapper | null;
  /** How long a request waits for a decision. */
  readonly requestTtlMs: number;
  /** Whether the audit is shipped to this database. */
  readonly hasAuditIndex: boolean;
  /** Units: milliseconds since the epoch. */
  now(): number;
  /** Random bytes from a source that nobody can predict. */
  randomBytes(length: number): Uint8Array;
  /** Told after each change of this process, once it is committed. */
  onChange(version: number): void;
}

/** The control plane over its database. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  const {
    database,
    pepper,
    stepUp,
    wrapper = null,
    requestTtlMs,
    hasAuditIndex,
    now,
    randomBytes,
    onChange,
  } = options;
  const unit = { database, now, onChange, newId: ulids(now, randomBytes) };
  return {
    tenants: new TenantsStore(unit),
    applications: new ApplicationsStore(unit),
    credentials: new CredentialsStore({ ...unit, pepper, randomBytes }),
    products: new ProductsStore(unit),
    requests: new RequestsStore({ ...unit, stepUp, requestTtlMs }),
    subscriptions: new SubscriptionsStore(unit),
    killSwitches: new KillSwitchesStore({ ...unit, stepUp }),
    incidents: new IncidentsStore({ ...unit, stepUp }),
    providerCredentials: new ProviderCredentialsStore({ ...unit, stepUp, pepper, randomBytes, wrapper }),
    history: new HistoryStore(database),
    snapshots: createSnapshotStore(database, now),
    auditIndex: new AuditIndexStore(database),
    aiUsage: new AiUsageStore(database),
    aiBodies: new AiBodiesStore({ ...unit, stepUp, wrapper }),
    auditSearch: new AuditSearchStore(database, { hasIndex: hasAuditIndex }),
  };
}
