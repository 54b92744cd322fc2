import { GatewayError } from '../errors.ts';

function isSystemError(error: Error): error is Error & { syscall: string } {
  return 'syscall' in error && typeof error.syscall === 'string';
}

/** Where an unexpected error arose: its frames, without the message, which may quote input. */
function frames(error: Error): string[] {
  return (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
}

/**
 * An error as the lines an operator needs: each fault where the input is at fault, the system's own words where the
 * system refused, and otherwise name and place, since messages of unexpected errors may quote secrets.
 */
export function faultLines(error: unknown): readonly string[] {
  if (error instanceof GatewayError) {
    return error.details.length > 0
      ? error.details.map((detail) => detail.message)
      : [`${error.code}: ${error.message}`];
  }
  if (!(error instanceof Error)) {
    return ['internal error'];
  }
  if (isSystemError(error)) {
    return [`error: ${error.message}`];
  }
  const code = 'code' in error && typeof error.code === 'string' ? ` ${error.code}` : '';
  return [`internal error: ${error.name}${code}`, ...frames(error)];
}
