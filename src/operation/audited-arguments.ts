import { hash } from 'node:crypto';
import {
  type GraphQLArgument,
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
  isListType,
  isNonNullType,
  Kind,
  type ValueNode,
  valueFromAST,
  valueFromASTUntyped,
} from 'graphql';
import type { SecurityPolicy } from '../supergraph/policy.ts';
import { type ArgumentValue, literalOf } from './argument-value.ts';
import { treatmentOf } from './audit-rules.ts';
import { anyOf } from './condition-table.ts';
import type { FieldUse, Position } from './expand.ts';
import type { AuditedArgument, OperationFacts } from './operation.ts';

/** Arguments of one operation that are recorded; those beyond are counted. */
export const AUDITED_ARGUMENTS_MAX = 500;

type AuditedArguments = OperationFacts['auditedArguments'];

const NONE: AuditedArguments = Object.freeze({ listed: Object.freeze([]), truncated: 0 });

/** What is said of a value that nothing is said of: it was given. */
const GIVEN: ArgumentValue = Object.freeze({ kind: 'literal', text: '' });

/** Finds the arguments whose uses the schema wants recorded, given or by default, under whatever alias or fragment. */
export function auditedArguments(
  root: Position,
  coordinates: readonly string[],
  policy: Pick<SecurityPolicy, 'audit' | 'sensitive'>,
): AuditedArguments {
  if (policy.audit.size === 0) return NONE;
  const slots = new Map(coordinates.map((coordinate, slot) => [coordinate, slot]));
  const found = new Map<string, { readonly entry: AuditedArgument; readonly whens: (readonly number[])[] }>();
  const values = new ValueIndex();
  let truncated = 0;
  const visit = (use: FieldUse): void => {
    for (const [typeName, field] of use.on) {
      const slot = slots.get(`${typeName}.${use.name}`);
      if (slot === undefined) continue;
      for (const argument of field.args) {
        const treatment = treatmentOf(policy, `${typeName}.${use.name}(${argument.name}:)`);
        const given = treatment === null ? null : givenTo(use, argument, { treatment, values });
        if (treatment === null || given === null) continue;
        const how = { slot, name: argument.name, treatment, isId: isIdLike(argument), when: null };
        const entry = { ...how, ...given };
        const key = JSON.stringify([how, values.digestOf(given.value), values.digestOf(given.fallback)]);
        const known = found.get(key);
        if (known !== undefined) known.whens.push(use.when);
        else if (found.size < AUDITED_ARGUMENTS_MAX) found.set(key, { entry, whens: [use.when] });
        else truncated += 1;
      }
    }
    for (const child of use.children?.uses ?? []) visit(child);
  };
  for (const use of root.uses) visit(use);
  const listed = [...found.values()].map(({ entry, whens }) => ({ ...entry, when: anyOf(whens) }));
  return { listed, truncated };
}

/** What an argument gets; null where it gets nothing, whatever the variables. */
function givenTo(
  use: FieldUse,
  { name, type, defaultValue }: GraphQLArgument,
  how: { readonly treatment: AuditedArgument['treatment']; readonly values: ValueIndex },
): Pick<AuditedArgument, 'value' | 'fallback'> | null {
  const isRedacted = how.treatment === 'redact';
  const fallback = defaultValue === undefined ? null : isRedacted ? GIVEN : literalOf(defaultValue);
  const node = use.node.arguments?.find((each) => each.name.value === name)?.value;
  if (node === undefined) return fallback === null ? null : { value: fallback, fallback };
  if (isRedacted && node.kind !== Kind.VARIABLE) return { value: GIVEN, fallback };
  return { value: how.values.of(node, type), fallback };
}

/** Names what can be counted up or guessed: an ID, or an argument that says that it is one. */
function isIdLike({ name, type }: GraphQLArgument): boolean {
  return getNamedType(type).name === 'ID' || /(?:^id|Id|ID|_id)s?$/u.test(name);
}

/**
 * Reads each literal once for each type that it is meant as, and tells it from others by a digest that is made once: a large one
 * stands on every implementation of an interface, wherever its fragment is spread.
 */
class ValueIndex {
  readonly #values = new Map<ValueNode, Map<string, ArgumentValue>>();
  readonly #digests = new Map<ArgumentValue, string>();

  of(node: ValueNode, type: GraphQLInputType): ArgumentValue {
    const ofNode = this.#values.get(node) ?? new Map<string, ArgumentValue>();
    this.#values.set(node, ofNode);
    const value = ofNode.get(String(type)) ?? builtFrom(node, type);
    ofNode.set(String(type), value);
    return value;
  }

  digestOf(value: ArgumentValue | null): string {
    if (value === null) return '';
    const digest = this.#digests.get(value) ?? hash('sha256', JSON.stringify(value));
    this.#digests.set(value, digest);
    return digest;
  }
}

function builtFrom(node: ValueNode, type: GraphQLInputType): ArgumentValue {
  if (node.kind === Kind.VARIABLE) return { kind: 'variable', name: node.name.value };
  if (!holdsVariable(node)) return literalOf(valueFromAST(node, type));
  if (isNonNullType(type)) return builtFrom(node, type.ofType);
  if (isListType(type)) {
    const items = node.kind === Kind.LIST ? node.values : [node];
    return { kind: 'list', items: items.map((item) => builtFrom(item, type.ofType)) };
  }
  if (!isInputObjectType(type) || node.kind !== Kind.OBJECT) return untyped(node);
  const given = new Map(node.fields.map((field) => [field.name.value, field.value]));
  return objectOf(
    Object.values(type.getFields()).flatMap(({ name, type: of, defaultValue }) => {
      const fallback = defaultValue === undefined ? null : literalOf(defaultValue);
      const value = given.get(name);
      if (value !== undefined) return [[name, builtFrom(value, of), fallback] as const];
      return fallback === null ? [] : [[name, fallback, null] as const];
    }),
  );
}

/** A literal of a scalar that the schema defines itself, with variables in it. */
function untyped(node: ValueNode): ArgumentValue {
  if (node.kind === Kind.VARIABLE) return { kind: 'variable', name: node.name.value };
  if (node.kind === Kind.LIST) return { kind: 'list', items: node.values.map(untyped) };
  if (node.kind !== Kind.OBJECT) return literalOf(valueFromASTUntyped(node));
  return objectOf(node.fields.map(({ name, value }) => [name.value, untyped(value), null]));
}

function objectOf(fields: Extract<ArgumentValue, { kind: 'object' }>['fields']): ArgumentValue {
  return { kind: 'object', fields: fields.toSorted(([one], [other]) => (one < other ? -1 : 1)) };
}

function holdsVariable(node: ValueNode): boolean {
  if (node.kind === Kind.LIST) return node.values.some(holdsVariable);
  if (node.kind === Kind.OBJECT) return node.fields.some(({ value }) => holdsVariable(value));
  return node.kind === Kind.VARIABLE;
}
