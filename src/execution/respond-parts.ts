import type { GraphQLRequest, IncrementalPart, ResponseError } from '../listener/request.ts';
import type { DeferredParts } from '../operation/deferred-part.ts';
import type { ExecutionError, PartDone } from './executor.ts';
import { knownPath } from './known-path.ts';
import { entriesBelow, isObject, own, type PartEntry } from './part-entries.ts';
import { placeErrors } from './place-errors.ts';
import { type Executed, type GraphView, type RespondOptions, respond } from './respond.ts';
import { TOLD_MAX } from './shape-result.ts';

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
  /** Several parts may wait for what one error is about. */
  readonly #told = new Set<ExecutionError>();
  /** How many more are told of parts: as many of all their objects together as of a whole answer. */
  #errorsLeft = TOLD_MAX;
  #refusalsLeft = TOLD_MAX;
  /** What came with the primary answer and is about what comes later. */
  #early: readonly ExecutionError[] = [];

  constructor(of: AnsweredParts) {
    this.#of = of;
  }

  /** The answer without what is deferred. What authorization removes anywhere is told here. */
  primary(): ReturnType<typeof respond> {
    const { request, executed, deferred, graph, options } = this.#of;
    const { shape } = deferred.primary;
    const { result } = executed;
    const isEarly = ({ path }: ExecutionError): boolean => {
      const here = knownPath(path, shape).path;
      const isOfPart = here.length < knownPath(path, executed.variant.shape).path.length;
      // What took its object with it is told with the null that it left.
      return isOfPart && isObject(here.reduce(own, result.data));
    };
    this.#early = result.errors.filter(isEarly);
    const errors = result.errors.filter((error) => !isEarly(error));
    for (const error of errors) this.#told.add(error);
    const variant = { ...executed.variant, shape };
    const response = respond(
      request,
      { ...executed, variant, result: { ...result, errors } },
      graph,
      options,
    );
    const [source, answered] = [result.data, response.body.data];
    const isThere = source !== null && answered !== null && answered !== undefined;
    this.#answered.set(null, isThere ? [{ path: [], source, answered }] : []);
    return response;
  }

  /** What a part adds, object by object; nothing to what was not answered. */
  part({ part, errors }: PartDone): readonly IncrementalPart[] {
    const entries = this.#entriesOf(part);
    const errorsOf = this.#toldWith(entries, errors);
    const answered: PartEntry[] = [];
    const told: IncrementalPart[] = [];
    let foreign = 0;
    const reportForeign = (objects: number): void => {
      foreign += objects;
    };
    const executed = { ...this.#of.executed, reportForeign };
    for (const [index, entry] of entries.entries()) {
      const each = this.#respond({ ...entry, part, executed }, errorsOf[index] ?? []);
      if (each.data !== null) answered.push({ ...entry, answered: each.data });
      const isEmpty = each.data !== null && Object.keys(each.data).length === 0;
      if (!isEmpty || each.errors !== undefined || each.extensions !== undefined) told.push(each);
    }
    this.#answered.set(part, answered);
    if (foreign > 0) this.#of.executed.reportForeign(foreign);
    return told;
  }

  /** The errors of each object that were not told before; what is of none is left to the other parts that wait for it. */
  #toldWith(
    entries: readonly PartEntry[],
    errors: readonly ExecutionError[],
  ): readonly (readonly ExecutionError[])[] {
    const untold = [...new Set([...this.#early, ...errors])].filter((error) => !this.#told.has(error));
    const { own, elsewhere } = placeErrors(untold, entries);
    const left = new Set(elsewhere);
    for (const error of untold) if (!left.has(error)) this.#told.add(error);
    return own;
  }

  #respond(
    { part, path, source, executed }: PartEntry & { readonly part: number; readonly executed: Executed },
    errors: readonly ExecutionError[],
  ): IncrementalPart {
    const { request, deferred, graph, options } = this.#of;
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
    const fromRoot = (error: ResponseError): ResponseError => ({
      ...error,
      path: [...path, ...(error.path ?? [])],
    });
    const told = body.errors?.slice(0, this.#errorsLeft) ?? [];
    const refusals = body.extensions?.authorizationErrors?.slice(0, this.#refusalsLeft) ?? [];
    this.#errorsLeft -= told.length;
    this.#refusalsLeft -= refusals.length;
    return {
      ...(label === null ? {} : { label }),
      path,
      data: body.data ?? null,
      ...(told.length === 0 ? {} : { errors: told.map(fromRoot) }),
      ...(refusals.length === 0 ? {} : { extensions: { authorizationErrors: refusals.map(fromRoot) } }),
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
