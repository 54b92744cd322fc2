import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch as undiciFetch } from 'undici';
import { kindOfAddress } from './public-address.ts';

/** An endpoint that this service does not call. Invariant: says neither what was asked nor where it resolved to. */
export class EndpointRefusedError extends Error {
  override readonly name = 'EndpointRefusedError';
  readonly code = 'ENDPOINT_REFUSED';
}

/** Resolves a name to all its addresses. */
export type LookupAll = (
  hostname: string,
  done: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

export interface GuardOptions {
  /** Hosts that the operator named: these may be on private addresses. */
  readonly named: ReadonlySet<string>;
  /** Default: the resolver of the system. */
  readonly lookupAll?: LookupAll;
}

const CONNECTIONS_MAX = 128;

/**
 * A fetch that calls public addresses, and private ones only of hosts that the operator named; addresses at which clouds tell secrets
 * only where the operator named the very address. What is connected to is the address that was judged.
 * Source: OWASP, "Server-Side Request Forgery Prevention": a name that is judged before it is connected to can resolve anew.
 */
export function createGuardedFetch({ named, lookupAll = resolveAll }: GuardOptions): {
  readonly fetch: typeof globalThis.fetch;
  readonly close: () => Promise<void>;
} {
  const agent = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { lookup: guardedLookup(named, lookupAll) },
  });
  const guarded = async (...[input, init]: Parameters<typeof undiciFetch>) => {
    const { hostname, protocol, username, password } = new URL(input instanceof URL ? input : String(input));
    if (!/^https?:$/u.test(protocol) || username !== '' || password !== '') throw refused();
    const literal = hostname.replace(/^\[|\]$/gu, '');
    // A literal is connected to without being looked up.
    if (isIP(literal) !== 0 && kindOfAddress(literal) !== 'public' && !named.has(hostname)) throw refused();
    return undiciFetch(input, { ...init, dispatcher: agent });
  };
  return { fetch: guarded as unknown as typeof globalThis.fetch, close: () => agent.destroy() };
}

function guardedLookup(named: ReadonlySet<string>, lookupAll: LookupAll): LookupFunction {
  return (hostname, options, done) => {
    lookupAll(hostname, (error, addresses) => {
      if (error !== null) return done(error, [], 0);
      const isPermitted = ({ address }: LookupAddress): boolean => {
        const kind = kindOfAddress(address);
        return kind === 'public' || (kind === 'private' && named.has(hostname));
      };
      const [first] = addresses;
      // One foreign address among good ones is not an accident.
      if (first === undefined || !addresses.every(isPermitted)) return done(refused(), [], 0);
      if (options.all === true) done(null, [...addresses]);
      else done(null, first.address, first.family);
    });
  };
}

function resolveAll(hostname: string, done: Parameters<LookupAll>[1]): void {
  systemLookup(hostname, { all: true }, (error, addresses) => done(error, addresses ?? []));
}

function refused(): EndpointRefusedError {
  return new EndpointRefusedError('The endpoint is not one that is called.');
}
