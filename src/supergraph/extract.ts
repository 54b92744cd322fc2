import { FeatureUrl } from '@apollo/federation-internals';
import { DirectiveLocation, type DocumentNode, visit } from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import { carryAudit, readAudit } from './audit-rule.ts';
import { carryConstraints, carryRequirements } from './carry-interface-rules.ts';
import { customScalars, readConstraint } from './constraint.ts';
import { type DirectiveUse, directiveUses } from './directive-uses.ts';
import { faultAt } from './fault.ts';
import { carryHiddenInputs } from './hidden-inputs.ts';
import { implementationsOf } from './implementations.ts';
import { directiveNameOf, type Link, ownsDirective, specDirectiveOf } from './link.ts';
import type {
  AuditRule,
  Constraint,
  HiddenInput,
  Requirement,
  SecurityPolicy,
  SensitiveRule,
} from './policy.ts';
import { bothRequirements, NO_REQUIREMENT } from './requirement.ts';
import { RULE_ARGUMENTS, readRequirement } from './requirement-rule.ts';
import { bothSensitive, carrySensitive, readSensitive } from './sensitive-rule.ts';
import {
  JOIN_IDENTITY,
  KNOWN_SPECS,
  looksLikeRule,
  PORTCULLIS_DIRECTIVES,
  resemblesEnforcedSpec,
} from './specs.ts';
import { readStepUp } from './step-up-rule.ts';
import { readHiddenInput, readTenantField } from './tenant-rules.ts';
import { indexTypes, type TypeIndex } from './type-index.ts';

/** The policy of a supergraph, and every reason why it is not all that the supergraph asks for. */
export interface PolicyRead {
  readonly policy: SecurityPolicy;
  readonly faults: readonly ErrorDetail[];
}

/** Rules by coordinate. */
interface Rules {
  readonly types: Map<string, Requirement>;
  readonly fields: Map<string, Requirement>;
  readonly constraints: Map<string, Constraint>;
  readonly hidden: Map<string, HiddenInput>;
  readonly tenantFields: Map<string, string>;
  readonly sensitive: Map<string, SensitiveRule>;
  readonly audit: Map<string, AuditRule>;
}

/** What reading an application needs and where it puts what it read. */
interface Extraction {
  readonly links: readonly Link[];
  readonly enforcedOwner: (name: string) => Link | null;
  readonly scalars: ReadonlySet<string>;
  readonly schemaTypes: TypeIndex;
  readonly concrete: Rules;
  readonly onInterfaces: Rules;
  readonly seen: Set<string>;
}

const emptyRules = (): Rules => ({
  types: new Map(),
  fields: new Map(),
  constraints: new Map(),
  hidden: new Map(),
  tenantFields: new Map(),
  sensitive: new Map(),
  audit: new Map(),
});

/**
 * Reads every rule out of a supergraph, by the names its links give them.
 * Invariant: each application of a linked rule ends as a rule of the policy or as a fault.
 */
export function extractPolicy(document: DocumentNode, links: readonly Link[]): PolicyRead {
  const faults: ErrorDetail[] = [];
  const extraction: Extraction = {
    links,
    enforcedOwner: ownerIndex(links.filter((link) => link.known?.enforced === true)),
    scalars: customScalars(document),
    schemaTypes: indexTypes(document),
    concrete: emptyRules(),
    onInterfaces: emptyRules(),
    seen: new Set(),
  };
  let understood = 0;
  for (const use of directiveUses(document)) {
    const link = extraction.enforcedOwner(use.node.name.value);
    if (link !== null) understood += 1;
    const fault = link === null ? hiddenRule(use, extraction) : record(use, link, extraction);
    if (fault !== null) faults.push(faultAt(use.node, `${use.coordinate} @${use.node.name.value}: ${fault}`));
  }
  const applied = countApplications(document, extraction.enforcedOwner);
  if (applied !== understood) {
    faults.push({ message: `${applied} rules are applied and ${understood} were understood` });
  }
  const implementations = implementationsOf(document, links);
  const { concrete, onInterfaces, schemaTypes: types } = extraction;
  carryAudit(concrete.audit, onInterfaces.audit, implementations);
  faults.push(
    ...carryRequirements(concrete.types, onInterfaces.types, implementations),
    ...carryRequirements(concrete.fields, onInterfaces.fields, implementations),
    ...carryConstraints(concrete.constraints, onInterfaces.constraints, implementations),
    ...carrySensitive(concrete.sensitive, onInterfaces.sensitive, { types, implementations }),
    ...carryHiddenInputs(concrete.hidden, onInterfaces.hidden, { document, links, types, implementations }),
  );
  return { policy: Object.freeze(concrete), faults };
}

/** Puts one application where it holds; returns the fault where it cannot be enforced. */
function record(use: DirectiveUse, link: Link, extraction: Extraction): string | null {
  const { coordinate, inInterface, location } = use;
  const directive = specDirectiveOf(link, use.node.name.value);
  if (directive === null) return `${link.identity} has no directive of this name`;
  const isRule = RULE_ARGUMENTS.has(directive);
  if (!isRule && PORTCULLIS_DIRECTIVES.get(directive) !== true)
    return 'this version does not enforce this directive';
  const key = `${coordinate} ${use.node.name.value}`;
  if (extraction.seen.has(key) && directive !== 'sensitive') return 'the rule is given twice';
  extraction.seen.add(key);
  const rules = inInterface ? extraction.onInterfaces : extraction.concrete;
  if (!isRule && directive !== 'stepUp') return recordOwn(use, { directive, rules, extraction });
  const requirement = isRule ? readRequirement(use, directive) : readStepUp(use);
  if (typeof requirement === 'string') return requirement;
  const target = location === DirectiveLocation.FIELD_DEFINITION ? rules.fields : rules.types;
  target.set(coordinate, bothRequirements(target.get(coordinate) ?? NO_REQUIREMENT, requirement));
  return null;
}

/** Puts one application of our own specification where it holds; returns the fault where it cannot be enforced. */
function recordOwn(
  use: DirectiveUse,
  at: { readonly directive: string; readonly rules: Rules; readonly extraction: Extraction },
): string | null {
  const { directive, rules, extraction } = at;
  if (directive === 'fromPrincipal') {
    const input = readHiddenInput(use);
    if (typeof input === 'string') return input;
    rules.hidden.set(use.coordinate, input);
    return null;
  }
  if (directive === 'tenantScoped') {
    const owner = readTenantField(use, extraction.schemaTypes);
    if (typeof owner === 'string') return owner;
    rules.tenantFields.set(use.coordinate, owner.field);
    return null;
  }
  if (directive === 'sensitive') {
    const rule = readSensitive(use);
    if (typeof rule === 'string') return rule;
    rules.sensitive.set(use.coordinate, bothSensitive(rules.sensitive.get(use.coordinate), rule));
    return null;
  }
  if (directive === 'audit') {
    const rule = readAudit(use);
    if (typeof rule === 'string') return rule;
    rules.audit.set(use.coordinate, rule);
    return null;
  }
  const constraint = readConstraint(use, extraction.scalars);
  if (typeof constraint === 'string') return constraint;
  rules.constraints.set(use.coordinate, constraint);
  return null;
}

/** What hides a rule in a directive that no enforced specification owns; null where nothing is hidden. */
function hiddenRule({ node }: DirectiveUse, { links, enforcedOwner }: Extraction): string | null {
  const name = node.name.value;
  const owner = links.find((link) => ownsDirective(link, name));
  if (owner === undefined) {
    return looksLikeRule(name) ? 'this looks like a rule, and no linked specification defines it' : null;
  }
  if (owner.identity !== JOIN_IDENTITY || name !== directiveNameOf(owner, 'directive')) return null;
  // Composition carries directives of some subgraphs as data, their links included: no rule may travel that way.
  let carriesRule = false;
  visit(node, {
    StringValue({ value }) {
      carriesRule ||= looksLikeRule(value) || enforcedOwner(value) !== null || linksEnforcedSpec(value);
    },
  });
  return carriesRule ? 'a rule carried for one subgraph only cannot be enforced' : null;
}

function linksEnforcedSpec(url: string): boolean {
  const identity = FeatureUrl.maybeParse(url)?.identity;
  return identity !== undefined && (KNOWN_SPECS.get(identity)?.enforced ?? resemblesEnforcedSpec(identity));
}

/** Counts applications without knowing where directives may stand: what the walk above must also have seen. */
function countApplications(document: DocumentNode, ownerOf: (name: string) => Link | null): number {
  let count = 0;
  visit(document, {
    Directive({ name }) {
      if (ownerOf(name.value) !== null) count += 1;
    },
  });
  return count;
}

/** Finds the link that owns a directive name; a supergraph has few names and very many applications. */
function ownerIndex(links: readonly Link[]): (name: string) => Link | null {
  const owners = new Map<string, Link | null>();
  return (name) => {
    const known = owners.get(name);
    if (known !== undefined) return known;
    const owner = links.find((link) => ownsDirective(link, name)) ?? null;
    owners.set(name, owner);
    return owner;
  };
}
