import { FeatureUrl } from '@apollo/federation-internals';
import { type DirectiveNode, type DocumentNode, Kind } from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import { faultAt } from './fault.ts';
import type { Link } from './link.ts';
import { linkArguments } from './link-arguments.ts';
import { linkConflicts } from './link-conflicts.ts';
import { CORE_IDENTITY, KNOWN_SPECS, LINK_IDENTITY, resemblesEnforcedSpec } from './specs.ts';

/** What a schema links, and every reason why that cannot be relied on. */
export interface LinksRead {
  readonly links: readonly Link[];
  readonly faults: readonly ErrorDetail[];
}

/**
 * Reads the links of a supergraph, through whatever name it gave `@link` itself.
 * Invariant: without faults, every linked rule is known by its local name, and nothing unknown claims security.
 */
export function readLinks(document: DocumentNode): LinksRead {
  const applications = schemaDirectives(document);
  const bootstraps = applications.filter((node) => linkNameGivenBy(node) === node.name.value);
  const [bootstrap] = bootstraps;
  if (bootstrap === undefined) return { links: [], faults: [notLinked(applications)] };
  const { links, faults } = readLinksNamed(document, bootstrap.name.value);
  const extra = bootstraps
    .slice(1)
    .filter((node) => node.name.value !== bootstrap.name.value)
    .map((node) => faultAt(node, `${LINK_IDENTITY} is linked a second time, as @${node.name.value}`));
  return { links, faults: [...extra, ...faults, ...links.flatMap(linkFaults), ...linkConflicts(links)] };
}

/** Local name of `@link` where a schema links the link specification itself; null where it does not. */
export function linkDirectiveName(document: DocumentNode): string | null {
  const bootstrap = schemaDirectives(document).find((node) => linkNameGivenBy(node) === node.name.value);
  return bootstrap?.name.value ?? null;
}

/** Reads the links of any schema whose link directive has a known name; judges their form only. */
export function readLinksNamed(document: DocumentNode, linkDirective: string): LinksRead {
  const links: Link[] = [];
  const faults: ErrorDetail[] = [];
  for (const node of schemaDirectives(document)) {
    if (node.name.value !== linkDirective) continue;
    const given = linkArguments(node);
    faults.push(...given.faults);
    const url = given.url === null ? undefined : FeatureUrl.maybeParse(given.url, node);
    if (url === undefined) {
      if (given.url !== null) faults.push(faultAt(node, `@${linkDirective}: the url names no specification`));
      continue;
    }
    links.push({
      identity: url.identity,
      name: url.name,
      version: url.version.toString(),
      alias: given.alias ?? url.name,
      purpose: given.purpose,
      imports: given.imports,
      known: KNOWN_SPECS.get(url.identity) ?? null,
      node,
    });
  }
  return { links, faults };
}

/** Applications of directives to the schema, extensions included. */
function schemaDirectives(document: DocumentNode): DirectiveNode[] {
  return document.definitions.flatMap((definition) =>
    definition.kind === Kind.SCHEMA_DEFINITION || definition.kind === Kind.SCHEMA_EXTENSION
      ? (definition.directives ?? [])
      : [],
  );
}

/** The name that an application which links the link specification gives to it; null for any other application. */
function linkNameGivenBy(node: DirectiveNode): string | null {
  const url = stringArgument(node, 'url');
  if (url === null || FeatureUrl.maybeParse(url)?.identity !== LINK_IDENTITY) return null;
  return stringArgument(node, 'as') ?? 'link';
}

function stringArgument(node: DirectiveNode, name: string): string | null {
  const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : null;
}

function notLinked(applications: readonly DirectiveNode[]): ErrorDetail {
  for (const node of applications) {
    const feature = stringArgument(node, 'feature');
    if (feature !== null && FeatureUrl.maybeParse(feature)?.identity === CORE_IDENTITY) {
      return faultAt(
        node,
        'this is a supergraph of federation 1 (@core), which carries no rules: compose it with federation 2',
      );
    }
  }
  return { message: `this is not a supergraph: its schema does not link ${LINK_IDENTITY}/v1.0` };
}

/** Faults of one link: specifications that cannot be honoured, and imports of what they lack. */
function linkFaults(link: Link): ErrorDetail[] {
  const url = `${link.identity}/${link.version}`;
  if (link.known === null) {
    if (link.purpose !== null) {
      return [faultAt(link.node, `${url} is linked for ${link.purpose}, and this gateway does not know it`)];
    }
    const resembles = resemblesEnforcedSpec(link.identity);
    return resembles ? [faultAt(link.node, `${url} resembles a known specification and is none`)] : [];
  }
  if (!link.known.versions.has(link.version)) {
    const versions = [...link.known.versions].join(', ');
    return [faultAt(link.node, `${url}: this version is not known; known are ${versions}`)];
  }
  const faults: ErrorDetail[] = [];
  const { elements, enforced } = link.known;
  for (const element of elements === null ? [] : link.imports.keys()) {
    if (!elements?.has(element))
      faults.push(faultAt(link.node, `${url} has no element ${element} to import`));
  }
  // Prefixed names are split at their first double underscore, and GraphQL names have no dot or hyphen.
  if (enforced && !/^(?!.*__)[A-Za-z_][A-Za-z0-9_]*(?<!_)$/.test(link.alias)) {
    faults.push(faultAt(link.node, `${url} cannot be linked as "${link.alias}": the name is ambiguous`));
  }
  return faults;
}
