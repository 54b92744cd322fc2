import { type AttemptFault, type AttemptOutcome, judgeAttempt } from './attempt-outcome.ts';
import { type Candidate, createAttemptQueue, type RetryBounds } from './attempt-queue.ts';
import type { KeyHealth } from './key-health.ts';

/** One attempt, as callers and operators may know it. */
export interface AttemptRecord {
  readonly model: string;
  readonly provider: string;
  readonly outcome: AttemptOutcome;
  /** The provider's HTTP status where it refused. */
  readonly status: number | null;
  /** Until the answer, or the first part of one that is streamed. Units: milliseconds. */
  readonly durationMs: number;
}

/** What became of a call: an answer of one candidate, or why there is none. */
export type Attempted<C, T> =
  | {
      readonly answered: true;
      readonly value: T;
      readonly candidate: C;
      readonly attempts: readonly AttemptRecord[];
    }
  | {
      readonly answered: false;
      readonly fault: AttemptFault;
      readonly attempts: readonly AttemptRecord[];
    };

/** What attempts need besides their candidates. */
export interface AttemptParts<C> {
  readonly health: KeyHealth;
  readonly bounds: RetryBounds & {
    /** Bound of one attempt where others could follow it. Units: milliseconds. */
    readonly attemptTimeoutMs: number;
  };
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
  /** Gives [0, 1). */
  readonly random: () => number;
  readonly onFault: (candidate: C, fault: AttemptFault) => void;
}

/** Until when, and for whom. */
export interface CallBounds {
  /** Units: milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** Aborted when the caller has left; null where callers stay, and no answer goes on behind its call. */
  readonly left: AbortSignal | null;
}

/** Why an attempt is ended that others may follow. Its name is the one that signals of a timeout have. */
class TimeOverError extends Error {
  override readonly name = 'TimeoutError';
}

/** Why what a failed attempt has left open is ended. */
class AttemptOverError extends Error {
  override readonly name = 'AbortError';
}

const OUT_OF_TIME: AttemptFault = {
  ...{ outcome: 'TIMEOUT', status: null, retryAfterMs: null, errorName: 'TimeoutError' },
};

/**
 * Asks one candidate after the other until one answers, the order ends, or the time is over. A call gets a signal that ends it, and that
 * lives on with what it has answered. Throws: what the call throws that is marked as the caller's own, by `isOwn`.
 */
export async function runAttempts<C extends Candidate, T>(
  candidates: readonly C[],
  call: (candidate: C, abortSignal: AbortSignal) => Promise<T>,
  parts: AttemptParts<C> &
    CallBounds & {
      readonly isOwn: (thrown: unknown) => boolean;
      /** Gets what a call answered when its time was over: nobody else does. */
      readonly onLate?: (value: T) => void;
    },
): Promise<Attempted<C, T>> {
  const { health, now, left, deadlineMs } = parts;
  const queue = createAttemptQueue(candidates, parts);
  const attempts: AttemptRecord[] = [];
  let fault: AttemptFault | null = null;
  for (;;) {
    const next = queue.next();
    if (next.step === 'end') return { answered: false, attempts, fault: fault ?? OUT_OF_TIME };
    if (next.step === 'wait') {
      const { untilMs, limited } = next;
      // A key that has spent what it may has no part in what the others are waited for.
      const last = fault?.outcome === 'SPEND_CAPPED' ? null : fault;
      const waited = { ...(last ?? unavailable(limited)), retryAfterMs: untilMs - now() };
      if (untilMs >= deadlineMs || !(await pause(untilMs - now(), left)))
        return { answered: false, attempts, fault: waited };
      continue;
    }
    const { candidate } = next;
    const beganMs = now();
    const timeLeftMs = deadlineMs - beganMs;
    const boundMs = queue.hasOthers(candidate)
      ? Math.min(timeLeftMs, parts.bounds.attemptTimeoutMs)
      : timeLeftMs;
    const record = (outcome: AttemptOutcome, status: number | null): void => {
      const { id, provider } = candidate.model;
      attempts.push({ model: id, provider, outcome, status, durationMs: Math.round(now() - beganMs) });
    };
    const ended = await bounded(boundMs, parts, (signal) => call(candidate, signal));
    if ('late' in ended) void ended.late.then(parts.onLate, () => undefined);
    if ('value' in ended) {
      health.answered(candidate);
      record('ANSWERED', null);
      return { answered: true, attempts, value: ended.value, candidate };
    }
    if (parts.isOwn(ended.thrown)) {
      health.failed(candidate, { ...OUT_OF_TIME, outcome: 'ABANDONED' });
      throw ended.thrown;
    }
    const { thrown, timedOut } = ended;
    fault = judgeAttempt(thrown, { timedOut, left: left?.aborted === true, nowMs: now() });
    health.failed(candidate, fault);
    record(fault.outcome, fault.status);
    parts.onFault(candidate, fault);
    queue.failed(candidate, fault);
    if (now() >= deadlineMs) return { answered: false, attempts, fault };
  }
}

function unavailable(limited: boolean): AttemptFault {
  return { ...OUT_OF_TIME, outcome: limited ? 'RATE_LIMITED' : 'OVERLOADED', errorName: 'CircuitOpen' };
}

type Ended<T> =
  | { readonly value: T }
  | { readonly thrown: unknown; readonly timedOut: boolean; readonly late: Promise<T> };

/** A call that ends in its time, also where what it calls does not listen. */
async function bounded<T>(
  boundMs: number,
  { left, deadlineMs, now }: CallBounds & Pick<AttemptParts<never>, 'now'>,
  call: (abortSignal: AbortSignal) => Promise<T>,
): Promise<Ended<T>> {
  const late = new AbortController();
  const timeLeftMs = Math.max(0, Math.ceil(deadlineMs - now()));
  // What goes on behind its call ends at the deadline, and when its caller leaves.
  const deadline = left === null ? null : AbortSignal.timeout(timeLeftMs);
  const signal =
    left === null || deadline === null ? late.signal : AbortSignal.any([left, late.signal, deadline]);
  const timer = setTimeout(() => late.abort(new TimeOverError('The time is over.')), boundMs);
  const answer = call(signal);
  try {
    return { value: await Promise.race([answer, aborted(signal)]) };
  } catch (thrown) {
    const timedOut = late.signal.aborted || deadline?.aborted === true;
    // The library may leave open what it has found an error in.
    late.abort(new AttemptOverError('The attempt is over.'));
    return { thrown, timedOut, late: answer };
  } finally {
    clearTimeout(timer);
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = (): void => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** Whether the time has passed before the caller left. Units: milliseconds. */
function pause(ms: number, left: AbortSignal | null): Promise<boolean> {
  if (left?.aborted === true) return Promise.resolve(false);
  return new Promise((resolve) => {
    const done = (passed: boolean) => (): void => {
      clearTimeout(timer);
      left?.removeEventListener('abort', leave);
      resolve(passed);
    };
    const leave = done(false);
    const timer = setTimeout(done(true), Math.max(0, ms));
    left?.addEventListener('abort', leave, { once: true });
  });
}
