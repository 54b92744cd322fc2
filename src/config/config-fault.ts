import type { ErrorDetail } from '../errors.ts';
import { GatewayError } from '../errors.ts';

/** Keys and indexes from the root of the document. */
export type KeyPath = readonly (string | number)[];

/** Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * One thing wrong with the configuration.
 * Invariant: `message` names keys, files and variables, never a value of the document or of a secret.
 */
export interface ConfigFault {
  readonly path: KeyPath;
  readonly position: Position;
  readonly message: string;
}

/** More faults than this are of one making; the rest is only counted. */
const FAULTS_MAX = 100;
const NAME_LENGTH_MAX = 80;

/** Text of the document's author made safe to print: no control characters, bounded. */
export function printable(text: string): string {
  const clean = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\u{FFFD}');
  return clean.length > NAME_LENGTH_MAX ? `${clean.slice(0, NAME_LENGTH_MAX)}…` : clean;
}

/** A key path as people write it: `identity.jwt[0].issuer`. */
export function printPath(path: KeyPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') {
      return `${text}[${step}]`;
    }
    return text === '' ? printable(step) : `${text}.${printable(step)}`;
  }, '');
}

/** A name for lookups by path. */
export function pathKeyOf(path: KeyPath): string {
  return JSON.stringify(path);
}

function detail(file: string, fault: ConfigFault): ErrorDetail {
  const { line, column } = fault.position;
  const key = fault.path.length === 0 ? '' : `${printPath(fault.path)}: `;
  return { message: `${file}:${line}:${column}: ${key}${fault.message}`, locations: [fault.position] };
}

/** All faults of one file as the error that refuses it, in the order of the file. */
export function configInvalid(file: string, faults: readonly ConfigFault[]): GatewayError {
  const ordered = [...faults].sort(
    (a, b) => a.position.line - b.position.line || a.position.column - b.position.column,
  );
  const details = ordered.slice(0, FAULTS_MAX).map((fault) => detail(file, fault));
  if (ordered.length > FAULTS_MAX) {
    details.push({ message: `${file}: and ${ordered.length - FAULTS_MAX} more faults` });
  }
  return new GatewayError('CONFIG_INVALID', { details });
}
