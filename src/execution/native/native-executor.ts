import type { FetchRecord } from '../../audit/event.ts';
import { GatewayError } from '../../errors.ts';
import { type FetchStep, fetchesIn, type PlanStep } from '../../operation/plan.ts';
import type {
  ExecutionError,
  ExecutionInput,
  ExecutionResult,
  Executor,
  SubscriptionInput,
} from '../executor.ts';
import { ERRORS_MAX } from '../mask-errors.ts';
import type { SubgraphAnswer } from '../subgraph-answer.ts';
import { completeAll } from './complete-entities.ts';
import { Departure } from './departure.ts';
import { type DataObject, isObject, mergeInto } from './entities.ts';
import { entityErrorPaths } from './entity-errors.ts';
import { fetchNumbers } from './fetch-numbers.ts';
import { fetchRecord } from './fetch-record.ts';
import { FoundEntities } from './found-entities.ts';
import { type Deferring, deferringOf, PartSchedule } from './part-schedule.ts';
import { printVariables } from './print-variables.ts';
import { type AskedFetch, type PlaceError, type Received, receivedFrom, type Sent } from './received.ts';
import { rewriteData } from './rewrite-data.ts';
import type { FetchCaller, SubgraphTransport } from './subgraph-transport.ts';
import { type EntityFetch, type EntityGroup, wantedEntities } from './wanted-entities.ts';
import { foreignTo, type Withheld } from './withheld.ts';

export interface NativeExecutorDeps {
  readonly transport: SubgraphTransport;
  /** Units: milliseconds since the epoch. */
  readonly now: () => number;
  /** Units: microseconds, monotonic. */
  readonly nowUs: () => number;
  /** Subgraphs that are believed what they say of the AI models that they asked. Default: none. */
  readonly modelReporters?: ReadonlySet<string>;
}

/** Creates our own executor: Apollo's plan, run by fetch, merge and nothing else. */
export function createNativeExecutor(deps: NativeExecutorDeps): Executor {
  return {
    async execute(input) {
      const { plan } = input.variant;
      if (plan === null) return { data: null, errors: [], fetches: [] };
      const run = new Run(input, deps);
      const deferring = deferringOf(input);
      const parts = deferring === null ? null : await run.inParts(plan.root, deferring);
      if (parts === null) await run.whole(plan.root);
      if (plan.introspection !== null && input.introspect !== null) {
        mergeInto(run.data, (await input.introspect(plan.introspection)) as DataObject);
      }
      const { data, errors, fetches } = run;
      return parts === null ? { data, errors, fetches } : { data, fetches, ...parts };
    },
    subscribe: (input) => subscription(input, deps),
    connections: () => deps.transport.connections?.() ?? [],
    close: () => deps.transport.close(),
  };
}

/** Runs a subscription: each event of the root field is completed by the rest of the plan. */
async function* subscription(
  input: SubscriptionInput,
  deps: NativeExecutorDeps,
): AsyncGenerator<ExecutionResult, void, undefined> {
  const fetch = input.variant.plan?.subscription ?? null;
  if (fetch === null) {
    yield { data: null, errors: [], fetches: [] };
    return;
  }
  if (input.switches?.isSubgraphOff(fetch.subgraph) === true) throw new GatewayError('SWITCHED_OFF');
  const variables = `{${printVariables(fetch, input.variables)}}`;
  for await (const event of deps.transport.open(fetch, variables, input)) {
    const run = new Run({ ...input, introspect: null, deadlineMs: deps.now() + input.eventTimeoutMs }, deps);
    await run.event(fetch, event);
    yield { data: run.data, errors: run.errors, fetches: run.fetches };
  }
}

const OTHER_ENTITIES = 'The subgraph answered other entities than it was asked for.';

const NOTHING_TO_DO = Promise.resolve();

/** One execution: the answer being built, and what went wrong on the way. */
class Run {
  readonly data: DataObject = {};
  readonly errors: ExecutionError[] = [];
  readonly fetches: FetchRecord[] = [];
  readonly #input: ExecutionInput;
  readonly #caller: FetchCaller;
  readonly #deps: NativeExecutorDeps;
  readonly #withheld: Withheld | null;
  readonly #found: FoundEntities;
  readonly #numbers: ReadonlyMap<FetchStep, number> | null;

  /** Null where the answer comes whole. */
  #schedule: PartSchedule | null = null;

  constructor(input: ExecutionInput, deps: NativeExecutorDeps) {
    const { principal, headers, deadlineMs, signal, changes = null } = input;
    const { plan } = input.variant;
    this.#input = input;
    this.#caller = { principal, headers, deadlineMs, changes, departure: Departure.of(signal) };
    this.#numbers = plan === null ? null : fetchNumbers(plan);
    this.#withheld = foreignTo(input.principal.tenant, input.variant.tenantKeys);
    this.#found = new FoundEntities(this.data, this.#withheld);
    this.#deps = deps;
  }

  /** Takes one event of a subscription as the answer to its root field, and completes it. */
  async event(fetch: FetchStep, body: DataObject): Promise<void> {
    const place: PlaceError = (path) => [[...path]];
    const data = this.#understand(fetch, { kind: 'answer', status: 200, body }, { place, tookUs: 0 });
    if (data !== null) {
      rewriteData(fetch.outputRewrites, data);
      this.#found.forget();
      mergeInto(this.data, data);
    }
    await this.whole(this.#input.variant.plan?.root ?? null);
  }

  /** Runs a whole plan; null where nothing needs a subgraph. */
  whole(root: PlanStep | null): Promise<unknown> {
    return root === null ? NOTHING_TO_DO : this.#step(root);
  }

  /** Runs as much of a plan as comes first. */
  async inParts(
    root: PlanStep | null,
    { deferred, later }: Deferring,
  ): Promise<Pick<ExecutionResult, 'errors' | 'later'>> {
    const schedule = new PartSchedule(deferred, later, this.#numbers?.size ?? 0);
    this.#schedule = schedule;
    const whole = this.whole(root);
    return { errors: await schedule.primary(whole), later: schedule.later(whole) };
  }

  #step(step: PlanStep): Promise<unknown> {
    switch (step.kind) {
      case 'fetch':
        return this.#fetch(step);
      case 'sequence':
        return this.#sequence(step.steps);
      case 'parallel':
        return Promise.all(step.steps.map((each) => this.#step(each)));
      case 'condition': {
        const chosen = this.#input.variables[step.variable] === true ? step.whenTrue : step.whenFalse;
        // What waits for a fetch that is left out need not.
        const other = chosen === step.whenTrue ? step.whenFalse : step.whenTrue;
        if (this.#schedule !== null && other !== null) fetchesIn(other).forEach(this.#ended, this);
        return chosen === null ? NOTHING_TO_DO : this.#step(chosen);
      }
    }
  }

  #ended(fetch: FetchStep): void {
    this.#schedule?.ended(this.#numbers?.get(fetch) ?? -1);
  }

  async #sequence(steps: readonly PlanStep[]): Promise<void> {
    for (const each of steps) await this.#step(each);
  }

  /** Waits once: each asynchronous function on the way of an answer costs as much as what it does there. */
  async #fetch(fetch: FetchStep): Promise<void> {
    try {
      const asked = isEntityFetch(fetch) ? this.#askEntities(fetch) : this.#askRoot(fetch);
      if (asked !== null) this.#take(fetch, await asked.sent.answer, asked);
    } catch (error) {
      // One subgraph that answers JSON nested past the stack must not cost the answers of the others.
      if (!(error instanceof RangeError)) throw error;
      this.#fail(fetch, 'DOWNSTREAM_SERVICE_ERROR', 'The answer of the subgraph is nested too deep.');
    }
    // Not after a fault: what waits for the fetch would pass for complete before the whole has failed.
    if (this.#schedule !== null) this.#ended(fetch);
  }

  #askRoot(fetch: FetchStep): AskedFetch | null {
    const [path = []] = fetch.paths;
    const targets = this.#found.at(path);
    if (targets.length === 0) return null;
    const sent = this.#send(fetch, `{${printVariables(fetch, this.#input.variables)}}`);
    if (sent === null) return null;
    return {
      sent,
      place: (errorPath) => [[...path, ...errorPath]],
      merge: (data) => {
        rewriteData(fetch.outputRewrites, data);
        this.#found.forget();
        for (const target of targets) mergeInto(target, data);
      },
    };
  }

  #askEntities(fetch: EntityFetch): AskedFetch | null {
    const groups = wantedEntities(this.#found, fetch);
    if (groups.length === 0) return null;
    const variables = printVariables(fetch, this.#input.variables);
    const representations = `"representations":[${groups.map(({ printed }) => printed).join(',')}]`;
    const printed = variables === '' ? `{${representations}}` : `{${variables},${representations}}`;
    const sent = this.#send(fetch, printed);
    if (sent === null) return null;
    return {
      sent,
      place: (path) =>
        entityErrorPaths(path, { fetch, groups }, { data: this.data, withheld: this.#withheld }),
      merge: (data) => this.#mergeEntities(fetch, groups, data),
    };
  }

  /** Takes the answer to a fetch into the data. */
  #take(fetch: FetchStep, answer: SubgraphAnswer, { sent, place, merge }: AskedFetch): void {
    const received = receivedFrom(answer, sent, { place, endedUs: this.#deps.nowUs() });
    const data = this.#understand(fetch, answer, received);
    if (data !== null) merge(data);
  }

  #mergeEntities(fetch: EntityFetch, groups: readonly EntityGroup[], data: DataObject): void {
    const received = Object.hasOwn(data, '_entities') ? data['_entities'] : null;
    if (!Array.isArray(received) || received.length !== groups.length) {
      this.#fail(fetch, 'DOWNSTREAM_SERVICE_ERROR', OTHER_ENTITIES);
      return;
    }
    this.#found.forget();
    for (let index = 0; index < groups.length; index += 1) {
      const entity: unknown = received[index];
      if (isObject(entity)) completeAll(groups[index] as EntityGroup, entity, fetch);
    }
  }

  /** Sends a fetch; null where its subgraph is switched off. */
  #send(fetch: FetchStep, variables: string): Sent | null {
    if (this.#input.switches?.isSubgraphOff(fetch.subgraph) === true) {
      this.#fail(fetch, 'SWITCHED_OFF', 'The subgraph is switched off.');
      return null;
    }
    const startedUs = this.#deps.nowUs();
    const take = this.#input.times?.of(this.#numbers?.get(fetch) ?? -1) ?? null;
    const caller = take === null ? this.#caller : { ...this.#caller, isTimed: true };
    return { startedUs, take, answer: this.#deps.transport.send(fetch, variables, caller) };
  }

  /** Records an answer and what is wrong with it; null where it holds no data. */
  #understand(
    fetch: FetchStep,
    answer: SubgraphAnswer,
    { place, tookUs, trace }: Received,
  ): DataObject | null {
    const errors = answer.kind === 'answer' ? answer.body['errors'] : undefined;
    const told = Array.isArray(errors) ? errors.filter(isObject) : [];
    this.fetches.push(
      fetchRecord(answer, {
        subgraph: fetch.subgraph,
        tookUs,
        trace,
        errors: answer.kind === 'failure' ? 1 : told.length,
        planned: this.#numbers?.get(fetch) ?? null,
        isReporter: this.#deps.modelReporters?.has(fetch.subgraph) === true,
      }),
    );
    if (answer.kind === 'failure') {
      this.#fail(fetch, answer.code, 'The subgraph could not be reached.');
      return null;
    }
    for (const error of told) this.#tell(fetch, error, place);
    const data = answer.body['data'];
    if (isObject(data)) return data;
    if (told.length === 0)
      this.#fail(fetch, 'DOWNSTREAM_SERVICE_ERROR', 'The subgraph gave no GraphQL answer.');
    return null;
  }

  #tell(fetch: FetchStep, error: DataObject, place: PlaceError): void {
    // More are never shown, and finding the places of each takes a walk over the answer.
    if (this.errors.length >= ERRORS_MAX) return;
    const path = Array.isArray(error['path']) ? (error['path'] as (string | number)[]) : null;
    const paths = path === null ? [null] : place(path);
    for (const at of paths) {
      this.#note(fetch, {
        message: typeof error['message'] === 'string' ? error['message'] : '',
        path: at,
        subgraph: fetch.subgraph,
        extensions: isObject(error['extensions']) ? error['extensions'] : {},
      });
    }
  }

  #fail(fetch: FetchStep, code: string, message: string): void {
    this.#note(fetch, { message, path: null, subgraph: fetch.subgraph, extensions: { code } });
  }

  #note(fetch: FetchStep, error: ExecutionError): void {
    this.errors.push(error);
    this.#schedule?.failed(this.#numbers?.get(fetch) ?? 0, error);
  }
}

function isEntityFetch(fetch: FetchStep): fetch is EntityFetch {
  return fetch.requires !== null;
}
