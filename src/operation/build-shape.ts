import { type GraphQLOutputType, getNamedType, isListType, isNonNullType } from 'graphql';
import type { SecurityPolicy } from '../supergraph/policy.ts';
import { anyOf } from './condition-table.ts';
import type { CostSchema } from './cost/cost-schema.ts';
import type { FieldUse, Position } from './expand.ts';
import { tenantKeyOf } from './reserved-names.ts';
import type { Denial, FieldShape, ObjectShape, ObjectTypeShape, TypeWrapper } from './shape.ts';
import type { Verdicts } from './verdicts.ts';

/** What the shape tells of types besides what was selected. */
export interface ShapeRules {
  /** Null where costs are not counted. */
  readonly costs: CostSchema | null;
  readonly policy: Pick<SecurityPolicy, 'tenantFields' | 'sensitive'>;
  /** Coordinates of the operation with their index. */
  readonly slots: ReadonlyMap<string, number>;
  /** When a use is part of the answer, null where it is not; absent where each is when it says so itself. */
  readonly whenOf?: (use: FieldUse) => readonly number[] | null;
}

const always = ({ when }: FieldUse): readonly number[] => when;

/**
 * Builds what the answer looks like: for each position and concrete type the response keys in order, equal keys merged,
 * with what the verdicts refuse marked. The shape is that of the operation as the client wrote it.
 */
export function buildShape(
  root: Position,
  verdicts: Verdicts,
  { costs, policy, slots, whenOf = always }: ShapeRules,
): ObjectShape {
  const known = new Map<string, ObjectShape>();

  const ofPositions = (positions: readonly Position[]): ObjectShape => {
    const all = positions.flatMap((position) => position.uses);
    // Uses are unique in the operation, so the same uses below the same types give the same shape. Those that are not part of
    // the answer tell positions apart as well: which types are refused depends on them.
    const types = [...new Set(positions.flatMap((position) => position.types))];
    const key = `${types.join('|')}#${all.map((use) => use.id).join()}`;
    const cached = known.get(key);
    if (cached !== undefined) return cached;
    const uses = all.filter((use) => whenOf(use) !== null);
    const shape: ObjectShape = {
      abstract: positions.some((position) => position.abstract),
      typeName: positions[0]?.typeName ?? '',
      types: new Map(
        types.map((typeName) => [typeName, ofType(typeName, uses, refusal(positions, typeName))]),
      ),
    };
    known.set(key, shape);
    return shape;
  };

  const refusal = (positions: readonly Position[], typeName: string): Denial | null => {
    for (const position of positions) {
      const guard = verdicts.refusedTypes(position).get(typeName);
      if (guard !== undefined) return { guard, coordinate: typeName, perObject: true };
    }
    return null;
  };

  const ofType = (typeName: string, uses: readonly FieldUse[], denied: Denial | null): ObjectTypeShape => {
    const byKey = Map.groupBy(
      uses.filter((use) => use.on.has(typeName)),
      (use) => use.key,
    );
    const weight = costs?.weightOfObject(typeName) ?? 1;
    return {
      denied,
      fields: [...byKey.values()].flatMap((same) => ofField(typeName, same)),
      ...(policy.tenantFields.has(typeName) ? { tenantKey: tenantKeyOf(typeName) } : {}),
      ...(weight === 1 ? {} : { weight }),
    };
  };

  const ofField = (typeName: string, uses: readonly FieldUse[]): FieldShape[] => {
    const [first] = uses;
    const field = first?.on.get(typeName);
    if (first === undefined || field === undefined) return [];
    const children = uses.flatMap((use) => (use.children === null ? [] : [use.children]));
    const leaf = children.length === 0 ? (costs?.ofType(getNamedType(field.type).name) ?? null) : null;
    const weight = costs?.ofMember(typeName, first.name) ?? leaf;
    const slot = slots.get(`${typeName}.${first.name}`);
    const sensitive = policy.sensitive.get(`${typeName}.${first.name}`);
    return [
      {
        key: first.key,
        name: first.name,
        when: anyOf(uses.map((use) => whenOf(use) ?? use.when)),
        type: wrapperOf(field.type),
        typeName: getNamedType(field.type).name,
        denied: denialOf(verdicts, typeName, uses),
        child: children.length === 0 ? null : ofPositions(children),
        ...(weight === null ? {} : { weight }),
        ...(slot === undefined ? {} : { slot }),
        ...(sensitive === undefined ? {} : { sensitive }),
      },
    ];
  };

  return ofPositions([root]);
}

function denialOf(verdicts: Verdicts, typeName: string, uses: readonly FieldUse[]): Denial | null {
  for (const use of uses) {
    const { refused, removedFor } = verdicts.ofUse(use);
    const guard = refused.get(typeName);
    if (guard === undefined) continue;
    return {
      guard,
      coordinate: removedFor[0]?.coordinate ?? `${typeName}.${use.name}`,
      perObject: removedFor.length === 0,
    };
  }
  return null;
}

function wrapperOf(type: GraphQLOutputType): TypeWrapper {
  if (isNonNullType(type)) return { ...wrapperOf(type.ofType), nonNull: true };
  return { nonNull: false, item: isListType(type) ? wrapperOf(type.ofType) : null };
}
