/**
 * What one audit event may hold at most, so that no client decides how large the audit grows.
 * Units: UTF-16 code units for texts, items for lists.
 */
export const EVENT_LIMITS = {
  /** Request id, method and address: ours or the network's, and short. */
  tokenChars: 128,
  /** Subjects, tenants, issuers, names and coordinates. Source: OpenID Connect Core §2, `sub` has 255 at most. */
  nameChars: 256,
  /** One response key of a path: an alias, and so the client's choice. */
  pathKeyChars: 128,
  pathSteps: 32,
  coordinates: 1_000,
  reasons: 200,
  fetches: 1_000,
  /** Attempts at AI models that one fetch made. */
  models: 64,
  /** Kinds of findings of guardrails that one fetch told. */
  findings: 64,
  /** What is compiled lists no more. */
  arguments: 500,
} as const;
