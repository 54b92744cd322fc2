/** Why the control plane refuses a call. */
export type ControlFault =
  | { readonly code: 'NOT_FOUND'; readonly entity: string }
  | { readonly code: 'INVALID_INPUT'; readonly field: string; readonly reason: string }
  | { readonly code: 'INVALID_TRANSITION'; readonly state: string; readonly action: string }
  | { readonly code: 'CONFLICT'; readonly reason: string }
  | { readonly code: 'VERSION_CONFLICT'; readonly current: number }
  | { readonly code: 'FORBIDDEN'; readonly reason: string }
  | { readonly code: 'STEP_UP_REQUIRED'; readonly maxAgeSeconds: number };

/** A refusal by the control plane; its fault can be shown to the caller as it stands. */
export class ControlError extends Error {
  readonly fault: ControlFault;

  constructor(fault: ControlFault, options: { readonly cause?: unknown } = {}) {
    super(fault.code, options);
    this.name = 'ControlError';
    this.fault = fault;
  }
}

/** Raised for input that breaks a rule of its own; names the field, never the value. */
export function invalidInput(field: string, reason: string): ControlError {
  return new ControlError({ code: 'INVALID_INPUT', field, reason });
}
