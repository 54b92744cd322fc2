import type { AuditEvent } from '../../src/audit/event.ts';
import type { RequestRule } from '../../src/incidents/detectors.ts';
import type { Finding } from '../../src/incidents/finding.ts';
import {
  badCredential,
  callerOf,
  digestOf,
  eventAt,
  lookingUp,
  misfit,
  reading,
  refused,
  watched,
} from './incident-kit.ts';

const CALLERS = 200;
const HOUR_MS = 3_600_000;
const TENANTS = ['acme', 'globex', 'initech', 'umbrella'];

/** Numbers from 0 up to 1, the same for the same seed. Source: mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * An hour of two hundred callers of four tenants: people who browse in sessions from home and on the road, services that
 * poll, a nightly export, developers who mistype, tokens that run out, fields that are refused, subgraphs that fail now and then.
 */
export function normalHour(seed: number): readonly AuditEvent[] {
  const known = hours.get(seed);
  if (known !== undefined) return known;
  const hour = makeHour(seed);
  hours.set(seed, hour);
  return hour;
}

/** Made once: each detector looks at the same. */
const hours = new Map<number, readonly AuditEvent[]>();

/** What one detector finds in an hour of ordinary traffic. */
export function foundInNormalTraffic(rule: RequestRule): readonly Finding[] {
  const { see, findings } = watched({ only: rule });
  for (const event of normalHour(1)) see(event);
  return findings;
}

function makeHour(seed: number): AuditEvent[] {
  const next = random(seed);
  const events: { readonly at: number; readonly event: AuditEvent }[] = [];
  for (let index = 0; index < CALLERS; index += 1) {
    const isService = index % 5 === 0;
    const tenant = TENANTS[index % TENANTS.length] ?? null;
    const principal = callerOf(`caller-${index}`, tenant, { kind: isService ? 'service' : 'user' });
    // An office shares one address; people on the road change theirs.
    const addresses = isService
      ? [`198.51.100.${index}`, `198.51.100.${index + 1}`]
      : [`203.0.113.${index % 8}`, `192.0.2.${index}`, `2001:db8:${index}::1`];
    const isDeveloper = index % 20 === 1;
    const isExport = index === 40;
    let at = next() * 60_000;
    const push = (event: AuditEvent) => void events.push({ at, event });
    while (at < HOUR_MS) {
      const address = addresses[Math.floor(next() ** 3 * addresses.length)] ?? '192.0.2.1';
      const dice = next();
      const failed = next() < 0.01;
      if (isDeveloper && dice < 0.15) push(misfit(at, principal, address));
      else if (dice < 0.004) push(badCredential(at, address, 'token_expired'));
      else if (dice < 0.0045) push(badCredential(at, address, 'signature_invalid'));
      else if (dice < 0.03) push(refused(at, principal));
      else if (dice < 0.15) {
        // A list of people on a page, and now and then a link that leads nowhere.
        const missed = next() < 0.1 ? 1 : 0;
        push(reading(at, principal, { users: Math.floor(next() * (isExport ? 100 : 25)), missed }));
        // Each opens what is behind a link on it.
        push(lookingUp(at, principal, digestOf(`order ${Math.floor(at / 1000)}`)));
      } else {
        const cost = Math.round(20 + next() ** 4 * (isExport ? 4000 : 400));
        push(
          eventAt({
            ...{ at, address, principal, cost: { estimated: cost, actual: cost, max: 10_000 } },
            fetches: [
              {
                subgraph: 'catalog',
                durationUs: 900,
                status: failed ? 0 : 200,
                errors: failed ? 1 : 0,
                planned: 0,
              },
            ],
          }),
        );
      }
      // A page asks for several things at once, then is read; services poll evenly.
      const burst = !isService && next() < 0.6;
      at += isService ? 4000 + next() * 2000 : burst ? 100 + next() * 400 : 5000 + next() * 60_000;
    }
  }
  return events.sort((one, other) => one.at - other.at).map(({ event }) => event);
}
