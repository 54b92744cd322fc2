import type { IdentityExposure } from './assertion.ts';

/** How the gateway speaks to one subgraph, defaults and overrides applied. */
export interface SubgraphSettings {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  readonly identity: IdentityExposure;
  /** Client headers passed on, lower-case. */
  readonly forwardHeaders: readonly string[];
  /** `masked` replaces the subgraph's error texts; `passthrough` shows them with the extension keys allowed. */
  readonly errors: 'masked' | 'passthrough';
  readonly allowedExtensions: readonly string[];
}
