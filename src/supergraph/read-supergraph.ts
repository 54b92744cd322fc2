import { createHash } from 'node:crypto';
import { errorCauses, Supergraph as FederationSupergraph } from '@apollo/federation-internals';
import { type DocumentNode, GraphQLError, parse, print, validateSchema } from 'graphql';
import { type ErrorDetail, GatewayError } from '../errors.ts';
import { hideInputs, revealToPlanner } from './client-schema.ts';
import { readCostRules } from './cost-rules.ts';
import { extractPolicy } from './extract.ts';
import { readLinks } from './links.ts';
import type { SecurityPolicy } from './policy.ts';
import { stripRules } from './strip.ts';
import type { SubgraphEntry, Supergraph } from './supergraph.ts';
import { readTags } from './tags.ts';

/** Largest supergraph that is read; a larger one is a mistake rather than a graph. Units: bytes of UTF-8. */
export const SUPERGRAPH_BYTES_MAX = 50 * 1024 * 1024;

/** Most faults that are told at once. */
export const FAULTS_MAX = 200;

/**
 * Reads a composed supergraph into all that the gateway needs of it, or tells every reason why it cannot be enforced.
 * Throws: SUPERGRAPH_INVALID.
 */
export function readSupergraph(sdl: string): Supergraph {
  const document = parseSupergraph(sdl);
  const { links, faults: linkFaults } = readLinks(document);
  const { policy, faults: ruleFaults } = extractPolicy(document, links);
  const { rules: costRules, faults: costFaults } = readCostRules(document, links);
  const built = linkFaults.length === 0 ? build(document, policy) : [];
  const faults = [...linkFaults, ...ruleFaults, ...costFaults, ...(Array.isArray(built) ? built : [])];
  if (faults.length > 0 || Array.isArray(built)) throw invalid(faults);
  return Object.freeze({
    id: createHash('sha256').update(sdl).digest('hex'),
    sdl,
    strippedSdl: print(stripRules(revealToPlanner(document, links, policy), links)),
    apiSchema: built.apiSchema,
    policy,
    costRules,
    tags: readTags(document, links),
    subgraphs: built.subgraphs,
  });
}

function parseSupergraph(sdl: string): DocumentNode {
  if (Buffer.byteLength(sdl) > SUPERGRAPH_BYTES_MAX) {
    throw invalid([{ message: `the supergraph is larger than ${SUPERGRAPH_BYTES_MAX} bytes` }]);
  }
  try {
    return parse(sdl);
  } catch (error) {
    throw invalid(faultsOf(error), error);
  }
}

/** What Apollo's library makes of the supergraph, or its faults; what it does not understand was refused before. */
function build(
  document: DocumentNode,
  policy: SecurityPolicy,
): Pick<Supergraph, 'apiSchema' | 'subgraphs'> | ErrorDetail[] {
  try {
    const supergraph = FederationSupergraph.build(document, { supportedFeatures: null });
    const clientSchema = supergraph.apiSchema();
    hideInputs(clientSchema, policy);
    const apiSchema = clientSchema.toGraphQLJSSchema({ includeDefer: true });
    const subgraphs = supergraph.subgraphsMetadata().map(({ name, url }) => Object.freeze({ name, url }));
    const faults = [...validateSchema(apiSchema).flatMap(faultsOf), ...nameFaults(subgraphs)];
    return faults.length > 0 ? faults : { apiSchema, subgraphs: Object.freeze(subgraphs) };
  } catch (error) {
    return faultsOf(error);
  }
}

/** Subgraphs are configured, trusted and audited by name; that no two share one is checked by Apollo's library. */
function nameFaults(subgraphs: readonly SubgraphEntry[]): ErrorDetail[] {
  return subgraphs.some(({ name }) => name.trim() === '') ? [{ message: 'a subgraph has no name' }] : [];
}

function faultsOf(error: unknown): ErrorDetail[] {
  const causes = error instanceof Error ? (errorCauses(error) ?? [error]) : [];
  if (causes.length === 0) return [{ message: 'the supergraph cannot be read' }];
  return causes.map((cause) =>
    cause instanceof GraphQLError && cause.locations !== undefined
      ? { message: cause.message, locations: cause.locations }
      : { message: cause.message },
  );
}

function invalid(faults: readonly ErrorDetail[], cause?: unknown): GatewayError {
  const rest = faults.length - FAULTS_MAX;
  const told = faults.slice(0, FAULTS_MAX);
  const details = rest > 0 ? [...told, { message: `and ${rest} more` }] : told;
  return new GatewayError('SUPERGRAPH_INVALID', { details, cause });
}
