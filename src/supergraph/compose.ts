import { type CompositionSuccess, composeServices } from '@apollo/composition';
import { type GraphQLError, parse } from 'graphql';
import { type ErrorDetail, GatewayError } from '../errors.ts';

/** One subgraph to compose. */
export interface SubgraphDefinition {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
}

export interface Composed {
  readonly sdl: string;
  readonly hints: CompositionSuccess['hints'];
}

/**
 * Composes subgraphs into a supergraph.
 * Throws: COMPOSITION_FAILED with one line per fault: its code, the subgraphs it concerns, and what is wrong.
 */
export function composeSupergraph(subgraphs: readonly SubgraphDefinition[]): Composed {
  const faults: ErrorDetail[] = nameFaults(subgraphs);
  const services = subgraphs.flatMap(({ name, url, sdl }) => {
    try {
      return [{ name, url, typeDefs: parse(sdl) }];
    } catch (error) {
      faults.push(detail('INVALID_GRAPHQL', [name], error as GraphQLError));
      return [];
    }
  });
  if (faults.length > 0) throw new GatewayError('COMPOSITION_FAILED', { details: faults });
  const result = composeServices(services);
  if (result.errors !== undefined) {
    throw new GatewayError('COMPOSITION_FAILED', { details: result.errors.map(compositionDetail) });
  }
  return { sdl: result.supergraphSdl, hints: result.hints };
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

function compositionDetail(error: GraphQLError): ErrorDetail {
  const code = typeof error.extensions['code'] === 'string' ? error.extensions['code'] : 'INVALID_GRAPHQL';
  const names = (error.nodes ?? []).flatMap((node) => {
    const { subgraph } = node as { readonly subgraph?: unknown };
    return typeof subgraph === 'string' ? [subgraph] : [];
  });
  return detail(code, [...new Set(names)], error);
}

function detail(
  code: string,
  subgraphs: readonly string[],
  { message, locations }: GraphQLError,
): ErrorDetail {
  const where = subgraphs.length === 0 ? '' : ` [${subgraphs.join(', ')}]`;
  return {
    message: `${code}${where} ${message}`,
    ...(locations === undefined
      ? {}
      : { locations: locations.map(({ line, column }) => ({ line, column })) }),
  };
}
