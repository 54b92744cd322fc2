import type { CompositionSuccess } from '@apollo/composition';
import { type DocumentNode, Kind } from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import { type DirectiveUse, directiveUses } from './directive-uses.ts';
import { faultAt } from './fault.ts';
import { directiveNameOf, type Link, ownsDirective, specDirectiveOf } from './link.ts';
import { linkDirectiveName, readLinksNamed } from './links.ts';
import { FEDERATION_IDENTITY, looksLikeRule, PORTCULLIS_IDENTITY, resemblesEnforcedSpec } from './specs.ts';
import { indexTypes } from './type-index.ts';

/**
 * Rules in a subgraph that composition would drop without a word: directives of our specification that the subgraph
 * does not compose, and directives spelled like a rule of federation that are none.
 * Source: composition keeps its own directives and those named by `@composeDirective`, and forgets every other.
 */
export function lostRules(subgraph: string, document: DocumentNode): ErrorDetail[] {
  const { links } = readLinksNamed(document, linkDirectiveName(document) ?? 'link');
  const uses = directiveUses(document);
  const composed = composedNames(uses, links);
  return uses.flatMap((use) => {
    const name = use.node.name.value;
    const owner = links.find((link) => ownsDirective(link, name));
    const fault = (code: string, reason: string) => [
      faultAt(use.node, `${code} [${subgraph}] ${use.coordinate} @${name}: ${reason}`),
    ];
    if (owner === undefined) {
      return looksLikeRule(name) ? fault('RULE_NOT_LINKED', 'no link of the subgraph defines this rule') : [];
    }
    const isOurs = owner.identity === PORTCULLIS_IDENTITY || resemblesEnforcedSpec(owner.identity);
    return isOurs && !composed.has(name)
      ? fault('RULE_NOT_COMPOSED', `add @composeDirective(name: "@${name}") to the schema`)
      : [];
  });
}

/** Local names of the directives that a subgraph asks composition to keep. */
function composedNames(uses: readonly DirectiveUse[], links: readonly Link[]): Set<string> {
  const federation = links.find(({ identity }) => identity === FEDERATION_IDENTITY);
  const names = new Set<string>();
  if (federation === undefined) return names;
  for (const { node } of uses) {
    if (node.name.value !== directiveNameOf(federation, 'composeDirective')) continue;
    const value = node.arguments?.find(({ name }) => name.value === 'name')?.value;
    if (value?.kind === Kind.STRING && value.value.startsWith('@')) names.add(value.value.slice(1));
  }
  return names;
}

/**
 * Inputs that a subgraph has filled from the principal and that composition dropped: without them it would be asked for
 * the same field with nothing filled in.
 * Source: composition keeps an optional argument or input field only where every subgraph of its field has it.
 */
export function droppedInputs(
  subgraph: string,
  document: DocumentNode,
  supergraph: DocumentNode,
): ErrorDetail[] {
  const kept = new Set(hiddenInputs(supergraph).map(({ coordinate }) => coordinate));
  const { roots } = indexTypes(document);
  return hiddenInputs(document).flatMap(({ node, coordinate, typeName }) => {
    const root = roots.get(typeName);
    const composed =
      root === undefined ? coordinate : `${ROOT_NAMES[root]}${coordinate.slice(typeName.length)}`;
    if (kept.has(composed)) return [];
    const reason = 'composition drops this input: declare it in every subgraph of its field, or require it';
    return [faultAt(node, `RULE_DROPPED [${subgraph}] ${coordinate} @${node.name.value}: ${reason}`)];
  });
}

const ROOT_NAMES = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const;

function hiddenInputs(document: DocumentNode): DirectiveUse[] {
  const { links } = readLinksNamed(document, linkDirectiveName(document) ?? 'link');
  const link = links.find(({ identity }) => identity === PORTCULLIS_IDENTITY);
  return link === undefined
    ? []
    : directiveUses(document).filter(
        ({ node }) => specDirectiveOf(link, node.name.value) === 'fromPrincipal',
      );
}

/**
 * Rules that subgraphs state differently for one coordinate, and that composition settled by taking the most frequent.
 * Federation's own rules are merged by AND and do not come here.
 */
export function conflictingRules(
  hints: CompositionSuccess['hints'],
  supergraph: DocumentNode,
): ErrorDetail[] {
  const { links } = readLinksNamed(supergraph, linkDirectiveName(supergraph) ?? 'link');
  const enforced = links.filter((link) => link.known?.enforced === true);
  return hints
    .filter(({ definition, message }) => {
      if (definition.code !== 'INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS') return false;
      // A hint whose directive cannot be told may be about a rule.
      const name = /directive @(\w+) is applied/.exec(message)?.[1];
      return name === undefined || enforced.some((link) => ownsDirective(link, name));
    })
    .map(({ message }) => ({ message: `RULE_CONFLICT ${message}` }));
}
