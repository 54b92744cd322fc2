import { CATALOGUE, type ErrorCode } from '../errors.ts';
import type { ResponseError } from '../listener/request.ts';
import type { ObjectShape } from '../operation/shape.ts';
import type { ExecutionError } from './executor.ts';
import { knownPath } from './known-path.ts';
import type { ResponsePath } from './shape-result.ts';
import type { SubgraphSettings } from './subgraph-settings.ts';

/** Reason: a subgraph may answer any number of errors; a client needs no more than this. */
export const ERRORS_MAX = 100;

/** Codes of our own that execution may give an error. */
const OURS: ReadonlySet<unknown> = new Set<ErrorCode>([
  'DOWNSTREAM_SERVICE_ERROR',
  'SUBGRAPH_TIMEOUT',
  'SUBGRAPH_UNAVAILABLE',
  'SWITCHED_OFF',
  'REQUEST_ABORTED',
]);

/**
 * Turns errors of subgraphs into what a client may see: the catalogue's text and code, unless config lets the subgraph's
 * own text and listed extension keys through and nothing of the operation is kept from the caller by its data. A path is kept as far as it names what the client selected. Of an object
 * that was withheld nothing is told.
 */
export function maskErrors(
  errors: readonly ExecutionError[],
  context: {
    readonly subgraphs: ReadonlyMap<string, SubgraphSettings>;
    readonly shape: ObjectShape;
    readonly requestId: string;
    /** Paths of objects that were withheld. */
    readonly withheld: readonly ResponsePath[];
    /** True where the operation reaches objects of tenants or values that are masked: any text may speak of what the caller must not see. */
    readonly isConfidential: boolean;
  },
): ResponseError[] {
  const { shape, withheld, isConfidential } = context;
  return errors.slice(0, ERRORS_MAX).flatMap((error) => {
    const { path } = knownPath(error.path, shape);
    if (withheld.some((object) => leadsTo(object, path))) return [];
    const settings = error.subgraph === null ? undefined : context.subgraphs.get(error.subgraph);
    const passes = settings?.errors === 'passthrough' && !isConfidential;
    const shown = passes ? passed(error, settings.allowedExtensions) : masked(error);
    return [
      {
        message: shown.message,
        ...(path.length === 0 ? {} : { path }),
        extensions: { ...shown.extensions, requestId: context.requestId },
      },
    ];
  });
}

/** True where the second path is the first or goes on from it. */
function leadsTo(object: ResponsePath, path: ResponsePath): boolean {
  return object.length <= path.length && object.every((step, index) => step === path[index]);
}

function masked(error: ExecutionError): { message: string; extensions: Record<string, unknown> } {
  const given = error.extensions['code'];
  const code = OURS.has(given) ? (given as ErrorCode) : 'DOWNSTREAM_SERVICE_ERROR';
  return { message: CATALOGUE[code].message, extensions: { code } };
}

function passed(
  error: ExecutionError,
  allowed: readonly string[],
): { message: string; extensions: Record<string, unknown> } {
  const extensions: Record<string, unknown> = { code: 'DOWNSTREAM_SERVICE_ERROR' };
  for (const key of allowed) {
    if (Object.hasOwn(error.extensions, key)) extensions[key] = error.extensions[key];
  }
  return { message: error.message, extensions };
}
