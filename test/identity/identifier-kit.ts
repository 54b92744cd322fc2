import type { IdentityOptions, JwtIssuerOptions } from '../../src/identity/identity-options.ts';
import { StaticJwksSource } from '../../src/identity/jwks-source.ts';
import type { KeySource } from '../../src/identity/key-source.ts';
import { bearer, FakeClock, identifierWith, issuerOptions, JWKS } from './token-kit.ts';

/** A key source that counts, and can be held or made to fail. */
export class CountingSource implements KeySource {
  asked = 0;
  closed = 0;
  failure: Error | null = null;
  held: Promise<void> | null = null;
  readonly #inner = new StaticJwksSource(JWKS);

  async keyFor(header: { readonly alg: string; readonly kid: string | null }) {
    this.asked++;
    await this.held;
    if (this.failure !== null) throw this.failure;
    return this.#inner.keyFor(header);
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

/** An identifier over one counting key source, with a clock that only the test moves. */
export function setUp(changes: Partial<JwtIssuerOptions> = {}, options: Partial<IdentityOptions> = {}) {
  const clock = new FakeClock();
  const keys = new CountingSource();
  const identifier = identifierWith({ jwt: [issuerOptions({ keys, ...changes })], ...options }, clock);
  return { clock, keys, identifier, identify: (value: string) => identifier.identify(bearer(value)) };
}
