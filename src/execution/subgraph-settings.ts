import type { Principal } from '../identity/principal.ts';
import type { BudgetClaim, IdentityExposure } from './assertion.ts';

/** How the gateway speaks to one subgraph, defaults and overrides applied. */
export interface SubgraphSettings {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  readonly identity: IdentityExposure;
  /** What it is told of a caller's budget; absent where it is told nothing. */
  readonly budgetOf?: (principal: Principal) => BudgetClaim | null;
  /** How it is asked for subscriptions; absent where by server-sent events at its URL. */
  readonly subscriptions?: { readonly protocol: 'sse' | 'websocket'; readonly url?: string };
  /** Queries that may be under way on one connection at once; absent where only one. */
  readonly pipelining?: number;
  /** Client headers passed on, lower-case. */
  readonly forwardHeaders: readonly string[];
  /** `masked` replaces the subgraph's error texts; `passthrough` shows them with the extension keys allowed. */
  readonly errors: 'masked' | 'passthrough';
  readonly allowedExtensions: readonly string[];
  /** Whether it is believed what it says of the AI models that it asked. Default: no. */
  readonly modelReports?: boolean;
}
