import {
  type FragmentDefinitionNode,
  type GraphQLSchema,
  isAbstractType,
  isObjectType,
  Kind,
  parse,
  type SelectionSetNode,
} from 'graphql';
import type { AuditLevel, SecurityPolicy } from '../supergraph/policy.ts';
import { auditRuleOf } from './audit-rules.ts';
import type { AuditedFields } from './operation.ts';
import { type FetchStep, fetchesOf, type Plan } from './plan.ts';
import type { FieldShape, ObjectShape } from './shape.ts';

/** A variant, as far as it tells what becomes of the operation's coordinates. */
export interface AuditedParts {
  readonly shape: ObjectShape;
  readonly plan: Plan | null;
  readonly coordinates: readonly string[];
}

/** Works out once what every event of a variant refers to. */
export function auditedFields(
  { shape, plan, coordinates }: AuditedParts,
  {
    schema,
    policy,
  }: { readonly schema: GraphQLSchema; readonly policy: Pick<SecurityPolicy, 'sensitive' | 'audit'> },
): AuditedFields {
  const reached = reachedSlots(shape);
  const fetches = plan === null ? [] : fetchesOf(plan);
  const levelled = slotsByLevel(coordinates, policy);
  const unrecorded = levelled.get('NONE');
  const full = new Set(levelled.get('FULL'));
  const brought = fetches.map((fetch) => ({
    subgraph: fetch.subgraph,
    coordinates: [...slotsBrought(fetch, shape, schema)].sort((a, b) => a - b),
  }));
  const timed = brought.flatMap(({ coordinates: slots }, index) =>
    slots.some((slot) => full.has(slot)) ? [index] : [],
  );
  return {
    refused: coordinates.flatMap((_, slot) => {
      const because = reached.get(slot) ?? null;
      return because === null ? [] : [{ slot, because }];
    }),
    unreached: coordinates.flatMap((_, slot) => (reached.has(slot) ? [] : [slot])),
    sensitive: coordinates.flatMap((coordinate, slot) => {
      const classes = policy.sensitive.get(coordinate)?.classes;
      return classes === undefined ? [] : [{ slot, classes }];
    }),
    ...(unrecorded === undefined ? {} : { unrecorded }),
    plan: brought,
    ...(timed.length === 0 ? {} : { timed }),
  };
}

/** Coordinates of which the schema says how they are recorded, by the level. */
function slotsByLevel(
  coordinates: readonly string[],
  policy: Pick<SecurityPolicy, 'audit'>,
): ReadonlyMap<AuditLevel, readonly number[]> {
  if (policy.audit.size === 0) return new Map();
  return Map.groupBy(coordinates.keys(), (slot) => auditRuleOf(policy, coordinates[slot] ?? '').level);
}

/** Coordinates that are judged, each with what refuses it; null where it is permitted anywhere. */
function reachedSlots(root: ObjectShape): ReadonlyMap<number, string | null> {
  const reached = new Map<number, string | null>();
  const seen = new Set<ObjectShape>();
  const visit = (shape: ObjectShape): void => {
    if (seen.has(shape)) return;
    seen.add(shape);
    for (const { fields, denied } of shape.types.values()) {
      for (const field of fields) {
        const refusal = denied ?? field.denied;
        if (field.slot !== undefined && reached.get(field.slot) !== null)
          reached.set(field.slot, refusal?.coordinate ?? null);
        if (refusal === null && field.child !== null) visit(field.child);
      }
    }
  };
  visit(root);
  return reached;
}

/** Coordinates that a fetch asks its subgraph for. What only the planner needs, keys for the most part, is not among them. */
export function slotsBrought(
  fetch: FetchStep,
  root: ObjectShape,
  schema: GraphQLSchema,
): ReadonlySet<number> {
  const brought = new Set<number>();
  const renamed = new Map(
    fetch.outputRewrites.flatMap(({ key, change }) =>
      change.kind === 'rename' ? [[key, change.to] as const] : [],
    ),
  );
  const { definitions } = parse(fetch.query, { noLocation: true });
  const fragments = new Map(
    definitions.flatMap((each): [string, FragmentDefinitionNode][] =>
      each.kind === Kind.FRAGMENT_DEFINITION ? [[each.name.value, each]] : [],
    ),
  );
  const walk = (set: SelectionSetNode, at: Place): void => {
    for (const selection of set.selections) {
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        walk(selection.selectionSet, narrowed(at, selection.typeCondition?.name.value, schema));
        continue;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined)
          walk(fragment.selectionSet, narrowed(at, fragment.typeCondition.name.value, schema));
        continue;
      }
      const key = selection.alias?.value ?? selection.name.value;
      for (const field of fieldsAt(at, renamed.get(key) ?? key)) {
        if (field.slot !== undefined) brought.add(field.slot);
        if (field.child !== null && selection.selectionSet !== undefined)
          walk(selection.selectionSet, everywhere(field.child));
      }
      if (
        fetch.requires !== null &&
        selection.name.value === '_entities' &&
        selection.selectionSet !== undefined
      )
        walk(selection.selectionSet, at);
    }
  };
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    for (const path of fetch.paths)
      for (const shape of shapesAt(root, path)) walk(definition.selectionSet, everywhere(shape));
  }
  return brought;
}

/** A position of the answer, and which concrete types are meant there. */
interface Place {
  readonly shape: ObjectShape;
  readonly types: ReadonlySet<string>;
}

function everywhere(shape: ObjectShape): Place {
  return { shape, types: new Set(shape.types.keys()) };
}

/** A condition that clients do not know may stand for any type. */
function narrowed({ shape, types }: Place, condition: string | undefined, schema: GraphQLSchema): Place {
  const type = condition === undefined ? undefined : schema.getType(condition);
  if (isObjectType(type)) return { shape, types: new Set(types.has(type.name) ? [type.name] : []) };
  if (!isAbstractType(type)) return { shape, types };
  const possible = new Set(schema.getPossibleTypes(type).map(({ name }) => name));
  return { shape, types: types.intersection(possible) };
}

function fieldsAt({ shape, types }: Place, key: string): readonly FieldShape[] {
  return [...types].flatMap((name) => {
    const field = shape.types.get(name)?.fields.find((each) => each.key === key);
    return field === undefined ? [] : [field];
  });
}

/** The positions that a path of response keys leads to: several below an abstract one. */
export function shapesAt(root: ObjectShape, path: readonly string[]): ReadonlySet<ObjectShape> {
  let shapes: ReadonlySet<ObjectShape> = new Set([root]);
  for (const step of path) {
    if (step === '@') continue;
    const next = [...shapes].flatMap((shape) => fieldsAt(everywhere(shape), step));
    shapes = new Set(next.flatMap(({ child }) => (child === null ? [] : [child])));
  }
  return shapes;
}
