import { ControlError } from './control-error.ts';

/** What a member of a tenant may do there. */
export type MemberRole = 'owner' | 'admin' | 'approver' | 'developer' | 'auditor' | 'securityOfficer';

/** Scopes that the control plane itself knows. */
export const SYSTEM_SCOPE = {
  admin: 'portcullis:admin',
  approve: 'portcullis:approve',
  audit: 'portcullis:audit',
  develop: 'portcullis:develop',
  models: 'portcullis:models',
  security: 'portcullis:security',
} as const;

/** Who calls the control plane, as the gateway verified it. */
export interface Actor {
  readonly subject: string;
  /** Id of its tenant; null for a platform administrator without one. */
  readonly tenantId: string | null;
  /** Whether it may act on every tenant. */
  readonly isPlatform: boolean;
  /** Its role in its tenant; null where it is no member. */
  readonly role: MemberRole | null;
  /** What its credential allows it: nobody gives a key more. */
  readonly scopes: ReadonlySet<string>;
  readonly acr: string | null;
  readonly amr: readonly string[];
  /** When it last authenticated. Units: seconds since the epoch. */
  readonly authTime: number | null;
  /** Told of each change that it made, once it is committed; absent where nobody wants to know. */
  readonly onChange?: (change: Change) => void;
}

/** Who acts where nobody does: the clock, and the first start. */
export const SYSTEM: Actor = Object.freeze({
  subject: 'system',
  tenantId: null,
  isPlatform: true,
  role: null,
  scopes: new Set<string>(),
  acr: null,
  amr: Object.freeze([]),
  authTime: null,
});

/** What was done to one entity. */
export interface Change {
  readonly action: string;
  readonly entity: string;
  readonly id: string;
  readonly tenantId: string | null;
  readonly before?: Recorded;
  readonly after?: Recorded;
}

/** Fields of an entity that its history keeps: no secret, and no digest of one. */
export type Recorded = Readonly<Record<string, unknown>>;

/** What a decider has to have proven, and how lately. */
export interface StepUpRule {
  /** One of these must be in `amr`, or `acr` be one of them. */
  readonly factors: readonly string[];
  readonly maxAgeSeconds: number;
}

/** Roles that may change what belongs to their tenant. */
const MANAGERS: ReadonlySet<MemberRole | null> = new Set<MemberRole>(['owner', 'admin']);
const GUARDS: ReadonlySet<MemberRole | null> = new Set<MemberRole>(['owner', 'admin', 'securityOfficer']);
const DEVELOPERS: ReadonlySet<MemberRole | null> = new Set<MemberRole>(['owner', 'admin', 'developer']);

/** Refuses who is no platform administrator. Throws: FORBIDDEN. */
export function requirePlatform(actor: Actor): void {
  if (!actor.isPlatform) throw forbidden('a platform administrator is required');
}

/** Refuses who may not change members and settings of a tenant. Throws: NOT_FOUND for another tenant, FORBIDDEN. */
export function requireManager(actor: Actor, tenantId: string): void {
  requireTenant(actor, tenantId);
  if (!actor.isPlatform && !MANAGERS.has(actor.role)) throw forbidden('an owner or admin is required');
}

/** Refuses who may not work on applications of a tenant. Throws: NOT_FOUND for another tenant, FORBIDDEN. */
export function requireDeveloper(actor: Actor, tenantId: string): void {
  requireTenant(actor, tenantId);
  if (!actor.isPlatform && !DEVELOPERS.has(actor.role)) throw forbidden('a developer is required');
}

/**
 * Refuses who may not act against what endangers a tenant, or everybody where none is named.
 * Throws: NOT_FOUND for another tenant, FORBIDDEN.
 */
export function requireSecurity(actor: Actor, tenantId: string | null): void {
  if (tenantId === null) requirePlatform(actor);
  else requireTenant(actor, tenantId);
  if (!actor.isPlatform && !GUARDS.has(actor.role)) throw forbidden('a security officer is required');
}

const OBSERVERS: readonly MemberRole[] = ['owner', 'admin', 'auditor', 'securityOfficer'];

/** Refuses who may not see what endangers a tenant, and what its people did: the audit, incidents, what is switched off. Throws: FORBIDDEN. */
export function requireObserver(actor: Actor): void {
  requireRole(actor, OBSERVERS);
}

/** Refuses who has none of some roles in its tenant and is no platform administrator. Throws: FORBIDDEN. */
export function requireRole(actor: Actor, roles: readonly MemberRole[]): void {
  if (!actor.isPlatform && !roles.some((role) => role === actor.role))
    throw forbidden(`one of these roles is required: ${roles.join(', ')}`);
}

/** Another tenant is answered as one that does not exist. Throws: NOT_FOUND. */
export function requireTenant(actor: Actor, tenantId: string): void {
  if (!actor.isPlatform && actor.tenantId !== tenantId)
    throw new ControlError({ code: 'NOT_FOUND', entity: 'tenant' });
}

/** How far the clock of an identity provider may be ahead. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** Refuses who did not prove a second factor lately. Throws: STEP_UP_REQUIRED. */
export function requireStepUp({ acr, amr, authTime }: Actor, rule: StepUpRule, nowMs: number): void {
  const proven = rule.factors.some((factor) => factor === acr || amr.includes(factor));
  const ageSeconds = authTime === null ? Number.NaN : nowMs / 1000 - authTime;
  // Not a time at all, or one far ahead, is not fresh.
  const isFresh = ageSeconds >= -CLOCK_TOLERANCE_SECONDS && ageSeconds <= rule.maxAgeSeconds;
  if (!proven || !isFresh)
    throw new ControlError({ code: 'STEP_UP_REQUIRED', maxAgeSeconds: rule.maxAgeSeconds });
}

function forbidden(reason: string): ControlError {
  return new ControlError({ code: 'FORBIDDEN', reason });
}
