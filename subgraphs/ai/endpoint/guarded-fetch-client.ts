import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { ProviderCall } from './provider-call-client.ts';
import { asResponse, type WholeInit } from './provider-response.ts';
import { kindOfAddress } from './public-address.ts';
import { type CallPlace, DEFAULT_FIELDS, WholeCalls } from './whole-calls-client.ts';

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
/** Addresses whose judgement is remembered: those of a provider's interfaces are few. */
const JUDGED_MAX = 1024;

/**
 * A fetch that calls public addresses, and private ones only of hosts that the operator named; addresses at which clouds tell secrets
 * only where the operator named the very address. What is connected to is the address that was judged. It follows no redirect, sends texts
 * only, and asks for answers that are not encoded. Throws: EndpointRefusedError, itself or as a cause, and as `fetch` does.
 * Source: OWASP, "Server-Side Request Forgery Prevention": a name that is judged before it is connected to can resolve anew.
 */
export function createGuardedFetch({ named, lookupAll = resolveAll }: GuardOptions): {
  readonly fetch: typeof globalThis.fetch;
  readonly close: () => Promise<void>;
} {
  const lookup = guardedLookup(named, lookupAll);
  const agent = new Agent({ connections: CONNECTIONS_MAX, connect: { lookup } });
  const whole = new WholeCalls({ lookup, connectionsMax: CONNECTIONS_MAX, now: Date.now });
  const judged = new Map<string, CallPlace>();
  const placeOf = (address: string): CallPlace => {
    const known = judged.get(address);
    if (known !== undefined) return known;
    const place = judge(address, named);
    if (judged.size >= JUDGED_MAX) judged.clear();
    judged.set(address, place);
    return place;
  };
  const guarded = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const { method = 'GET', body = null, signal = null } = init;
    if (body !== null && typeof body !== 'string') throw new TypeError('The body of a request is a text.');
    signal?.throwIfAborted();
    const place = placeOf(input instanceof Request ? input.url : String(input));
    const fields = fieldsOf(init.headers);
    const sent = isWhole(init) && body !== null ? whole.post(place, { fields, body, signal }) : null;
    if (sent !== null) return asResponse(await sent);
    const { origin, path } = place;
    const call = new ProviderCall(signal);
    const headers = { ...DEFAULT_FIELDS, ...fields };
    agent.dispatch({ origin, path, method: method as 'POST', headers, body }, call);
    return asResponse(await call.response);
  };
  const close = (): Promise<void> => {
    whole.close();
    return agent.destroy();
  };
  return { fetch: guarded, close };
}

/** Throws: EndpointRefusedError, TypeError. */
function judge(address: string, named: ReadonlySet<string>): CallPlace {
  const { origin, pathname, search, hostname, protocol, username, password } = new URL(address);
  if (!/^https?:$/u.test(protocol) || username !== '' || password !== '') throw refused();
  const literal = hostname.replace(/^\[|\]$/gu, '');
  // A literal is connected to without being looked up.
  if (isIP(literal) !== 0 && kindOfAddress(literal) !== 'public' && !named.has(hostname)) throw refused();
  return { origin, path: pathname + search };
}

function isWhole(init: RequestInit): init is WholeInit {
  return 'isWhole' in init && init.isWhole === true && init.method === 'POST';
}

function fieldsOf(headers: RequestInit['headers']): Readonly<Record<string, string>> {
  const isPlain = headers !== undefined && !(headers instanceof Headers) && !Array.isArray(headers);
  return isPlain ? (headers as Record<string, string>) : Object.fromEntries(new Headers(headers));
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
