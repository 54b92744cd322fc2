import { ADMIN_TAG } from './admin-subgraph.ts';
import type { AuthorizationOptions } from './authorization/authorize.ts';
import { heldRequirements } from './authorization/held-requirements.ts';
import type { PolicyDecider } from './authorization/rules/rule.ts';
import type { Grant } from './control/grant.ts';
import type { PlanLimit } from './control/plan-limit.ts';
import type { Restraint } from './control/restraint.ts';
import type { Switches } from './control/switches.ts';
import { GatewayError } from './errors.ts';
import type { Graph } from './graph.ts';
import type { Principal } from './identity/principal.ts';
import { hideInputs } from './operation/hide-inputs.ts';
import type { CompiledOperation } from './operation/operation.ts';
import { requiredCoordinates, seesAll, viewKey } from './supergraph/required-coordinates.ts';

/** Who asks, and by what their view of the graph is judged. */
export interface Caller {
  readonly principal: Principal;
  readonly policies: PolicyDecider;
  readonly options: AuthorizationOptions;
  /** Units: milliseconds since the epoch. */
  readonly nowMs: number;
  /** What its subscriptions cover; null where none are asked for. */
  readonly grant: Grant | null;
  /** What is switched off for it; null where nothing is. */
  readonly switches: Switches | null;
  /** What incidents hold it to; null where they do not. */
  readonly restraint: Restraint | null;
  /** What the plans of its subscriptions limit an operation to. */
  plansFor(operation: CompiledOperation): readonly PlanLimit[];
}

/** What was asked: a text, and values for its variables. */
export interface Asked {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** An operation, and the values of its variables as its caller may give them. */
export interface CompiledRequest {
  readonly operation: CompiledOperation;
  readonly given: Readonly<Record<string, unknown>>;
}

/**
 * Compiles what a caller asks; what does not fit the schema is told in terms of what the caller may know of it.
 * Where what is unauthorized is hidden, the text is held to the view first, and what the view lacks does not exist.
 * Throws: as the compiler, VIEW_EMPTY.
 */
export function compileFor(
  graph: Graph,
  asked: Asked,
  caller: Caller,
): CompiledRequest | Promise<CompiledRequest> {
  const { query, operationName, variables: given } = asked;
  if (caller.options.hideUnauthorized === true) {
    const held = heldBy(graph, caller);
    if (!seesAll(held)) return compileVisible(graph, asked, held);
  }
  try {
    const compiled = graph.compiler.compile(query, operationName);
    if (!(compiled instanceof Promise))
      return unhidden({ operation: compiled, given }, graph, { asked, caller });
    return compiled.then(
      (operation) => unhidden({ operation, given }, graph, { asked, caller }),
      (error: unknown) => retell(error, graph, { asked, caller }),
    );
  } catch (error) {
    return retell(error, graph, { asked, caller });
  }
}

/** Introspection as a caller may see it; null where the operation does not ask for the schema. */
export function introspectionFor(
  graph: Graph,
  { operation, variables }: Pick<CompiledRequest, 'operation'> & Pick<Asked, 'variables'>,
  caller: Caller,
): ((document: string) => Promise<Readonly<Record<string, unknown>>>) | null {
  if (!operation.introspects) return null;
  const held = heldBy(graph, caller);
  return (document) => graph.compiler.introspect(document, variables, held);
}

/** What a caller holds of all that the graph requires; under a dry run everybody holds everything. */
function heldBy({ supergraph }: Graph, { principal, options, grant, ...context }: Caller): string {
  const { requirements } = requiredCoordinates(supergraph.policy);
  if (options.dryRun) return '1'.repeat(requirements.length);
  return viewKey(heldRequirements(requirements, principal, context), grant?.hidden ?? []);
}

/**
 * An operation that reaches what its caller must not learn of is answered as if that did not exist: what only private
 * products hold, and the administration of the gateway itself.
 */
function unhidden(
  compiled: CompiledRequest,
  graph: Graph,
  { asked, caller }: { readonly asked: Asked; readonly caller: Caller },
): CompiledRequest | Promise<CompiledRequest> {
  const { grant, options } = caller;
  const { operation } = compiled;
  if (options.dryRun) return compiled;
  if (grant?.hidesAny(operation) === true)
    return retell(new GatewayError('GRAPHQL_VALIDATION_FAILED'), graph, { asked, caller });
  return administers(operation, graph) ? administering(compiled, graph, { asked, caller }) : compiled;
}

const ofAdmin = new WeakMap<CompiledOperation, boolean>();

/** Whether an operation reaches the admin subgraph; looked at once for each. */
function administers(operation: CompiledOperation, { supergraph }: Graph): boolean {
  const tagged = supergraph.tags.get(ADMIN_TAG);
  if (tagged === undefined) return false;
  const known = ofAdmin.get(operation);
  if (known !== undefined) return known;
  const isAdmin = operation.coordinates.some((coordinate) => tagged.has(coordinate));
  ofAdmin.set(operation, isAdmin);
  return isAdmin;
}

/** Throws: GRAPHQL_VALIDATION_FAILED for who may not know of a field of it. */
async function administering(
  compiled: CompiledRequest,
  graph: Graph,
  { asked, caller }: { readonly asked: Asked; readonly caller: Caller },
): Promise<CompiledRequest> {
  await graph.compiler.check(asked.query, asked.operationName, heldBy(graph, caller));
  return compiled;
}

async function compileVisible(graph: Graph, asked: Asked, held: string): Promise<CompiledRequest> {
  const { query, operationName, variables } = asked;
  const { compiler, supergraph } = graph;
  const hidden = await compiler.check(query, operationName, held);
  const operation = await compiler.compile(query, operationName);
  if (hidden.length === 0) return { operation, given: variables };
  const given = hideInputs(operation, variables, { schema: supergraph.apiSchema, hidden: new Set(hidden) });
  return { operation, given };
}

/** Messages about the whole schema could name what the caller may not know: those about the view are told instead. */
async function retell(
  error: unknown,
  graph: Graph,
  { asked, caller }: { readonly asked: Asked; readonly caller: Caller },
): Promise<never> {
  if (!(error instanceof GatewayError) || error.code !== 'GRAPHQL_VALIDATION_FAILED') throw error;
  const held = heldBy(graph, caller);
  if (seesAll(held)) throw error;
  await graph.compiler.check(asked.query, asked.operationName, held);
  // Whatever is valid on a view is valid on the whole schema; should that ever fail, nothing is told.
  throw new GatewayError('GRAPHQL_VALIDATION_FAILED');
}
