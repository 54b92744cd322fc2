import type { CompositionSuccess } from '@apollo/composition';
import { type DocumentNode, Kind } from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import { type DirectiveUse, directiveUses } from './directive-uses.ts';
import { faultAt } from './fault.ts';
import { directiveNameOf, type Link, ownsDirective } from './link.ts';
import { linkDirectiveName, readLinksNamed } from './links.ts';
import { FEDERATION_IDENTITY, looksLikeRule, PORTCULLIS_IDENTITY, resemblesEnforcedSpec } from './specs.ts';

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
