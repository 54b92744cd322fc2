import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { CATALOGUE, GatewayError } from '../errors.ts';
import type { CompileTask, CompileTaskResult } from './compile-task.ts';
import { type CompileThreads, threadsOn } from './compile-threads-pool.ts';
import type { CostSizes } from './cost/cost-schema.ts';
import type { CompiledOperation, OperationLimits, OperationVariant } from './operation.ts';
import { type HiddenInputs, ViewChecks } from './view-checks.ts';
import { guardsKey, type HotOperation } from './warm-up.ts';

export interface CompilerOptions {
  readonly limits: OperationLimits;
  /** Whether operations are planned here, or by the executor. */
  readonly plans: boolean;
  /** Null where costs are not counted. */
  readonly costSizes: CostSizes | null;
  /** Whether each coordinate has to be covered by a subscription. */
  readonly coverage: boolean;
  readonly workers: number;
  /** Longest time one operation may take to compile. */
  readonly timeoutMs: number;
  /** Heap of one worker. */
  readonly memoryMb: number;
  /** Operations waiting for a worker; more are refused. */
  readonly queueMax: number;
  readonly cacheMax: number;
  /** Bytes of operation text held, all variants counted. */
  readonly cacheBytes: number;
}

/** Text to compiled operations: a cache in front of worker threads. One per supergraph generation. */
export interface Compiler {
  /** Throws: as `compileOperation`, OPERATION_TOO_COMPLEX, SERVER_OVERLOADED. */
  compile(text: string, operationName: string | null): CompiledOperation | Promise<CompiledOperation>;
  /** Holds a text to what callers may know who hold `held`, and tells which input fields they may not. Throws: as `checkOnView`. */
  check(text: string, operationName: string | null, held: string): Promise<HiddenInputs>;
  /** Answers a document of schema introspection with what those callers may know. Throws: VIEW_EMPTY, OPERATION_TOO_COMPLEX, SERVER_OVERLOADED. */
  introspect(
    document: string,
    variables: Readonly<Record<string, unknown>>,
    held: string,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** Of the operations used last, at most `max`, the most used first. */
  hottest(max: number): readonly HotOperation[];
  /** What is held and what waits now. */
  readonly counts: CompilerCounts;
  close(): Promise<void>;
}

export interface CompilerCounts {
  readonly compiled: number;
  readonly refused: number;
  /** With a worker, or waiting for one. */
  readonly pending: number;
}

/** One compiled operation with what tells how it is used. */
interface Held {
  readonly operation: CompiledOperation;
  readonly text: string;
  readonly operationName: string | null;
  readonly variants: LRUCache<string, OperationVariant | Promise<OperationVariant>>;
  uses: number;
}

/** Operations looked at for each one that is taken: what was used long ago is cold however often it was used. */
const RECENT_PER_HOT = 10;

/** Reason: refusals are cheap to hold and costly to find out again, but must not push out what runs. */
const REFUSALS_MAX = 1_000;
const REFUSAL_TEXT_MAX = 16_384;

/** Variants held per operation: one per set of callers that differ in what they may see. */
const VARIANTS_MAX = 64;

/** Resolves when its workers have read the supergraph. */
export async function createCompiler(
  supergraph: { readonly id: string; readonly sdl: string },
  options: CompilerOptions,
): Promise<Compiler> {
  const { limits, plans, costSizes, coverage } = options;
  const ground = { sdl: supergraph.sdl, limits, plans, costSizes, coverage };
  return new PooledCompiler(supergraph.id, await threadsOn(ground, options), options);
}

class PooledCompiler implements Compiler {
  readonly #supergraphId: string;
  readonly #threads: CompileThreads;
  readonly #timeoutMs: number;
  readonly #workers: number;
  readonly #pendingMax: number;
  readonly #compiled: LRUCache<string, Held>;
  readonly #refused = new LRUCache<string, GatewayError>({ max: REFUSALS_MAX });
  readonly #running = new Map<string, Promise<CompiledOperation>>();
  readonly #checks = new ViewChecks((text, operationName, held) => this.#checkNew(text, operationName, held));
  #pending = 0;
  #closed = false;

  constructor(supergraphId: string, threads: CompileThreads, options: CompilerOptions) {
    this.#supergraphId = supergraphId;
    this.#threads = threads;
    this.#timeoutMs = options.timeoutMs;
    this.#workers = options.workers;
    this.#pendingMax = options.workers + options.queueMax;
    this.#compiled = new LRUCache({
      max: options.cacheMax,
      maxSize: options.cacheBytes,
      sizeCalculation: (_, key) => key.length + 1,
    });
  }

  compile(text: string, operationName: string | null): CompiledOperation | Promise<CompiledOperation> {
    // The name's length keeps pairs apart: no other pair may find, or poison, what is held for this one.
    const key = operationName === null ? `:${text}` : `${operationName.length}:${operationName}${text}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) {
      known.uses += 1;
      return known.operation;
    }
    const refused = this.#refused.get(key);
    if (refused !== undefined) throw refused;
    const running = this.#running.get(key) ?? this.#start(key, text, operationName);
    return running;
  }

  check(text: string, operationName: string | null, held: string): Promise<HiddenInputs> {
    return this.#checks.check(text, operationName, held);
  }

  async introspect(
    document: string,
    variables: Readonly<Record<string, unknown>>,
    held: string,
  ): Promise<Readonly<Record<string, unknown>>> {
    const result = await this.#task({ kind: 'introspect', document, variables, held });
    if (result.kind === 'introspected') return result.data;
    throw new GatewayError('INTERNAL_SERVER_ERROR');
  }

  get counts(): CompilerCounts {
    return { compiled: this.#compiled.size, refused: this.#refused.size, pending: this.#pending };
  }

  hottest(max: number): readonly HotOperation[] {
    return [...this.#compiled.values().take(max * RECENT_PER_HOT)]
      .sort((one, other) => other.uses - one.uses)
      .slice(0, max)
      .map(({ operation, text, operationName, variants }) => ({
        text,
        operationName,
        guards: guardsKey(operation),
        masks: [...variants.keys()],
      }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#pending === 0) this.#threads.spare();
    else await this.#threads.end();
  }

  #start(key: string, text: string, operationName: string | null): Promise<CompiledOperation> {
    const started = this.#compileNew(text, operationName)
      .then((held) => {
        this.#compiled.set(key, held);
        return held.operation;
      })
      .catch((error: unknown) => {
        // Only what a worker found out lasts: a fault of the pool or time spent waiting says nothing about the text.
        const lasting =
          error instanceof GatewayError && error.cause === undefined && !CATALOGUE[error.code].retryable;
        if (lasting && key.length <= REFUSAL_TEXT_MAX) this.#refused.set(key, error);
        throw error;
      })
      .finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  async #compileNew(text: string, operationName: string | null): Promise<Held> {
    const { facts, variant } = await this.#run(text, operationName, '');
    const variants: Held['variants'] = new LRUCache({ max: VARIANTS_MAX });
    const planFor = (mask: string): OperationVariant | Promise<OperationVariant> => {
      if (mask === '') return variant;
      const known = variants.get(mask);
      if (known !== undefined) return known;
      const started = this.#run(text, operationName, mask).then((result) => result.variant);
      variants.set(mask, started);
      started.then(
        (made) => variants.set(mask, made),
        () => variants.delete(mask),
      );
      return started;
    };
    const operation = Object.freeze({
      ...facts,
      // By the name that it has: whether a request repeats the name of the only operation is the client's to choose.
      hash: hash('sha256', JSON.stringify([text, facts.name]), 'hex'),
      supergraphId: this.#supergraphId,
      planFor,
    });
    return { operation, text, operationName, variants, uses: 0 };
  }

  async #run(
    text: string,
    operationName: string | null,
    mask: string,
  ): Promise<Extract<CompileTaskResult, { kind: 'compiled' }>> {
    const result = await this.#task({ kind: 'compile', text, operationName, mask });
    if (result.kind === 'compiled') return result;
    throw new GatewayError('INTERNAL_SERVER_ERROR');
  }

  async #checkNew(text: string, operationName: string | null, held: string): Promise<HiddenInputs> {
    const result = await this.#task({ kind: 'check', text, operationName, held });
    if (result.kind === 'checked') return result.hiddenInputs;
    throw new GatewayError('INTERNAL_SERVER_ERROR');
  }

  async #task(task: CompileTask): Promise<Exclude<CompileTaskResult, { kind: 'refused' }>> {
    if (this.#closed) throw new GatewayError('SHUTTING_DOWN');
    // The pool's own bound does not count tasks that can be aborted.
    if (this.#pending >= this.#pendingMax) throw new GatewayError('SERVER_OVERLOADED');
    const waits = this.#pending >= this.#workers;
    this.#pending += 1;
    const result = await this.#threads
      .run(task, { signal: AbortSignal.timeout(this.#timeoutMs) })
      .catch((error: unknown) => {
        throw compileFault(error, waits);
      })
      .finally(() => {
        this.#pending -= 1;
      });
    if (result.kind === 'refused')
      throw new GatewayError(result.refusal.code, { details: result.refusal.details });
    return result;
  }
}

/** A killed worker is the document's doing; time that ran out while others were compiled is the gateway's load. */
function compileFault(error: unknown, waited: boolean): GatewayError {
  const { name, code } = error as { name?: string; code?: string };
  if (name === 'AbortError') {
    return new GatewayError(waited ? 'SERVER_OVERLOADED' : 'OPERATION_TOO_COMPLEX', { cause: error });
  }
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return new GatewayError('OPERATION_TOO_COMPLEX', { cause: error });
  return new GatewayError('INTERNAL_SERVER_ERROR', { cause: error });
}
