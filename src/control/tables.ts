import type { PgColumnBuilderBase } from 'drizzle-orm/pg-core';
import type { CallerTarget, IncidentAction } from '../incidents/containment.ts';
import type { Culprit, Finding } from '../incidents/finding.ts';
import type { MemberRole, Recorded } from './actor.ts';
import type { AiLimits } from './ai-limits.ts';
import { bigint, boolean, customType, integer, jsonb, pgTable, text } from './drizzle.ts';
import type { IncidentState } from './incident-life.ts';
import type { SpendCap } from './spend-cap.ts';
import type { ApprovalKind, SubscriptionState } from './subscription-life.ts';

/** A time in the database, as milliseconds since the epoch here. */
const time = customType<{ data: number; driverData: Date }>({
  dataType: () => 'timestamptz(3)',
  toDriver: (value) => new Date(value),
  fromDriver: (value) => new Date(value).getTime(),
});

const id = () => text('id').primaryKey();
const tenantId = () => text('tenant_id').notNull();
const createdAt = () => time('created_at').notNull();
const version = () => integer('version').notNull().default(1);

function table<Columns extends Record<string, PgColumnBuilderBase>>(name: string, columns: Columns) {
  return pgTable(name, columns);
}

/** Limits of a plan; each absent one does not limit. */
export interface PlanLimits {
  /** Cost points per second, and how many may be saved up. */
  readonly rate?: { readonly points: number; readonly burst: number };
  readonly costPerOperation?: number;
  readonly concurrent?: number;
  readonly ai?: AiLimits;
}

type SwitchKind = 'operation' | 'field' | 'subgraph' | 'mutations';

/** What shows an incident: counts and ids of audit events, never a value. */
export interface Evidence extends Pick<Finding, 'counts' | 'events' | 'operation' | 'coordinate'> {
  /** RFC 3339, UTC: of the last request that showed it. */
  readonly at: string;
}

export const controlVersion = table('control_version', {
  onlyRow: boolean('only_row').primaryKey(),
  version: bigint('version', { mode: 'number' }).notNull(),
  restricting: bigint('restricting', { mode: 'number' }).notNull(),
});

export const tenants = table('tenants', {
  id: id(),
  slug: text('slug').notNull(),
  name: text('name').notNull(),
  status: text('status').$type<'active' | 'suspended' | 'closing'>().notNull(),
  retentionDays: integer('retention_days').notNull(),
  logBodies: text('log_bodies').$type<'off' | 'redacted' | 'full'>().notNull(),
  version: version(),
  createdAt: createdAt(),
});

export const members = table('members', {
  tenantId: tenantId(),
  subject: text('subject').notNull(),
  role: text('role').$type<MemberRole>().notNull(),
  createdAt: createdAt(),
});

export const applications = table('applications', {
  id: id(),
  tenantId: tenantId(),
  name: text('name').notNull(),
  owner: text('owner').notNull(),
  environment: text('environment').$type<'production' | 'sandbox'>().notNull(),
  status: text('status').$type<'active' | 'suspended' | 'archived'>().notNull(),
  version: version(),
  createdAt: createdAt(),
});

export const credentials = table('credentials', {
  id: id(),
  tenantId: tenantId(),
  applicationId: text('application_id').notNull(),
  kind: text('kind').$type<'apiKey' | 'oauthClient' | 'mtls' | 'dpopJwk'>().notNull(),
  prefix: text('prefix').notNull(),
  hash: text('hash'),
  last4: text('last4'),
  scopes: text('scopes').array().notNull(),
  notBefore: time('not_before').notNull(),
  expiresAt: time('expires_at'),
  graceUntil: time('grace_until'),
  revokedAt: time('revoked_at'),
  createdAt: createdAt(),
});

export const products = table('products', {
  id: id(),
  name: text('name').notNull(),
  version: integer('version').notNull(),
  description: text('description').notNull(),
  coordinates: text('coordinates').array().notNull(),
  tags: text('tags').array().notNull(),
  visibility: text('visibility').$type<'public' | 'private'>().notNull(),
  approval: text('approval').$type<ApprovalKind>().notNull(),
  status: text('status').$type<'draft' | 'published' | 'deprecated' | 'retired'>().notNull(),
  createdAt: createdAt(),
});

export const plans = table('plans', {
  id: id(),
  productId: text('product_id').notNull(),
  name: text('name').notNull(),
  version: integer('version').notNull(),
  limits: jsonb('limits').$type<PlanLimits>().notNull(),
  termDays: integer('term_days'),
  status: text('status').$type<'draft' | 'published'>().notNull(),
  createdAt: createdAt(),
});

export const subscriptions = table('subscriptions', {
  id: id(),
  tenantId: tenantId(),
  applicationId: text('application_id').notNull(),
  productId: text('product_id').notNull(),
  planId: text('plan_id').notNull(),
  state: text('state').$type<SubscriptionState>().notNull(),
  requester: text('requester').notNull(),
  reason: text('reason').notNull(),
  /** What approvals are bound to; grows with each edit. */
  requestVersion: integer('request_version').notNull().default(1),
  startsAt: time('starts_at'),
  endsAt: time('ends_at'),
  lapsesAt: time('lapses_at').notNull(),
  supersedes: text('supersedes'),
  version: version(),
  createdAt: createdAt(),
});

export const approvals = table('approvals', {
  id: id(),
  tenantId: tenantId(),
  subscriptionId: text('subscription_id').notNull(),
  requestVersion: integer('request_version').notNull(),
  decider: text('decider').notNull(),
  decision: text('decision').$type<'approved' | 'rejected'>().notNull(),
  comment: text('comment').notNull(),
  acr: text('acr'),
  authTime: time('auth_time'),
  at: time('at').notNull(),
});

export const controlEvents = table('control_events', {
  id: id(),
  tenantId: text('tenant_id'),
  actor: text('actor').notNull(),
  action: text('action').notNull(),
  entity: text('entity').notNull(),
  entityId: text('entity_id').notNull(),
  before: jsonb('before').$type<Recorded>(),
  after: jsonb('after').$type<Recorded>(),
  at: time('at').notNull(),
});

export const outbox = table('outbox', {
  id: id(),
  tenantId: text('tenant_id'),
  topic: text('topic').notNull(),
  payload: jsonb('payload').$type<Recorded>().notNull(),
  at: time('at').notNull(),
  deliveredAt: time('delivered_at'),
  claimedUntil: time('claimed_until'),
  attempts: integer('attempts').notNull().default(0),
});

export const restrictions = table('restrictions', {
  id: id(),
  tenantId: text('tenant_id'),
  kind: text('kind').$type<SwitchKind | 'throttle' | 'stepUp' | 'suspend'>().notNull(),
  target: text('target').notNull(),
  reason: text('reason').notNull(),
  createdBy: text('created_by').notNull(),
  createdAt: createdAt(),
  expiresAt: time('expires_at'),
  liftedAt: time('lifted_at'),
  liftedBy: text('lifted_by'),
  /** The incident that it is of; null where somebody set it. */
  incidentId: text('incident_id'),
  /** Slug of the tenant that it holds for, where the control plane may not know it. */
  tenant: text('tenant'),
  callers: jsonb('callers').$type<CallerTarget>(),
});

export const incidents = table('incidents', {
  id: id(),
  tenantId: text('tenant_id'),
  rule: text('rule').$type<string>().notNull(),
  culpritKey: text('culprit_key').notNull(),
  culprit: jsonb('culprit').$type<Culprit>().notNull(),
  severity: text('severity').$type<Finding['severity']>().notNull(),
  state: text('state').$type<IncidentState>().notNull(),
  action: text('action').$type<IncidentAction>().notNull(),
  dryRun: boolean('dry_run').notNull(),
  evidence: jsonb('evidence').$type<Evidence>().notNull(),
  times: integer('times').notNull().default(1),
  version: version(),
  openedAt: time('opened_at').notNull(),
  seenAt: time('seen_at').notNull(),
  closedAt: time('closed_at'),
  handledBy: text('handled_by'),
});

export const providerCredentials = table('provider_credentials', {
  id: id(),
  tenantId: text('tenant_id'),
  provider: text('provider').notNull(),
  endpoint: text('endpoint'),
  keyId: text('key_id').notNull(),
  wrappedKey: text('wrapped_key').notNull(),
  sealed: text('sealed').notNull(),
  last4: text('last4').notNull(),
  priority: integer('priority').notNull(),
  weight: integer('weight').notNull(),
  spendCap: jsonb('spend_cap').$type<SpendCap>(),
  status: text('status').$type<'active' | 'disabled'>().notNull(),
  version: version(),
  createdBy: text('created_by').notNull(),
  createdAt: createdAt(),
  rotatedAt: time('rotated_at'),
});

export const idempotencyKeys = table('idempotency_keys', {
  scope: text('scope').notNull(),
  key: text('key').notNull(),
  action: text('action').notNull(),
  digest: text('digest').notNull(),
  result: jsonb('result').$type<unknown>(),
  at: time('at').notNull(),
});

export type Tenant = typeof tenants.$inferSelect;
export type Member = typeof members.$inferSelect;
export type Application = typeof applications.$inferSelect;
/** A credential as its owner sees it: never with its hash. */
export type Credential = Omit<typeof credentials.$inferSelect, 'hash'>;
export type Product = typeof products.$inferSelect;
export type Plan = typeof plans.$inferSelect;
export type Subscription = typeof subscriptions.$inferSelect;
export type Approval = typeof approvals.$inferSelect;
export type Restriction = typeof restrictions.$inferSelect;
export type KillSwitch = Restriction & { readonly kind: SwitchKind };
export type Incident = typeof incidents.$inferSelect;
/** A key of a provider as administrators see it: never with its secret, sealed or not. */
export type ProviderCredential = Omit<
  typeof providerCredentials.$inferSelect,
  'keyId' | 'wrappedKey' | 'sealed'
>;
export type ControlEvent = typeof controlEvents.$inferSelect;
