import { type CompositionSuccess, composeServices } from '@apollo/composition';
import { type DocumentNode, GraphQLError, parse } from 'graphql';
import { type ErrorDetail, GatewayError } from '../errors.ts';
import { conflictingRules, droppedInputs, lostRules } from './composition-losses.ts';

/** One subgraph to compose. */
export interface SubgraphDefinition {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
}

/** What composition made: the supergraph, and what it had to say about it. */
export interface Composed {
  readonly sdl: string;
  readonly hints: CompositionSuccess['hints'];
}

/** A subgraph whose schema parses. */
interface ParsedSubgraph {
  readonly name: string;
  readonly url: string;
  readonly typeDefs: DocumentNode;
}

/**
 * Composes subgraphs into a supergraph, and refuses compositions that would lose a rule one of them states.
 * Throws: COMPOSITION_FAILED with one line per fault: its code, the subgraphs it concerns, and what is wrong.
 */
export function composeSupergraph(subgraphs: readonly SubgraphDefinition[]): Composed {
  const faults: ErrorDetail[] = nameFaults(subgraphs);
  const services = subgraphs.flatMap((subgraph) => parsed(subgraph, faults));
  for (const { name, typeDefs } of services) faults.push(...lostRules(name, typeDefs));
  if (faults.length > 0) throw failed(faults);
  const { supergraphSdl, hints } = composed(services);
  const supergraph = parse(supergraphSdl);
  const losses = [
    ...conflictingRules(hints, supergraph),
    ...services.flatMap(({ name, typeDefs }) => droppedInputs(name, typeDefs, supergraph)),
  ];
  if (losses.length > 0) throw failed(losses);
  return { sdl: supergraphSdl, hints };
}

function parsed({ name, url, sdl }: SubgraphDefinition, faults: ErrorDetail[]): ParsedSubgraph[] {
  try {
    return [{ name, url, typeDefs: parse(sdl) }];
  } catch (error) {
    faults.push(detail('INVALID_GRAPHQL', [name], error));
    return [];
  }
}

function composed(services: ParsedSubgraph[]): CompositionSuccess {
  let result: ReturnType<typeof composeServices>;
  try {
    result = composeServices(services);
  } catch (cause) {
    // Composition reports what it foresees; what it throws is about the schemas all the same.
    throw failed([detail('INTERNAL', [], cause)], cause);
  }
  if (result.errors !== undefined) {
    const names = services.map(({ name }) => name);
    throw failed(result.errors.map((error) => compositionDetail(error, names)));
  }
  return result;
}

function nameFaults(subgraphs: readonly SubgraphDefinition[]): ErrorDetail[] {
  const faults: ErrorDetail[] = [];
  if (subgraphs.length === 0) faults.push({ message: 'there is no subgraph to compose' });
  const seen = new Set<string>();
  for (const { name } of subgraphs) {
    if (name.trim() === '') faults.push({ message: 'a subgraph has no name' });
    else if (seen.has(name)) faults.push({ message: `two subgraphs are named ${name}` });
    seen.add(name);
  }
  return faults;
}

/** Composition marks the nodes of most errors with their subgraph, and only names the subgraphs in the rest. */
function compositionDetail(error: GraphQLError, subgraphs: readonly string[]): ErrorDetail {
  const code = typeof error.extensions['code'] === 'string' ? error.extensions['code'] : 'INVALID_GRAPHQL';
  const marked = new Set((error.nodes ?? []).map((node) => ('subgraph' in node ? node.subgraph : null)));
  const concerned = subgraphs.filter((name) => marked.has(name) || error.message.includes(`"${name}"`));
  return detail(code, concerned, error);
}

function detail(code: string, subgraphs: readonly string[], error: unknown): ErrorDetail {
  const where = subgraphs.length === 0 ? '' : ` [${subgraphs.join(', ')}]`;
  const text = error instanceof Error ? error.message : 'the subgraphs cannot be composed';
  const message = `${code}${where} ${text}`;
  const locations = error instanceof GraphQLError ? error.locations : undefined;
  return locations === undefined ? { message } : { message, locations };
}

function failed(details: readonly ErrorDetail[], cause?: unknown): GatewayError {
  return new GatewayError('COMPOSITION_FAILED', { details, cause });
}
