import type { GraphQLRequest, IncrementalPart } from '../listener/request.ts';
import type { DeferredParts } from '../operation/deferred-part.ts';
import type { ExecutionError, PartDone } from './executor.ts';
import { entriesBelow, type PartEntry } from './part-entries.ts';
import { type Executed, type GraphView, type RespondOptions, respond } from './respond.ts';
import type { ResponsePath } from './shape-result.ts';

/** What answering in parts needs, the same for all of them. */
export interface AnsweredParts {
  readonly request: GraphQLRequest;
  readonly executed: Executed;
  readonly deferred: DeferredParts;
  /** Which parts are deferred. */
  readonly isLater: readonly boolean[];
  readonly graph: GraphView;
  readonly options: RespondOptions;
}

/**
 * Answers an operation part by part. Each part goes through all that an answer goes through: refused, masked and withheld is
 * what would be in a whole answer, and a null takes no more with it than the part.
 */
export class PartAnswers {
  readonly #of: AnsweredParts;
  /** What was answered so far: the objects of each part. */
  readonly #answered = new Map<number | null, readonly PartEntry[]>();

  constructor(of: AnsweredParts) {
    this.#of = of;
  }

  /** The answer without what is deferred. What authorization removes anywhere is told here. */
  primary(): ReturnType<typeof respond> {
    const { request, executed, deferred, graph, options } = this.#of;
    const variant = { ...executed.variant, shape: deferred.primary.shape };
    const response = respond(request, { ...executed, variant }, graph, options);
    const [source, answered] = [executed.result.data, response.body.data];
    const isThere = source !== null && answered !== null && answered !== undefined;
    this.#answered.set(null, isThere ? [{ path: [], source, answered }] : []);
    return response;
  }

  /** What a part adds, object by object; nothing to what was not answered. */
  part({ part, errors }: PartDone): readonly IncrementalPart[] {
    const entries = this.#entriesOf(part);
    const own = placed(errors, entries);
    const answered: PartEntry[] = [];
    const told: IncrementalPart[] = [];
    for (const [index, entry] of entries.entries()) {
      const each = this.#respond(part, entry, own[index] ?? []);
      if (each.data !== null) answered.push({ ...entry, answered: each.data });
      const isEmpty = each.data !== null && Object.keys(each.data).length === 0;
      if (!isEmpty || each.errors !== undefined || each.extensions !== undefined) told.push(each);
    }
    this.#answered.set(part, answered);
    return told;
  }

  #respond(part: number, { path, source }: PartEntry, errors: readonly ExecutionError[]): IncrementalPart {
    const { request, executed, deferred, graph, options } = this.#of;
    const { label = null, shape = deferred.primary.shape } = deferred.parts[part] ?? {};
    // Reasons to permit nevertheless, and what was removed before anything ran, the primary answer told.
    const { decision } = executed;
    const { body } = respond(
      request,
      {
        ...executed,
        variant: { ...executed.variant, shape, removals: [] },
        decision: decision.effect === 'permit' ? { ...decision, reasons: [] } : decision,
        result: { data: source, errors, fetches: [] },
      },
      graph,
      options,
    );
    const placedErrors = body.errors?.map((error) => ({ ...error, path: [...path, ...(error.path ?? [])] }));
    return {
      ...(label === null ? {} : { label }),
      path,
      data: body.data ?? null,
      ...(placedErrors === undefined ? {} : { errors: placedErrors }),
      ...(body.extensions === undefined ? {} : { extensions: body.extensions }),
    };
  }

  #entriesOf(part: number): readonly PartEntry[] {
    const { parts } = this.#of.deferred;
    const { parent = null, path = [] } = parts[part] ?? {};
    return entriesBelow(this.#answeredOf(parent), path);
  }

  /** Objects of a part that is not deferred are answered with what it stands in. */
  #answeredOf(part: number | null): readonly PartEntry[] {
    if (part === null || this.#of.isLater[part] === true) return this.#answered.get(part) ?? [];
    return this.#entriesOf(part);
  }
}

/** The errors of each object, by their paths from it; what is of none is told with the first. */
function placed(
  errors: readonly ExecutionError[],
  entries: readonly PartEntry[],
): readonly (readonly ExecutionError[])[] {
  const own: ExecutionError[][] = entries.map(() => []);
  for (const error of errors) {
    const { path } = error;
    const at = path === null ? -1 : entries.findIndex((entry) => leadsTo(entry.path, path));
    const entry = entries[at];
    const relative = path === null || entry === undefined ? null : path.slice(entry.path.length);
    own[Math.max(at, 0)]?.push({ ...error, path: relative });
  }
  return own;
}

function leadsTo(object: ResponsePath, path: ResponsePath): boolean {
  return object.length <= path.length && object.every((step, index) => step === path[index]);
}
