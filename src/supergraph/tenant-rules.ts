import { DirectiveLocation, Kind } from 'graphql';
import type { DirectiveUse } from './directive-uses.ts';
import type { HiddenInput, PrincipalClaim } from './policy.ts';
import { singleTypeOf, type TypeIndex } from './type-index.ts';

/** Source: the default of `@tenantScoped(field:)` in the specification. */
const TENANT_FIELD = 'tenantId';

const CLAIMS: ReadonlySet<string> = new Set<PrincipalClaim>(['TENANT', 'SUBJECT', 'APPLICATION']);

/** Reads one `@fromPrincipal`, or says why it cannot be enforced as it stands. */
export function readHiddenInput(use: DirectiveUse): HiddenInput | string {
  if (use.valueType === null || use.typeName.startsWith('@'))
    return `${use.location} of ${use.typeName} cannot be filled`;
  const [argument, second] = use.node.arguments ?? [];
  if (argument?.name.value !== 'claim' || second !== undefined) return 'it takes exactly the argument claim';
  const claim = argument.value.kind === Kind.ENUM ? argument.value.value : '';
  if (!CLAIMS.has(claim)) return `claim must be one of ${[...CLAIMS].join(', ')}`;
  const typeName = singleTypeOf(use.valueType);
  if (typeName !== 'ID' && typeName !== 'String') return 'only an ID or a String can be filled';
  return Object.freeze({ claim: claim as PrincipalClaim, typeName });
}

/** The field of a type that holds the owner of each object. */
export interface TenantField {
  readonly field: string;
}

/** Reads one `@tenantScoped`, or says why it cannot be enforced as it stands. */
export function readTenantField(use: DirectiveUse, types: TypeIndex): TenantField | string {
  const { typeName, location } = use;
  if (location !== DirectiveLocation.OBJECT)
    return `owners of ${location} cannot be compared: apply it to object types`;
  if (types.roots.has(typeName)) return 'a root type belongs to no tenant';
  const [argument, second] = use.node.arguments ?? [];
  if (second !== undefined || (argument !== undefined && argument.name.value !== 'field'))
    return 'it takes only the argument field';
  const value = argument?.value;
  if (value !== undefined && value.kind !== Kind.STRING) return 'field must be a string';
  const name = value?.value ?? TENANT_FIELD;
  const field = types.composites.get(typeName)?.get(name);
  if (field === undefined) return `${typeName} has no field ${name}`;
  const type = singleTypeOf(field.type);
  if (type !== 'ID' && type !== 'String') return `${typeName}.${name} must be an ID or a String`;
  if ((field.arguments ?? []).length > 0) return `${typeName}.${name} must take no arguments`;
  return { field: name };
}
