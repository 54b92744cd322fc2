import { type DestinationStream, destination as openDestination, pino } from 'pino';
import { GatewayError } from '../errors.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogFields = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** Where the gateway says what happens to itself; what happened to requests is the audit's. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

const STDERR = 2;
const TEXT_CHARS_MAX = 8_192;
const LIST_ITEMS_MAX = 100;
const CAUSES_MAX = 4;
const FRAMES_MAX = 20;
const NAME = /^[\w$.-]{1,64}$/;
/** A frame of V8's stack trace: it ends in a place, not in free text. */
const FRAME = /^ {4}at [^\n]+:\d+:\d+\)?$|^ {4}at [\w$.<> ]+ \(<anonymous>\)$/;

/**
 * A log of one JSON object per line, to standard error unless told otherwise; long texts are cut. Where several workers
 * write to one log, each line names its own.
 */
export function createLog(
  level: LogLevel,
  { worker }: { readonly worker?: number } = {},
  destination?: DestinationStream,
): Log {
  const logger = pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      messageKey: 'event',
      // Fields have a place of their own, so that none can stand in for the level, the time or the event.
      nestedKey: 'fields',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? openDestination({ dest: STDERR, sync: true }),
  );
  return {
    debug: (event, fields) => logger.debug(bounded(fields), event),
    info: (event, fields) => logger.info(bounded(fields), event),
    warn: (event, fields) => logger.warn(bounded(fields), event),
    error: (event, fields) => logger.error(bounded(fields), event),
  };
}

/**
 * What may be logged of an error: name, code, causes by name, and where it arose.
 * Source: messages of foreign errors carry prompts, tokens and rows; only the gateway's own texts are safe.
 */
export function describeError(error: unknown): LogFields {
  if (!(error instanceof Error)) return { errorName: typeof error, errorCode: null };
  const described = {
    errorName: nameOf(error),
    errorCode: codeOf(error),
    errorCauses: causesOf(error),
    errorStack: framesOf(error),
  };
  if (!(error instanceof GatewayError)) return described;
  return {
    ...described,
    errorMessage: error.message,
    errorDetails: error.details.map(({ message }) => message),
  };
}

function nameOf(error: Error): string {
  return NAME.test(error.name) ? error.name : 'Error';
}

function codeOf(error: Error): string | number | null {
  if (!('code' in error)) return null;
  const { code } = error;
  if (typeof code === 'number') return code;
  return typeof code === 'string' && NAME.test(code) ? code : null;
}

function causesOf(error: Error): readonly string[] {
  const causes: string[] = [];
  let cause = error.cause;
  while (cause instanceof Error && causes.length < CAUSES_MAX) {
    const code = codeOf(cause);
    causes.push(code === null ? nameOf(cause) : `${nameOf(cause)} ${code}`);
    cause = cause.cause;
  }
  return causes;
}

/** The stack begins with the message: where that cannot be told from the frames, there is no stack. */
function framesOf(error: Error): readonly string[] {
  const { stack, message } = error;
  if (typeof stack !== 'string') return [];
  const start = stack.indexOf(message);
  if (start < 0) return [];
  const lines = stack
    .slice(start + message.length)
    .split('\n')
    .slice(1);
  return lines.every((line) => FRAME.test(line)) ? lines.slice(0, FRAMES_MAX).map((line) => line.trim()) : [];
}

function bounded(fields: LogFields | undefined): LogFields {
  if (fields === undefined) return {};
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'object' ? list(value) : text(value),
    ]),
  );
}

function list(values: readonly string[] | null): readonly string[] | null {
  return values === null ? null : values.slice(0, LIST_ITEMS_MAX).map(text);
}

function text<Value>(value: Value): Value | string {
  return typeof value === 'string' && value.length > TEXT_CHARS_MAX
    ? `${value.slice(0, TEXT_CHARS_MAX)}…`
    : value;
}

/** Code and safe lines of a refusal. */
export function faultDetails(fault: GatewayError): {
  readonly code: string;
  readonly details: readonly string[];
} {
  return { code: fault.code, details: fault.details.map(({ message }) => message) };
}
