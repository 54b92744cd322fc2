import { type ConstValueNode, DirectiveLocation, Kind, type TypeNode } from 'graphql';
import type { ErrorDetail } from '../errors.ts';
import type { DirectiveUse } from './directive-uses.ts';
import { faultAt } from './fault.ts';
import type { Implementations } from './implementations.ts';
import type { MaskStyle, SensitiveClass, SensitiveRule } from './policy.ts';
import { namedTypeOf, type TypeIndex } from './type-index.ts';

export const SENSITIVE_CLASSES: readonly SensitiveClass[] = [
  'PERSONAL',
  'FINANCIAL',
  'HEALTH',
  'SECRET',
  'CONFIDENTIAL',
];

/** From the strictest on. */
const MASKS: readonly MaskStyle[] = ['FULL', 'HASH', 'PARTIAL'];

/** Reads one `@sensitive`, or says why it cannot be enforced as it stands. */
export function readSensitive(use: DirectiveUse): SensitiveRule | string {
  const onField = use.location === DirectiveLocation.FIELD_DEFINITION;
  const onArgument = use.location === DirectiveLocation.ARGUMENT_DEFINITION && !use.typeName.startsWith('@');
  if (!onField && !onArgument) return `a value of ${use.location} cannot be masked`;
  const given = new Map<string, ConstValueNode>();
  for (const { name, value } of use.node.arguments ?? []) {
    if (name.value !== 'class' && name.value !== 'mask') return `unknown argument ${name.value}`;
    if (given.has(name.value)) return `the argument ${name.value} is given twice`;
    given.set(name.value, value);
  }
  const ofClass = oneOf(SENSITIVE_CLASSES, given.get('class'));
  if (ofClass === null) return `class must be one of ${SENSITIVE_CLASSES.join(', ')}`;
  const mask = given.has('mask') ? oneOf(MASKS, given.get('mask')) : 'FULL';
  if (mask === null) return `mask must be one of ${MASKS.join(', ')}`;
  return Object.freeze({ classes: Object.freeze([ofClass]), mask });
}

/** The rule that holds both: all classes, and the stricter mask. */
export function bothSensitive(a: SensitiveRule | undefined, b: SensitiveRule): SensitiveRule {
  if (a === undefined) return b;
  const classes = SENSITIVE_CLASSES.filter((each) => a.classes.includes(each) || b.classes.includes(each));
  const mask = MASKS.find((each) => a.mask === each || b.mask === each) ?? 'FULL';
  return Object.freeze({ classes: Object.freeze(classes), mask });
}

/**
 * Adds what interfaces say to their implementations, and tells masks that no value of the type could stand for.
 * Invariant: without faults, a masked value always fits its type.
 */
export function carrySensitive(
  target: Map<string, SensitiveRule>,
  rules: ReadonlyMap<string, SensitiveRule>,
  { types, implementations }: { readonly types: TypeIndex; readonly implementations: Implementations },
): ErrorDetail[] {
  for (const [origin, rule] of rules) {
    const [interfaceName = ''] = origin.split('.', 1);
    for (const object of implementations.get(interfaceName) ?? []) {
      const coordinate = `${object}${origin.slice(interfaceName.length)}`;
      target.set(coordinate, bothSensitive(target.get(coordinate), rule));
    }
  }
  return [...target].flatMap(([coordinate, { mask }]) => {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const field = types.composites.get(typeName)?.get(fieldName);
    // An argument is never answered.
    if (field === undefined || coordinate.includes('(')) return [];
    const fault = maskFault(mask, field.type);
    return fault === null ? [] : [faultAt(field, `${coordinate} @sensitive: ${fault}`)];
  });
}

function maskFault(mask: MaskStyle, type: TypeNode): string | null {
  const name = namedTypeOf(type);
  const isText = name === 'String' || name === 'ID';
  if (isText) return null;
  if (mask !== 'FULL') return `the mask ${mask} needs a String or an ID`;
  return isNeverNull(type) ? `no value stands for a ${name} that is never null` : null;
}

function isNeverNull(type: TypeNode): boolean {
  if (type.kind !== Kind.NON_NULL_TYPE) return false;
  return type.type.kind === Kind.LIST_TYPE ? isNeverNull(type.type.type) : true;
}

function oneOf<Name extends string>(names: readonly Name[], value: ConstValueNode | undefined): Name | null {
  return value?.kind === Kind.ENUM ? (names.find((name) => name === value.value) ?? null) : null;
}
