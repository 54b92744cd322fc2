import type { AuditEvent } from '../audit/event.ts';
import { type ErrorCode, GatewayError } from '../errors.ts';

/** Parts of the path of a request whose time is told. */
export type Stage = 'identify' | 'compile' | 'authorize' | 'limit' | 'intend' | 'execute' | 'respond';

/** One part of the path of a request that is over. Units: microseconds, monotonic. */
export interface StageTime {
  readonly stage: Stage;
  readonly startedUs: number;
  readonly endedUs: number;
  /** Why it failed; undefined where it did not. */
  readonly fault: unknown;
}

/** Told of what happens on the path of a request, in the course of that request. Must not throw. */
export interface StageObserver {
  took(time: StageTime): void;
  observe(event: AuditEvent): void;
}

/** What a fault is told as: its code, and never its message. */
export function faultCode(fault: unknown): ErrorCode {
  return fault instanceof GatewayError ? fault.code : 'INTERNAL_SERVER_ERROR';
}
